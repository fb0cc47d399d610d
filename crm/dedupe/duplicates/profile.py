"""What a customer is recognised by: the part of the record that the rules look at, in one form."""

from __future__ import annotations

from msgspec import Struct

from crm.dedupe.duplicates.addresses import Place
from crm.dedupe.duplicates.mailboxes import Mailbox
from crm.dedupe.duplicates.names import Name
from crm.dedupe.duplicates.tax_ids import TaxId


class Contact(Struct, array_like=True, frozen=True):
    """Somebody at a customer: a point of contact in the CRM, or a contact of one of its businesses."""

    name: Name | None = None
    mailboxes: tuple[Mailbox, ...] = ()
    phones: tuple[str, ...] = ()


class Profile(Struct, array_like=True, frozen=True, omit_defaults=True):
    """What a customer is recognised by.

    The first of `names` is the one it goes by. `ids` are all that it is known by, our own first; `named_elsewhere`
    its external id and Stripe id, which another environment may use for the same customer. `phones` are in the
    form of `phones.read_phone`, `methods` what tells one payment method from others.
    """

    id: str
    env: str
    ids: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    phones: tuple[str, ...] = ()
    fingerprint: str = ""
    named_elsewhere: tuple[str, ...] = ()
    tax_ids: tuple[TaxId, ...] = ()
    company_numbers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    contacts: tuple[Contact, ...] = ()
    methods: tuple[str, ...] = ()

    @property
    def boxes(self) -> frozenset[str]:
        """Its own addresses."""
        return frozenset(mailbox.box for mailbox in self.mailboxes)

    @property
    def contact_boxes(self) -> frozenset[str]:
        """The addresses of its contacts."""
        return frozenset(mailbox.box for contact in self.contacts for mailbox in contact.mailboxes)
