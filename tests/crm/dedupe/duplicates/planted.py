"""Ways in which one customer comes twice, and ways in which two customers look like one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from tests.crm.dedupe.duplicates import pools
from tests.crm.dedupe.duplicates.invented import Duplicate, Invention, Lookalikes, Someone, Spec, ascii_of

#: How each kind is made, and whether it takes a company (or a person, or either).
DUPLICATES: dict[str, tuple[Duplicate, bool | None]] = {}
LOOKALIKES: dict[str, Lookalikes] = {}


def _duplicate(kind: str, *, is_company: bool | None = None) -> Callable[[Duplicate], Duplicate]:
    def register(make: Duplicate) -> Duplicate:
        DUPLICATES[kind] = (make, is_company)
        return make

    return register


def _lookalike(kind: str) -> Callable[[Lookalikes], Lookalikes]:
    def register(make: Lookalikes) -> Lookalikes:
        LOOKALIKES[kind] = make
        return make

    return register


# One customer twice


@_duplicate("copy from another source")
def copy(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """Another system has the name and the address for e-mail."""
    return Spec({"name": someone.name, "email": spec.customer["email"]})


@_duplicate("e-mail variant", is_company=False)
def email_variant(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """Case, dots that mean nothing, the provider's other domain, a domain in other letters."""
    given, family = ascii_of(someone.given), ascii_of(someone.family)
    number = invention.rng.randint(1, 9999)
    variants = [
        (f"{given}.{family}{number}@gmail.com", f"{given}{family}{number}@googlemail.com"),
        (f"{given}{family}{number}@gmail.com", f"{given[:2]}.{given[2:]}{family}{number}@gmail.com"),
        (f"{given}{family}{number}@outlook.com", f"{given.title()}{family.title()}{number}@Outlook.com"),
        (f"{given}@bücher-{family}{number}.de", f"{given}@xn--bcher-{family}{number}-x6b.de"),
    ]
    mine, theirs = invention.rng.choice(variants)
    if "xn--" in theirs:
        theirs = f"{given}@" + f"bücher-{family}{number}.de".encode("idna").decode()
    spec.customer["email"] = mine
    name = invention.rng.choice((someone.name, "", f"{someone.given[0]}. {someone.family}"))
    return Spec({"name": name, "email": theirs})


