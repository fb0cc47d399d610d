"""Rules about tax and company numbers, about differences, and about traps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crm.dedupe.duplicates.addresses import Nearness, is_other_postal
from crm.dedupe.duplicates.blocking_keys import KeyKind
from crm.dedupe.duplicates.comparison import Comparison
from crm.dedupe.duplicates.contact_rules import mistyped_mailbox
from crm.dedupe.duplicates.contacts import writes_as_contact
from crm.dedupe.duplicates.evidence import Evidence, found, shared
from crm.dedupe.duplicates.name_rules import contact_name, domain_is_the_name, name
from customers.readings.mailboxes import Mailbox, looks_like
from customers.readings.tax_ids import is_of_one_kind, is_same_tax_id, may_be_a_slip
from customers.readings.text import looks

_SHORT_ID = 5


def tax_id(pair: Comparison) -> Iterator[Evidence]:
    """The same tax ID, or two different ones."""
    mine, theirs = pair.a.tax_ids, pair.b.tax_ids
    same = next((one for one in mine for other in theirs if is_same_tax_id(one, other)), None)
    if same is not None:
        yield shared("same tax id", f"same tax ID: {same.number}", pair.count(KeyKind.TAX_ID, same.number))
    elif mine and theirs:
        rule, words = "another tax id", "another tax ID"
        if may_be_a_slip(mine, theirs):
            rule, words = "a tax id that may be mistyped", "almost the same tax ID"
        elif not any(is_of_one_kind(one, other) for one in mine for other in theirs):
            rule = "a tax id of another kind"
        yield found(rule, f"{words}: {mine[0].number}, {theirs[0].number}")


def company_number(pair: Comparison) -> Iterator[Evidence]:
    """The same company number, or two different ones."""
    mine, theirs = pair.a.company_numbers, pair.b.company_numbers
    same = sorted(set(mine) & set(theirs))
    if same:
        count = pair.count(KeyKind.COMPANY_NUMBER, same[0])
        yield shared("same company number", f"same company number: {same[0]}", count)
    elif mine and theirs:
        yield found("another company number", f"different company numbers: {mine[0]}, {theirs[0]}")


def id_in_another_environment(pair: Comparison) -> Iterator[Evidence]:
    """The same external ID or Stripe ID in two environments. Shown, but such customers cannot be merged."""
    if not pair.is_across_envs:
        return
    for identifier in sorted(set(pair.a.named_elsewhere) & set(pair.b.named_elsewhere))[:1]:
        kind, _, value = identifier.partition(":")
        rule = "same id in another environment"
        if len(value) < _SHORT_ID:
            rule = "same short id in another environment"
        yield found(rule, f"same {kind} in another environment: {value}")
    yield found("another environment", f"one is {pair.a.env}, the other {pair.b.env}: they can't be merged")


def another_place(pair: Comparison) -> Iterator[Evidence]:
    """Two places that cannot be the same."""
    if pair.nearest is None:
        return
    _, mine, theirs = pair.nearest
    if pair.near == Nearness.OTHER_COUNTRY:
        yield found("another country", f"different countries: {mine.country}, {theirs.country}")
    elif writes_as_contact(pair):
        # A person may live in another place than their company.
        return
    elif pair.near == Nearness.OTHER_CITY:
        yield found("another city", "another city")
    elif pair.near < Nearness.SAME_STREET and pair.is_at_other_address:
        yield found("another address", "different addresses in the same city")
    elif pair.near == Nearness.SAME_CITY and is_other_postal(mine, theirs):
        yield found("another postal code", f"different postal codes: {mine.postal}, {theirs.postal}")


def lookalike_mailbox(pair: Comparison) -> Iterator[Evidence]:
    """Two email addresses that look the same but are different."""
    for mine in pair.a.mailboxes:
        for theirs in pair.b.mailboxes:
            if looks_like(mine, theirs):
                words = f"look-alike: the email addresses {mine.box} and {theirs.box} look the same but are different"
                yield found("look-alike mailbox", words)
                return


def another_mailbox(pair: Comparison) -> Iterator[Evidence]:
    """Both have email addresses, but none in common."""
    mine, theirs = _personal(pair.a.mailboxes), _personal(pair.b.mailboxes)
    is_reached = pair.same_boxes or any(mistyped_mailbox(pair)) or writes_as_contact(pair)
    if mine and theirs and not is_reached:
        yield found("another mailbox", "another email address")


def another_phone(pair: Comparison) -> Iterator[Evidence]:
    """Both have phone numbers, but none in common."""
    if pair.a.phones and pair.b.phones and not pair.same_phones and not writes_as_contact(pair):
        yield found("another phone", "another phone number")


def another_domain(pair: Comparison) -> Iterator[Evidence]:
    """Both have company domains and share none: `look-alike domain` if two look the same, else `another domain`."""
    ours = [domain for domain in pair.a.domains if not pair.is_crowded(domain)]
    others = [domain for domain in pair.b.domains if not pair.is_crowded(domain)]
    if not ours or not others or pair.has_telling_domain:
        return
    for mine in ours:
        for theirs in others:
            if looks(mine) == looks(theirs):
                words = f"look-alike: the domains {mine} and {theirs} look the same but are different"
                yield found("look-alike domain", words)
                return
    yield found("another domain", "another company domain")


def _personal(mailboxes: tuple[Mailbox, ...]) -> list[Mailbox]:
    return [mailbox for mailbox in mailboxes if not mailbox.is_office]


Rule = Callable[[Comparison], Iterator[Evidence]]

NUMBERS: tuple[Rule, ...] = (tax_id, company_number, id_in_another_environment)
RULES: tuple[Rule, ...] = (
    name,
    contact_name,
    domain_is_the_name,
    another_place,
    lookalike_mailbox,
    another_mailbox,
    another_phone,
    another_domain,
)
