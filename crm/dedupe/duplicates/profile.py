"""What the rules look at of a customer, in one form."""

from __future__ import annotations

from msgspec import Struct

from crm.dedupe.duplicates.addresses import Place
from customers.readings.mailboxes import Mailbox
from customers.readings.names import Name
from customers.readings.tax_ids import TaxId


class ContactProfile(Struct, array_like=True, frozen=True):
    """A contact of a customer, from the CRM or from a business profile."""

    name: Name | None = None
    mailboxes: tuple[Mailbox, ...] = ()
    phones: tuple[str, ...] = ()


class Profile(Struct, array_like=True, frozen=True, omit_defaults=True):
    """What the rules look at of a customer.

    `names` begins with the displayed one. `ids` has every identifier, ours first. `named_elsewhere` has the external ID and Stripe
    ID, which another environment may use for the same customer. `phones` are in the form of `phones.read_phone`, `methods`
    identifies payment methods.
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
    contacts: tuple[ContactProfile, ...] = ()
    methods: tuple[str, ...] = ()

    @property
    def boxes(self) -> frozenset[str]:
        """Mailboxes of the customer itself."""
        return frozenset(mailbox.box for mailbox in self.mailboxes)

    @property
    def contact_boxes(self) -> frozenset[str]:
        """Mailboxes of its contacts."""
        return frozenset(mailbox.box for contact in self.contacts for mailbox in contact.mailboxes)