@_duplicate("plus-tag", is_company=False)
def plus_tag(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """The same mailbox with a tag."""
    local, _, host = spec.customer["email"].partition("@")
    if host in {"yahoo.com", "aol.com", "gmx.de", "web.de"}:
        return None
    tag = invention.rng.choice(("shop", "news", "trial2", "work"))
    return Spec({"name": invention.rng.choice((someone.name, "")), "email": f"{local}+{tag}@{host}"})


@_duplicate("typo in the name")
def typo(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """One slip."""
    return invention.elsewhere(spec, invention.misspelled(someone.name))


@_duplicate("given and family name swapped", is_company=False)
def swapped(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """As in a list by family name."""
    comma = invention.rng.choice(("", ","))
    return invention.elsewhere(spec, f"{someone.family}{comma} {someone.given}")


@_duplicate("nickname", is_company=False)
def nickname(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """What friends say."""
    short = dict(pools.GIVEN)[someone.given]
    return invention.elsewhere(spec, f"{short} {someone.family}" if short else "")


@_duplicate("transliterated", is_company=False)
def transliterated(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """In another script, or with other letters for the accents."""
    if invention.rng.random() < 0.5:
        given, family = invention.rng.choice(pools.SCRIPTS), invention.rng.choice(pools.SCRIPT_FAMILIES)
        spec.customer["name"] = f"{given[0]} {family[0]}"
        return invention.elsewhere(spec, f"{invention.rng.choice(given[1:])} {family[1]}")
    name = someone.name
    for letter, other in pools.SPELLINGS:
        name = name.replace(letter, other)
    return invention.elsewhere(spec, name if name != someone.name else "")


@_duplicate("legal form", is_company=True)
def legal_form(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """Without the legal form, or with it written out."""
    words = f"{someone.stem} {someone.trade}".strip()
    plain = {"Ltd": "Limited", "Inc.": "Incorporated", "GmbH": "Gesellschaft mit beschränkter Haftung"}
    for form, other in plain.items():
        if someone.name == f"{words} {form}" and invention.rng.random() < 0.5:
            words = f"{words} {other}"
    return invention.elsewhere(spec, words)


@_duplicate("phone format")
def phone_format(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """The same number as one dials it there."""
    town = someone.town
    if town.international.count("#") != town.national.count("#"):
        return None
    digits = [str(invention.rng.randint(0, 9)) for _ in range(town.international.count("#"))]
    spec.customer["phone"] = _filled(town.international, digits)
    national = _filled(town.national, digits)
    name = invention.rng.choice((someone.name, someone.name, invention.misspelled(someone.name) or "", ""))
    twice = Spec({"name": name, "phone": national})
    if invention.rng.random() < 0.7:
        twice.address = {"city": town.other, "country": town.in_words}
    return twice


@_duplicate("tax id format", is_company=True)
def tax_id_format(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The same tax id with marks, or without its country."""
    number = invention.tax_id(someone.town)
    spec.business = {"name": someone.name, "tax_identifier": number, "company_number": ""}
    code, digits = number[:2], number[2:]
    spaced = f"{digits[:3]}{invention.rng.choice(' .-')}{digits[3:6]}{invention.rng.choice(' .')}{digits[6:]}"
    name = invention.rng.choice((someone.name, someone.stem))
    twice = Spec({"name": name}, business={"name": name, "tax_identifier": f"{code} {spaced}"})
    if invention.rng.random() < 0.3:
        twice.address = {"city": someone.town.city, "country": someone.town.country}
        twice.business["tax_identifier"] = spaced
    return twice


@_duplicate("point of contact", is_company=True)
def point_of_contact(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The company in the CRM, and its contact who signed up."""
    domain = spec.customer["email"].rpartition("@")[2]
    contact, _ = invention.somebody(is_company=False, town=someone.town)
    email = f"{ascii_of(contact.given)}.{ascii_of(contact.family)}@{domain}"
    spec.company = {"name": someone.name, "location": someone.town.city}
    spec.people = [{"name": contact.name, "email": email}]
    if invention.rng.random() < 0.5:
        spec.domains = [domain]
    name = invention.rng.choice((contact.name, contact.name, ""))
    return Spec({"name": name, "email": email})


@_duplicate("domain and similar name", is_company=True)
def domain_and_name(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """Another department's address, the name a little different."""
    domain = spec.customer["email"].rpartition("@")[2]
    words = f"{someone.stem} {someone.trade}".strip()
    name = invention.rng.choice((words, invention.misspelled(words) or words, f"The {words} Group"))
    twice = Spec({"name": name, "email": f"accounts-payable@{domain}"})
    if invention.rng.random() < 0.5:
        twice = Spec({"name": name}, company={"name": name, "location": ""}, domains=[f"www.{domain}"])
    return twice


@_duplicate("a word added or dropped", is_company=True)
def added_word(invention: Invention, someone: Someone, spec: Spec) -> Spec | None:
    """A company that grew or shrank by a word, at the same domain, in the same city."""
    domain = spec.customer["email"].rpartition("@")[2]
    spec.address = invention.address_in(someone.town)
    words = [someone.stem, invention.rng.choice(pools.ADDED_WORDS), someone.trade]
    spec.customer["name"] = f"{someone.stem} {someone.trade}".strip()
    twice = Spec({"name": " ".join(filter(None, words)), "email": f"office@{domain}"})
    twice.address = {"city": someone.town.city, "country": someone.town.country}
    return twice


@_duplicate("fingerprint")
def fingerprint(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The same device, another mailbox."""
    spec.customer["fingerprint"] = mark = f"device-{invention.rng.getrandbits(40):x}"
    name = invention.rng.choice((someone.name, "", invention.misspelled(someone.name) or ""))
    email = f"user{invention.rng.getrandbits(30)}@{invention.rng.choice(pools.FREE_MAIL)}"
    return Spec({"name": name, "email": email, "fingerprint": mark})


@_duplicate("id in another environment")
def other_environment(invention: Invention, someone: Someone, spec: Spec) -> Spec:
    """The customer in the sandbox."""
    column = invention.rng.choice(("external_id", "stripe_id"))
    spec.customer[column] = f"id-{invention.rng.getrandbits(50):x}"
    name = invention.rng.choice((someone.name, "", invention.misspelled(someone.name) or ""))
    return Spec({"name": name, "env": "sandbox", column: spec.customer[column]})


# Customers that are not one


def _filled(pattern: str, digits: list[str]) -> str:
    rest = iter(digits)
    return "".join(next(rest) if each == "#" else each for each in pattern)


@_lookalike("family")
def family(invention: Invention) -> list[Spec]:
    """Two or three at one address with one phone."""
    first, spec = invention.somebody(is_company=False)
    spec.address = invention.address_in(first.town)
    phone = invention.phone(first.town)
    specs = []
    for given in invention.rng.sample([each[0] for each in pools.GIVEN], invention.rng.choice((2, 2, 3))):
        someone = Someone(first.town, False, f"{given} {first.family}", given, first.family)
        email = invention.email_of(someone)
        specs.append(
            Spec({"name": someone.name, "email": email, "phone": phone}, address=deepcopy(spec.address))
        )
    return specs


@_lookalike("father and son")
def father_and_son(invention: Invention) -> list[Spec]:
    """One name, another generation."""
    someone, spec = invention.somebody(is_company=False)
    spec.address = spec.address or invention.address_in(someone.town)
    spec.customer["name"] = f"{someone.name} {invention.rng.choice(('Sr.', 'Senior'))}"
    email = invention.email_of(someone)
    return [spec, Spec({"name": f"{someone.name} Jr.", "email": email}, address=deepcopy(spec.address))]


@_lookalike("sister companies")
def sisters(invention: Invention) -> list[Spec]:
    """Companies of one group: one domain, address and phone, other trades."""
    first, spec = invention.somebody(is_company=True)
    address, phone = invention.address_in(first.town), invention.phone(first.town)
    domain = spec.customer["email"].rpartition("@")[2]
    has_numbers = invention.rng.random() < 0.6
    specs = []
    trades = invention.rng.sample(pools.TRADE_WORDS, 2) if invention.rng.random() < 0.8 else ["", "Holding"]
    for trade in trades:
        name = f"{first.stem} {trade}".strip() + f" {pools.FORMS[first.town.country][0]}"
        each = Spec({"name": name, "email": f"{ascii_of(trade)}@{domain}", "phone": phone}, deepcopy(address))
        if has_numbers or trade in {"", "Holding"}:
            each.business = {"name": name, "tax_identifier": invention.tax_id(first.town)}
        specs.append(each)
    return specs


@_lookalike("branches of a chain")
def branches(invention: Invention) -> list[Spec]:
    """One name and domain in several cities."""
    first, spec = invention.somebody(is_company=True)
    domain = spec.customer["email"].rpartition("@")[2]
    is_named = invention.rng.random() < 0.5
    specs = []
    country = [town for town in pools.TOWNS if town.country == first.town.country]
    for town in invention.rng.sample(country, min(len(country), 4)):
        name = f"{first.stem} {first.trade}".strip() + (f" {town.city}" if is_named else "")
        contact = {
            "name": name,
            "email": f"{ascii_of(town.city)}@{domain}",
            "phone": invention.phone(town),
        }
        specs.append(Spec(contact, address=invention.address_in(town), domains=[domain]))
    return specs


@_lookalike("switchboard")
def switchboard(invention: Invention) -> list[Spec]:
    """People of one organisation: one phone, one domain, one address."""
    town = invention.rng.choice(pools.TOWNS)
    _, company = invention.somebody(is_company=True, town=town)
    domain = company.customer["email"].rpartition("@")[2]
    phone, address = invention.phone(town), invention.address_in(town)
    specs = []
    for _ in range(invention.rng.randint(2, 9)):
        someone, _ = invention.somebody(is_company=False, town=town)
        email = f"{ascii_of(someone.given)}.{ascii_of(someone.family)}@{domain}"
        specs.append(Spec({"name": someone.name, "email": email, "phone": phone}, address=deepcopy(address)))
    return specs


@_lookalike("namesakes elsewhere")
def namesakes(invention: Invention) -> list[Spec]:
    """One name in two cities or countries."""
    first, spec = invention.somebody()
    spec.address = spec.address or invention.address_in(first.town)
    town = invention.rng.choice([town for town in pools.TOWNS if town.city != first.town.city])
    other = Someone(town, first.is_company, first.name, first.given, first.family, first.stem, first.trade)
    twin = invention.spec_of(other)
    twin.address = invention.address_in(town)
    twin.customer["email"] = f"{ascii_of(first.name)[:6]}{invention.rng.randint(100, 999)}@mail.com"
    twin.company, twin.domains, twin.business = {}, [], {}
    return [spec, twin]


@_lookalike("look-alike domain")
def lookalike_domain(invention: Invention) -> list[Spec]:
    """Somebody who passes for a company."""
    someone, spec = invention.somebody(is_company=True)
    local, _, domain = spec.customer["email"].partition("@")
    traps = (("l", "1"), ("o", "0"), ("m", "rn"), ("a", "а"), ("e", "е"), ("i", "1"))
    fake = next(domain.replace(letter, trap, 1) for letter, trap in traps if letter in domain.split(".")[0])
    return [spec, Spec({"name": someone.name, "email": f"{local}@{fake}"}, address=deepcopy(spec.address))]


@_lookalike("look-alike name")
def lookalike_name(invention: Invention) -> list[Spec]:
    """Letters of another alphabet."""
    someone, spec = invention.somebody()
    spec.address = spec.address or invention.address_in(someone.town)
    traps = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і", "x": "х"}
    letter = next(each for each in someone.name if each in traps)
    name = someone.name.replace(letter, traps[letter], 1)
    email = f"{invention.rng.getrandbits(40):x}@mail.com"
    return [spec, Spec({"name": name, "email": email}, address=deepcopy(spec.address))]


@_lookalike("shared mailbox")
def shared_mailbox(invention: Invention) -> list[Spec]:
    """Clients of one accountant, who gave the accountant's address."""
    email = f"clients@{ascii_of(invention.family())}-tax.com"
    specs = []
    for _ in range(invention.rng.randint(4, 8)):
        _, spec = invention.somebody(is_company=True)
        spec.customer["email"], spec.domains = email, []
        specs.append(spec)
    return specs


@_lookalike("placeholder tax id")
def placeholder_tax_id(invention: Invention) -> list[Spec]:
    """Strangers whose forms asked for a number that they did not have at hand."""
    number = invention.rng.choice(("123456789", "000000000", "111111111", "987654321", "1234567890"))
    specs = []
    for _ in range(invention.rng.randint(2, 5)):
        someone, spec = invention.somebody(is_company=True)
        spec.business = {"name": someone.name, "tax_identifier": number, "company_number": number}
        specs.append(spec)
    return specs


@_lookalike("reseller as contact")
def reseller(invention: Invention) -> list[Spec]:
    """Firms that one reseller looks after, who is the contact of each."""
    seller, _ = invention.somebody(is_company=False)
    contact = {"name": seller.name, "email": f"{ascii_of(seller.given)}@{ascii_of(seller.family)}-resale.com"}
    specs = []
    for _ in range(invention.rng.randint(3, 6)):
        someone, spec = invention.somebody(is_company=True)
        spec.company = {"name": someone.name, "location": someone.town.city}
        spec.people = [deepcopy(contact)]
        specs.append(spec)
    return specs


@_lookalike("neighbours")
def neighbours(invention: Invention) -> list[Spec]:
    """Next door, with names that are near."""
    first, spec = invention.somebody(is_company=False)
    spec.address = invention.address_in(first.town)
    number, _, street = spec.address["line1"].partition(" ")
    next_door = {**spec.address, "line1": f"{int(number) + 2} {street}"}
    second, other = invention.somebody(is_company=False, town=first.town)
    other.address = next_door
    other.customer["name"] = f"{second.given} {first.family}"
    if second.given == first.given:
        other.customer["name"] = f"Zoltan {first.family}"
    return [spec, other]
