"""The histories that the timeline shows, with the nouns for their rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Model

from crm.desk.timeline.entry import EntryKind

ADDED, CHANGED, DELETED = "+", "~", "-"
_ALL = (ADDED, CHANGED, DELETED)
#: Where another source has an entry for the addition.
_LATER = (CHANGED, DELETED)
_CHANGES = (CHANGED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The history of the model with this label.

    `named` are the columns that name a row in a title. Changes of columns in `quiet` aren't shown.
    """

    label: str
    noun: str
    named: tuple[str, ...] = ()
    kind: EntryKind = EntryKind.CHANGE
    types: tuple[str, ...] = _ALL
    customer: str = "customer"
    quiet: tuple[str, ...] = ()

    @property
    def model(self) -> type[Model]:
        return apps.get_model(self.label)

    @property
    def rows(self) -> Any:
        """The history's own model."""
        return _rows(self.label)

    @property
    def permission(self) -> str:
        """Permission to view the rows includes their history."""
        app, _, name = self.label.partition(".")
        return f"{app}.view_{name.lower()}"


HISTORIES: dict[str, History] = {
    history.label: history
    for history in (
        History(
            label="customers.Customer", noun="Customer", customer="id", quiet=("updated_at", "merged_into")
        ),
        History(label="customers.Address", noun="Address", named=("line1", "city")),
        History(label="customers.Business", noun="Business profile", named=("name",)),
        History(label="customers.PaymentMethod", noun="Payment method", named=("brand", "last4")),
        History(label="crm.Activity", noun="Activity", kind=EntryKind.CONTACT, types=_LATER, named=("kind",)),
        History(label="crm.Company", noun="Company", named=("name",)),
        History(label="crm.Contact", noun="Contact", named=("person",)),
        History(label="crm.CustomField", noun="Custom field", named=("key",)),
        History(label="crm.Document", noun="Document", named=("title",)),
        History(label="crm.Domain", noun="Domain", named=("name",)),
        History(label="crm.FieldValue", noun="Custom field", named=("field",)),
        History(label="crm.Note", noun="Note", kind=EntryKind.NOTE, types=_LATER),
        History(label="crm.Relationship", noun="Account details"),
        History(
            label="crm.Task",
            noun="Task",
            kind=EntryKind.TASK,
            named=("title",),
            quiet=("done_at", "done_by", "created_by"),
        ),
        History(
            label="billing.AutoTopup", noun="Automatic top-up", kind=EntryKind.BALANCE, named=("feature",)
        ),
        History(
            label="billing.Balance",
            noun="Balance",
            kind=EntryKind.BALANCE,
            named=("feature",),
            types=_CHANGES,
        ),
        History(label="billing.BillingAccount", noun="Billing account"),
        History(label="billing.Discount", noun="Discount", kind=EntryKind.SUBSCRIPTION, named=("name",)),
        History(label="billing.Entity", noun="Entity", named=("name", "entity_id")),
        History(label="billing.Flag", noun="Flag", kind=EntryKind.SUBSCRIPTION, named=("feature",)),
        History(
            label="billing.Invoice",
            noun="Invoice",
            kind=EntryKind.INVOICE,
            named=("number", "stripe_id"),
            types=_LATER,
            quiet=("paid", "credited"),
        ),
        History(
            label="billing.License", noun="License", kind=EntryKind.SUBSCRIPTION, named=("license_plan",)
        ),
        History(
            label="billing.OverageAllowed",
            noun="Overage control",
            kind=EntryKind.BALANCE,
            named=("feature",),
        ),
        History(
            label="billing.Purchase",
            noun="Purchase",
            kind=EntryKind.SUBSCRIPTION,
            named=("plan",),
            types=_LATER,
        ),
        History(label="billing.Referral", noun="Referral", named=("referred_name", "referred_id")),
        History(label="billing.SpendLimit", noun="Spend limit", kind=EntryKind.BALANCE, named=("feature",)),
        History(
            label="billing.Subscription",
            noun="Subscription",
            kind=EntryKind.SUBSCRIPTION,
            named=("plan",),
            types=_LATER,
        ),
        History(label="billing.TrialUsed", noun="Trial", kind=EntryKind.SUBSCRIPTION, named=("plan",)),
        History(
            label="billing.UsageAlert", noun="Usage alert", kind=EntryKind.BALANCE, named=("name", "feature")
        ),
        History(
            label="billing.UsageLimit",
            noun="Usage limit",
            kind=EntryKind.BALANCE,
            named=("feature",),
            quiet=("reported", "reported_at"),
        ),
    )
}

#: Histories whose changes other sources show: merges for merged records.
LEFT_OUT = {"crm.MergedRecord"}
#: Columns of any model whose changes mean nothing to a person.
QUIET = frozenset(
    {"id", "customer", "came_with", "position", "imported", "pinned_fields", "created_at", "billed_here"}
)


@cache
def _rows(label: str) -> Any:
    model: Any = apps.get_model(label)
    return model.history.model
