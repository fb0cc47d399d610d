"""The billing document of one customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from msgspec import UNSET, UnsetType

from billing.document.schema.balance import Balance, Flag
from billing.document.schema.catalog import parse_with_reasons
from billing.document.schema.controls import BillingControls
from billing.document.schema.entity import Entity
from billing.document.schema.invoice import Invoice
from billing.document.schema.reward import Referral, Rewards, TrialUsed
from billing.document.schema.scalars import Bounded, Env, Identifier, refuse_repeats
from billing.document.schema.subscription import License, Purchase, Subscription
from customers.json_types import EpochMs, JsonDocument, Refused, Remark, free_form, within
from customers.readings.emails import tidy_emails


class BillingCustomer(JsonDocument, kw_only=True):
    """A customer on the billing platform.

    `balances` and `flags` are keyed by feature ID. What is absent changes nothing, an empty list or object removes all.
    `metadata` and `payment_method` are free-form.
    """

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset(
        {
            "id",
            "name",
            "email",
            "created_at",
            "fingerprint",
            "stripe_id",
            "metadata",
            "send_email_receipts",
            "billing_controls",
            "subscriptions",
            "purchases",
            "licenses",
            "balances",
            "flags",
        }
    )

    id: Bounded | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    email: Bounded | UnsetType | None = UNSET
    created_at: EpochMs | UnsetType = UNSET
    fingerprint: Bounded | UnsetType | None = UNSET
    stripe_id: Bounded | UnsetType | None = UNSET
    env: Env = "live"
    metadata: dict[str, Any] | UnsetType = UNSET
    send_email_receipts: bool | UnsetType = UNSET
    billing_controls: BillingControls | UnsetType = UNSET
    subscriptions: list[Subscription] | UnsetType = UNSET
    purchases: list[Purchase] | UnsetType = UNSET
    licenses: list[License] | UnsetType = UNSET
    balances: dict[Identifier, Balance] | UnsetType = UNSET
    flags: dict[Identifier, Flag] | UnsetType = UNSET
    invoices: list[Invoice] | UnsetType = UNSET
    entities: list[Entity] | UnsetType = UNSET
    trials_used: list[TrialUsed] | UnsetType = UNSET
    rewards: Rewards | UnsetType | None = UNSET
    referrals: list[Referral] | UnsetType = UNSET
    payment_method: Any = UNSET

    def __post_init__(self) -> None:
        self.metadata = free_form(self.metadata)
        self.payment_method = free_form(self.payment_method)

    def verify(self) -> None:
        """Raise `Refused` with the path of what is invalid."""
        if not (self.id or self.stripe_id or self.email or (self.name and self.created_at)):
            raise Refused(
                "$",
                "Expected an id, a stripe_id or an email, or a name with created_at, to identify the customer.",
            )
        _verify_all("$.subscriptions", self.subscriptions or [])
        _verify_all("$.purchases", self.purchases or [])
        _verify_all("$.invoices", self.invoices or [])
        for feature_id, balance in (self.balances or {}).items():
            balance.verify(within("$.balances", feature_id), feature_id)
        for feature_id, flag in (self.flags or {}).items():
            flag.verify(within("$.flags", feature_id), feature_id)
        refuse_repeats("$.subscriptions", "id", (each.id for each in self.subscriptions or []))
        refuse_repeats("$.invoices", "stripe_id", (each.stripe_id for each in self.invoices or []))
        refuse_repeats("$.entities", "id", (each.id for each in self.entities or []))

    def settle(self) -> list[Remark]:
        """Correct balances to the sums of their rows and empty identifiers to null, with a remark on each change."""
        remarks = []
        for name in ("id", "email", "fingerprint", "stripe_id"):
            if getattr(self, name) == "":
                setattr(self, name, None)
                remarks.append(Remark(within("$", name), "Imported as null, not as an empty text."))
        for feature_id, balance in (self.balances or {}).items():
            remarks += balance.settle(within("$.balances", feature_id))
        return remarks


class _Verifiable(Protocol):
    def verify(self, at: str) -> None: ...


def parse_customer(value: object) -> tuple[BillingCustomer, list[Remark]]:
    """Parse a customer from what the reader returned, with a remark on each correction.

    Raises `Refused` with the JSON path and the reason.
    """
    customer = parse_with_reasons(BillingCustomer, value)
    remarks = tidy_emails("$", customer)
    for index, referral in enumerate(customer.referrals or []):
        remarks += tidy_emails(within("$.referrals", index, "customer"), referral.customer)
    customer.verify()
    return customer, remarks + customer.settle()


def _verify_all(at: str, items: Sequence[_Verifiable]) -> None:
    for index, item in enumerate(items):
        item.verify(within(at, index))
