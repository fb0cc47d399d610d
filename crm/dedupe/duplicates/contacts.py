"""Whether a point of contact of one customer is the other customer."""

from __future__ import annotations

from crm.dedupe.duplicates.comparison import Comparison
from crm.dedupe.duplicates.names import Kind, Likeness, Relation, compare
from crm.dedupe.duplicates.profile import Contact, Profile


def may_be(contact: Contact, customer: Profile, pair: Comparison) -> bool:
    """Whether the names do not say that a contact is somebody else."""
    if contact.name is None or not customer.names or customer.names[0].kind == Kind.COMPANY:
        return True
    likeness = compare(contact.name, customer.names[0], pair.is_usual)
    return likeness.relation in (Relation.ALIKE, Relation.PART)


def is_contact(pair: Comparison) -> bool:
    """Whether a contact of one is the other, by name, or by address where the names do not say no."""
    return writes_as_contact(pair) or any(
        likeness_of_contact(one, other, pair) is not None
        for one, other in ((pair.a, pair.b), (pair.b, pair.a))
    )


def writes_as_contact(pair: Comparison) -> bool:
    """Whether a contact of one has the address of the other, and may be them."""
    return any(
        not customer.boxes.isdisjoint(mailbox.box for mailbox in contact.mailboxes)
        and may_be(contact, customer, pair)
        for customer, other in ((pair.a, pair.b), (pair.b, pair.a))
        for contact in other.contacts
    )


def likeness_of_contact(customer: Profile, other: Profile, pair: Comparison) -> Likeness | None:
    """How alike the name of `customer` and of a contact of `other` are; None unless they are one name."""
    names = (contact.name for contact in other.contacts if contact.name is not None)
    likenesses = (compare(each, mine, pair.is_usual) for each in names for mine in customer.names[:1])
    return next((likeness for likeness in likenesses if likeness.relation == Relation.ALIKE), None)
