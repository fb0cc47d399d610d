"""More ways in which one customer comes twice, and in which two look like one. Several facts differ at once."""

from __future__ import annotations

from copy import deepcopy

from tests.crm.dedupe.duplicates import pools
from tests.crm.dedupe.duplicates.invented import Duplicate, Invention, Lookalikes, Someone, Spec, ascii_of

MIDDLE = ("Maria", "Alexander", "Lee", "Sofia", "James", "Elena", "Noah", "Ruth")


def _other_mailbox(invention: Invention, name: str) -> str:
    return f"{ascii_of(name)[:9]}{invention.rng.randint(1, 9999)}@{invention.rng.choice(pools.FREE_MAIL)}"


def _other_town(invention: Invention, town: pools.Town) -> pools.Town:
    return invention.rng.choice([each for each in pools.TOWNS if each.city != town.city])


def _slip(invention: Invention, text: str) -> str:
    """`text` with two neighbors swapped, one letter left out, or one doubled."""
    at = invention.rng.randint(1, len(text) - 2)
    return invention.rng.choice(
        (
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + text[at + 1 :],
            text[:at] + text[at:][0] + text[at:],
        )
    )


# One customer twice


def moved(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """A new address in another town. The phone or the mailbox stayed."""
    spec.address = invention.address_in(someone.town)
    spec.customer.setdefault("phone", invention.phone(someone.town))
    twice = Spec({"name": someone.name}, invention.address_in(_other_town(invention, someone.town)))
    if invention.rng.random() < 0.5:
        return Spec({**twice.customer, "email": spec.customer["email"]}, twice.address)
    twice.customer |= {"phone": spec.customer["phone"], "email": _other_mailbox(invention, someone.name)}
    return twice


def renamed(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """Another family name after a wedding. The mailbox stayed, and mostly the address."""
    twice = Spec({"name": f"{someone.given} {invention.family()}", "email": spec.customer["email"]})
    if spec.address and invention.rng.random() < 0.7:
        twice.address = deepcopy(spec.address)
    return twice


def initial(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """Only the first letter of the given name."""
    twice = invention.elsewhere(spec, f"{someone.given[0]}. {someone.family}")
    is_reached = twice is not None and (
        twice.customer.get("email") == spec.customer["email"] or "phone" in twice.customer
    )
    return twice if is_reached else None


def middle_name(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """A second given name."""
    middle = invention.rng.choice(MIDDLE)
    middle = invention.rng.choice((middle, f"{middle[0]}."))
    return invention.elsewhere(spec, f"{someone.given} {middle} {someone.family}")


def two_slips(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """A slip in each of two words of the name. The phone stayed."""
    name = invention.misspelled(invention.misspelled(someone.name))
    words = zip(someone.name.split(), name.split(), strict=False)
    if sum(one != other for one, other in words) != 2:
        return None
    spec.customer["phone"] = phone = invention.phone(someone.town)
    return Spec({"name": name, "phone": phone, "email": _other_mailbox(invention, name)})


def slip_in_the_mailbox(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """One letter of the mailbox is wrong."""
    local, _, host = spec.customer["email"].partition("@")
    if len(local) < 7:
        return None
    wrong = _slip(invention, local)
    if wrong == local or wrong.replace(".", "") == local.replace(".", ""):
        return None
    twice = Spec({"name": someone.name, "email": f"{wrong}@{host}"})
    if spec.address and invention.rng.random() < 0.5:
        twice.address = deepcopy(spec.address)
    return twice


def slip_in_the_phone(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """One digit of the phone number is wrong, the mailbox another. The address is the same."""
    spec.address = invention.address_in(someone.town)
    spec.customer["phone"] = phone = invention.phone(someone.town)
    digits = [place for place, each in enumerate(phone) if each.isdigit()]
    at = digits[-invention.rng.randint(1, 4)]
    wrong = phone[:at] + str((int(phone[at]) + invention.rng.randint(1, 9)) % 10) + phone[at + 1 :]
    email = _other_mailbox(invention, someone.name)
    return Spec({"name": someone.name, "phone": wrong, "email": email}, deepcopy(spec.address))


def person_of_the_company(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """One system has the name of the company, another the name of who signed up, with one mailbox."""
    who, _ = invention.somebody(is_company=False, town=someone.town)
    domain = spec.customer["email"].rpartition("@")[2]
    spec.customer["email"] = email = f"{ascii_of(who.given)}.{ascii_of(who.family)}@{domain}"
    twice = Spec({"name": who.name, "email": email})
    if "phone" in spec.customer and invention.rng.random() < 0.5:
        twice.customer["phone"] = spec.customer["phone"]
    return twice


def nickname_and_moved(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """What friends say, with the same phone number, another mailbox and another town."""
    short = dict(pools.GIVEN)[someone.given]
    if not short:
        return None
    spec.address = invention.address_in(someone.town)
    spec.customer["phone"] = phone = invention.phone(someone.town)
    name = f"{short} {someone.family}"
    twice = Spec({"name": name, "phone": phone, "email": _other_mailbox(invention, name)})
    twice.address = invention.address_in(_other_town(invention, someone.town))
    return twice


def phone_alone(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The other system has the phone number and a part of the name."""
    spec.customer["phone"] = phone = invention.phone(someone.town)
    part = someone.stem if someone.is_company else invention.rng.choice((someone.given, someone.family))
    return Spec({"name": invention.rng.choice((someone.name, part)), "phone": phone})


def contact_elsewhere(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The contact of a company signed up with a mailbox that isn't the company's."""
    who, own = invention.somebody(is_company=False, town=someone.town)
    if invention.rng.random() < 0.5:
        own.customer["email"] = (
            f"{ascii_of(who.given)}@{ascii_of(who.family)}{invention.rng.randint(1, 999)}.net"
        )
    spec.company = {"name": someone.name, "location": someone.town.city}
    spec.people = [{"name": who.name, "email": own.customer["email"]}]
    return Spec({"name": who.name, "email": own.customer["email"]})


# Customers that are not one


def kiosk(invention: Invention) -> list[Spec]:
    """People who signed up at one device."""
    mark = f"device-{invention.rng.getrandbits(40):x}"
    specs = [invention.somebody(is_company=False)[1] for _ in range(invention.rng.randint(2, 6))]
    for spec in specs:
        spec.customer["fingerprint"] = mark
    return specs


def flatmates(invention: Invention) -> list[Spec]:
    """People of different families at one address with one phone."""
    town = invention.rng.choice(pools.TOWNS)
    address, phone = invention.address_in(town), invention.phone(town)
    specs = []
    for _ in range(invention.rng.randint(2, 3)):
        _, spec = invention.somebody(is_company=False, town=town)
        spec.address, spec.customer["phone"] = deepcopy(address), phone
        specs.append(spec)
    return specs


def common_names(invention: Invention) -> list[Spec]:
    """Several people of one common name in one city, each with an address of their own."""
    town = invention.rng.choice(pools.TOWNS)
    given, family = invention.rng.choice(pools.GIVEN)[0], invention.rng.choice(pools.FAMILY)
    someone = Someone(town, False, f"{given} {family}", given, family)
    specs = []
    for _ in range(invention.rng.randint(2, 3)):
        spec = invention.spec_of(someone)
        spec.address = invention.address_in(town)
        spec.customer["phone"] = invention.phone(town)
        specs.append(spec)
    return specs


def passed_on_phone(invention: Invention) -> list[Spec]:
    """A phone number that somebody else has today."""
    town = invention.rng.choice(pools.TOWNS)
    phone = invention.phone(town)
    specs = [invention.somebody(town=town)[1] for _ in range(2)]
    for spec in specs:
        spec.customer["phone"] = phone
    return specs


def office_building(invention: Invention) -> list[Spec]:
    """Companies at one address, whose calls one reception takes."""
    town = invention.rng.choice(pools.TOWNS)
    address, phone = invention.address_in(town), invention.phone(town)
    specs = []
    for _ in range(invention.rng.randint(2, 5)):
        _, spec = invention.somebody(is_company=True, town=town)
        spec.address, spec.customer["phone"] = deepcopy(address), phone
        specs.append(spec)
    return specs


def bookkeeper(invention: Invention) -> list[Spec]:
    """Firms that have one bookkeeper as a contact, and the bookkeeper, who is a customer too."""
    who, own = invention.somebody(is_company=False)
    own.customer["email"] = f"{ascii_of(who.given)}@{ascii_of(who.family)}-books.com"
    specs = [own]
    for _ in range(invention.rng.randint(3, 6)):
        someone, spec = invention.somebody(is_company=True)
        spec.company = {"name": someone.name, "location": someone.town.city}
        spec.people = [{"name": who.name, "email": own.customer["email"]}]
        specs.append(spec)
    return specs


def couple(invention: Invention) -> list[Spec]:
    """Two of one family with one mailbox and one address."""
    first, spec = invention.somebody(is_company=False)
    spec.address = invention.address_in(first.town)
    given = invention.rng.choice([each[0] for each in pools.GIVEN if each[0] != first.given])
    name = f"{given} {first.family}"
    return [spec, Spec({"name": name, "email": spec.customer["email"]}, deepcopy(spec.address))]


def franchise(invention: Invention) -> list[Spec]:
    """Shops of one name in one city, each of another owner."""
    first, _ = invention.somebody(is_company=True)
    specs = []
    for _ in range(invention.rng.randint(2, 3)):
        each = Spec({"name": first.name, "email": _other_mailbox(invention, first.stem)})
        each.address, each.customer["phone"] = invention.address_in(first.town), invention.phone(first.town)
        specs.append(each)
    return specs


#: How each kind is made, and whether it takes a company (or a person, or either).
HARD_DUPLICATES: dict[str, tuple[Duplicate, bool | None]] = {
    "moved": (moved, None),
    "another family name": (renamed, False),
    "initial": (initial, False),
    "middle name": (middle_name, False),
    "two slips": (two_slips, None),
    "slip in the mailbox": (slip_in_the_mailbox, None),
    "slip in the phone": (slip_in_the_phone, None),
    "a person and their company": (person_of_the_company, True),
    "contact with a mailbox elsewhere": (contact_elsewhere, True),
    "nickname and moved": (nickname_and_moved, False),
    "phone and part of the name": (phone_alone, None),
}
HARD_LOOKALIKES: dict[str, Lookalikes] = {
    "kiosk": kiosk,
    "flatmates": flatmates,
    "common names": common_names,
    "passed-on phone": passed_on_phone,
    "office building": office_building,
    "bookkeeper": bookkeeper,
    "couple": couple,
    "franchise": franchise,
}
