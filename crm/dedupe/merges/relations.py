"""Every relation to a customer, and what a merge does with it.

A test fails when a model gains a relation to a customer that is not listed here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.apps import apps
from django.db import models

from customers.models import Customer


class Way(Enum):
    """What a merge does with the rows of a relation."""

    MOVES = "moves to the survivor, with the merged customer in `came_with`"
    JOINS = "one row per customer: moves to the survivor, or fills the blanks in the survivor's row and is then deleted"
    STAYS = "stays with the merged customer"
    MERGED_BEFORE = "customers merged before lead to the survivor"
    RECORDS = "documents of merged customers are shown below the survivor"
    PAIRS = "possible duplicates point at the survivor"
    COMPUTED = "computed: deleted here and computed again for the survivor"


#: By `app.Model.field`.
HANDLED: dict[str, Way] = {
    "billing.AlertFired.customer": Way.MOVES,
    "billing.AutoTopup.customer": Way.MOVES,
    "billing.Balance.customer": Way.MOVES,
    "billing.BillingAccount.customer": Way.MOVES,
    "billing.Discount.customer": Way.MOVES,
    "billing.Entity.customer": Way.MOVES,
    "billing.Flag.customer": Way.MOVES,
    "billing.Invoice.customer": Way.MOVES,
    "billing.License.customer": Way.MOVES,
    "billing.OverageAllowed.customer": Way.MOVES,
    "billing.Posting.customer": Way.STAYS,
    "billing.Purchase.customer": Way.MOVES,
    "billing.Referral.customer": Way.MOVES,
    "billing.SpendLimit.customer": Way.MOVES,
    "billing.Subscription.customer": Way.MOVES,
    "billing.TrialUsed.customer": Way.MOVES,
    "billing.UsageAlert.customer": Way.MOVES,
    "billing.UsageLimit.customer": Way.MOVES,
    "crm.Activity.customer": Way.MOVES,
    "crm.BalanceFacts.customer": Way.COMPUTED,
    "crm.Company.customer": Way.JOINS,
    "crm.Contact.customer": Way.MOVES,
    "crm.CurrencyFacts.customer": Way.COMPUTED,
    "crm.CustomField.customer": Way.MOVES,
    "crm.CustomerFacts.customer": Way.COMPUTED,
    "crm.CustomerTag.customer": Way.MOVES,
    "crm.Document.customer": Way.MOVES,
    "crm.Domain.customer": Way.MOVES,
    "crm.DuplicateCluster.first": Way.PAIRS,
    "crm.DuplicatePair.a": Way.PAIRS,
    "crm.DuplicatePair.b": Way.PAIRS,
    "crm.FieldFacts.customer": Way.COMPUTED,
    "crm.FieldValue.customer": Way.MOVES,
    "crm.HealthScore.customer": Way.MOVES,
    "crm.InvoiceFacts.customer": Way.COMPUTED,
    "crm.Merge.other": Way.STAYS,
    "crm.Merge.survivor": Way.STAYS,
    "crm.MergedRecord.survivor": Way.RECORDS,
    "crm.MergedRecord.tombstone": Way.RECORDS,
    "crm.Note.customer": Way.MOVES,
    "crm.Receivable.account": Way.STAYS,
    "crm.Relationship.customer": Way.JOINS,
    "crm.RevenueChange.account": Way.STAYS,
    "crm.SubscriptionFacts.customer": Way.COMPUTED,
    "crm.Task.customer": Way.MOVES,
    "crm.UsageMonth.account": Way.STAYS,
    "crm.WorklistDecision.customer": Way.MOVES,
    "crm.WorklistEntry.customer": Way.COMPUTED,
    "customers.Address.customer": Way.MOVES,
    "customers.Business.customer": Way.MOVES,
    "customers.Customer.merged_into": Way.MERGED_BEFORE,
    "customers.PaymentMethod.customer": Way.MOVES,
    "customers.SourceRecord.customer": Way.MOVES,
}

#: Flags that only one row of a customer may have. The survivor's row keeps it.
ONE_OF_EACH: dict[str, str] = {
    "crm.Note": "is_summary",
}


def models_that(way: Way) -> list[type[models.Model]]:
    """The models with a relation that is handled this way."""
    labels = [name.rpartition(".")[0] for name, handled in HANDLED.items() if handled is way]
    return [apps.get_model(label) for label in dict.fromkeys(labels)]


def unhandled() -> list[str]:
    """Relations to a customer that are not in `HANDLED`, by name: foreign keys, one-to-one and many-to-many."""
    found = (
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if not model.__name__.startswith("Historical")
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]
        if field.related_model is Customer and field.name != "came_with"
    )
    return sorted(name for name in found if name not in HANDLED)


def rows_of(model: type[models.Model]) -> models.QuerySet[Any]:
    """All rows of a model, also those that its default manager hides."""
    rows: models.QuerySet[Any] = model._base_manager.all()
    return rows
