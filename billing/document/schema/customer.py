"""The billing document of one customer."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from msgspec import UNSET, UnsetType

from billing.document.schema.balance import Balance, Flag
from billing.document.schema.controls import BillingControls
from billing.document.schema.entity import Entity
from billing.document.schema.invoice import Invoice
from billing.document.schema.reward import Referral, Rewards, TrialUsed
from billing.document.schema.scalars import Bounded, Env, Identifier, refuse_repeats
from billing.document.schema.subscription import License, Purchase, Subscription, without_never_valid
from customers.json_types import (
    EpochMs,
    JsonDocument,
    Refused,
    Remark,
    RemarkKind,
    free_form,
    parse_tolerantly,
    shown,
    within,
)
from customers.json_types.keys import has_camel_keys, in_snake_case
from customers.limits import refuse_oversized
from customers.readings.emails import tidy_emails
from customers.readings.normalize import empty_blank_texts, tidy_ids


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

    #: Test customers among live ones, or live ones among test customers, would make every sum wrong.

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

    def verify(self) -> list[Remark]:
        """Drop what contradicts itself, with a remark; raise `Refused` with the path of what can't be decided."""
        if not (self.id or self.stripe_id or self.email or (self.name and self.created_at)):
            raise Refused(
                "$",
                "Expected an id, a stripe_id or an email, or a name with created_at, to identify the customer.",
            )
        # Which of two items with one ID counts can't be known, and each is money.
        refuse_repeats("$.subscriptions", "id", (each.id for each in self.subscriptions or []))
        refuse_repeats("$.invoices", "stripe_id", (each.stripe_id for each in self.invoices or []))
        refuse_repeats("$.entities", "id", (each.id for each in self.entities or []))
        remarks: list[Remark] = []
        if self.invoices:
            problems = [each.problem(within("$.invoices", at)) for at, each in enumerate(self.invoices)]
            remarks += filter(None, problems)
            self.invoices = [each for each, bad in zip(self.invoices, problems, strict=True) if not bad]
        for feature_id, balance in (self.balances or {}).items():
            remarks += balance.verify(within("$.balances", feature_id), feature_id)
        for feature_id, flag in (self.flags or {}).items():
            remarks += flag.verify(within("$.flags", feature_id), feature_id)
        for index, subscription in enumerate(self.subscriptions or []):
            remarks += subscription.verify(within("$.subscriptions", index))
        for index, purchase in enumerate(self.purchases or []):
            remarks += purchase.verify(within("$.purchases", index))
        if self.subscriptions:
            self.subscriptions, expired = without_never_valid("$.subscriptions", self.subscriptions)
            remarks += expired
        if self.purchases:
            self.purchases, expired = without_never_valid("$.purchases", self.purchases)
            remarks += expired
        return remarks

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


def parse_customer(value: object) -> tuple[BillingCustomer, list[Remark]]:
    """Parse a customer from what the reader returned, with a remark on each correction.

    Keys may be in camelCase, as the vendor's JavaScript client writes them. What can't be read is left empty. Raises
    `Refused` with the JSON path and the reason for a customer that nothing identifies, for a text that is too long, and
    for what would make money wrong.
    """
    if has_camel_keys(BillingCustomer, value):
        return in_snake_case(BillingCustomer, value, parse_customer)
    value, doubts = _in_known_environment(value)
    reading = parse_tolerantly(BillingCustomer, value)
    customer = reading.document
    refuse_oversized(customer)
    remarks = _tidy_texts(customer) + customer.verify() + customer.settle()
    return customer, [*doubts, *reading.with_later(remarks)]


def _in_known_environment(value: object) -> tuple[object, list[Remark]]:
    """`value` in test mode, with a remark, if its environment is not one that we know: it must not count as live."""
    env = value.get("env") if isinstance(value, dict) else None
    if not isinstance(value, dict) or env is None or str(env).strip().lower() in ("", *get_args(Env)):
        return value, []
    text = f"{shown(env)} is no environment that Clientele knows. The customer was taken as one in test mode."
    return {**value, "env": "sandbox"}, [Remark("$.env", text, RemarkKind.UNKNOWN_WORD)]


def _tidy_texts(customer: BillingCustomer) -> list[Remark]:
    remarks = tidy_emails("$", customer) + empty_blank_texts("$", customer)
    remarks += tidy_ids("$", customer, ["id", "stripe_id"])
    for index, referral in enumerate(customer.referrals or []):
        at = within("$.referrals", index, "customer")
        remarks += tidy_emails(at, referral.customer) + empty_blank_texts(at, referral.customer)
    for index, entity in enumerate(customer.entities or []):
        remarks += empty_blank_texts(within("$.entities", index), entity)
    return remarks
