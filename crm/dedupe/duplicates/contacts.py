"""Whether a contact of one customer is the other customer."""

from __future__ import annotations

from crm.dedupe.duplicates.comparison import Comparison
from crm.dedupe.duplicates.profile import ContactProfile, Profile
from customers.readings.names import Likeness, NameKind, Relation, compare


def may_be(contact: ContactProfile, customer: Profile, pair: Comparison) -> bool:
    """Whether the names allow a contact to be the other customer."""
    if contact.name is None or not customer.names or customer.names[0].kind == NameKind.COMPANY:
        return True
    likeness = compare(contact.name, customer.names[0], pair.is_usual)
    return likeness.relation in (Relation.ALIKE, Relation.PART)


def is_contact(pair: Comparison) -> bool:
    """Whether a contact of one is the other: by name, or by email address if the names allow it."""
    return writes_as_contact(pair) or any(
        likeness_of_contact(one, other, pair) is not None
        for one, other in ((pair.a, pair.b), (pair.b, pair.a))
    )


def writes_as_contact(pair: Comparison) -> bool:
    """Whether a contact of one has the email address of the other, and the names allow it."""
    return any(
        not customer.boxes.isdisjoint(mailbox.box for mailbox in contact.mailboxes)
        and may_be(contact, customer, pair)
        for customer, other in ((pair.a, pair.b), (pair.b, pair.a))
        for contact in other.contacts
    )


def likeness_of_contact(customer: Profile, other: Profile, pair: Comparison) -> Likeness | None:
    """The likeness of the names of `customer` and a contact of `other`. None unless they are the same name."""
    names = (contact.name for contact in other.contacts if contact.name is not None)
    likenesses = (compare(each, mine, pair.is_usual) for each in names for mine in customer.names[:1])
    return next((likeness for likeness in likenesses if likeness.relation == Relation.ALIKE), None)
