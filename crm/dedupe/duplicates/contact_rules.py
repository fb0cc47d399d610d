"""Rules about mailboxes, phones, devices, domains and payment methods. The fewer customers share one, the stronger the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crm.dedupe.duplicates.blocking_keys import KeyKind
from crm.dedupe.duplicates.comparison import Comparison
from crm.dedupe.duplicates.contacts import may_be
from crm.dedupe.duplicates.evidence import Evidence, found, shared
from crm.dedupe.duplicates.profile import ContactProfile, Profile
from customers.readings.mailboxes import is_mistyped
from customers.readings.names import Relation
from customers.readings.phones import is_same_phone


def same_mailbox(pair: Comparison) -> Iterator[Evidence]:
    """The same mailbox in any spelling."""
    for mine, theirs in pair.same_boxes[:1]:
        rule = "same mailbox"
        if mine.is_office:
            rule = "same office mailbox"
        elif mine.is_tagged or theirs.is_tagged:
            rule = "same mailbox, tagged"
        yield shared(rule, f"same email address: {mine.box}", pair.count(KeyKind.MAILBOX, mine.box))


def mistyped_mailbox(pair: Comparison) -> Iterator[Evidence]:
    """Email addresses that differ by a typo, if the names are alike or one is missing."""
    if pair.same_boxes or pair.relation not in (Relation.ALIKE, None):
        return
    for mine in pair.a.mailboxes:
        for theirs in pair.b.mailboxes:
            if is_mistyped(mine, theirs):
                yield found("mistyped mailbox", f"almost the same email address: {mine.box}, {theirs.box}")
                return


def same_phone(pair: Comparison) -> Iterator[Evidence]:
    """The same phone number in any format."""
    for mine, theirs in pair.same_phones[:1]:
        full = mine if mine.startswith("+") else theirs
        rule = "same phone" if mine == theirs else "same phone, without its country"
        yield shared(rule, f"same phone number: {full}", pair.count(KeyKind.PHONE, full))


def same_fingerprint(pair: Comparison) -> Iterator[Evidence]:
    """The same device, by its fingerprint."""
    if pair.is_one_device:
        mark = pair.a.fingerprint
        yield shared(
            "same fingerprint", f"same device fingerprint: {mark}", pair.count(KeyKind.FINGERPRINT, mark)
        )


def contact_is_the_other(pair: Comparison) -> Iterator[Evidence]:
    """A contact of one customer is the other, by email address or phone."""
    for customer, other in ((pair.a, pair.b), (pair.b, pair.a)):
        for contact in other.contacts:
            if may_be(contact, customer, pair):
                yield from _reached_as(contact, customer, pair)


def _reached_as(contact: ContactProfile, customer: Profile, pair: Comparison) -> Iterator[Evidence]:
    who = (
        f"“{contact.name.text}”, a contact of one customer," if contact.name else "A contact of one customer"
    )
    for mailbox in contact.mailboxes:
        if mailbox.box in customer.boxes:
            words = f"{who} has the email address of the other: {mailbox.box}"
            yield shared("a contact's mailbox", words, pair.count(KeyKind.MAILBOX, mailbox.box))
            return
    for phone in contact.phones:
        if any(is_same_phone(phone, theirs) for theirs in customer.phones):
            words = f"{who} has the phone number of the other: {phone}"
            yield shared("a contact's phone", words, pair.count(KeyKind.PHONE, phone))
            return


def same_domain(pair: Comparison) -> Iterator[Evidence]:
    """The same company domain."""
    for domain in pair.same_domains[:1]:
        yield shared("same domain", f"same company domain: {domain}", pair.count(KeyKind.DOMAIN, domain))


def same_payment_method(pair: Comparison) -> Iterator[Evidence]:
    """The same card or account."""
    for method in sorted(set(pair.a.methods) & set(pair.b.methods))[:1]:
        yield shared("same payment method", "same payment method", pair.count(KeyKind.METHOD, method))


WAYS: tuple[Callable[[Comparison], Iterator[Evidence]], ...] = (
    same_mailbox,
    mistyped_mailbox,
    same_phone,
    same_fingerprint,
    contact_is_the_other,
    same_domain,
    same_payment_method,
)
