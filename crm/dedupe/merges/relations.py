"""Everything in the database that points at a customer, by name, and what a merge does with it.

A test fails when a model gains a relation to a customer that is not named here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.apps import apps
from django.db import models

from customers.models import Customer


class Way(Enum):
    """What a merge does with the rows that a relation names."""

    MOVES = "goes to the survivor, and is known as the merged customer's by `came_with`"
    JOINS = "there is one of a customer: it moves, or fills what is empty in the survivor's and is put away"
    BALANCES = "grants and rollovers go into the survivor's balance of the feature, with ledger entries"
    STAYS = "stays under the customer it was written for"
    TOMBSTONES = "customers merged earlier are merged into the survivor instead"
    RECORDS = "what merged customers were is shown below the survivor"
    PAIRS = "possible duplicates are asked about the survivor instead"
    COMPUTED = "is thrown away: it is worked out anew for the survivor"


#: By `app.Model.field`.
HANDLED: dict[str, Way] = {
    "billing.AutoTopup.customer": Way.MOVES,
    "billing.Balance.customer": Way.BALANCES,
    "billing.BillingAccount.customer": Way.JOINS,
    "billing.Discount.customer": Way.MOVES,
    "billing.Entity.customer": Way.MOVES,
    "billing.Flag.customer": Way.MOVES,
    "billing.Invoice.customer": Way.MOVES,
    "billing.License.customer": Way.MOVES,
    "billing.Posting.customer": Way.STAYS,
    "billing.Purchase.customer": Way.MOVES,
    "billing.Referral.customer": Way.MOVES,
    "billing.SpendLimit.customer": Way.MOVES,
    "billing.Subscription.customer": Way.MOVES,
    "billing.TrialUsed.customer": Way.MOVES,
    "billing.UsageAlert.customer": Way.MOVES,
    "crm.Activity.customer": Way.MOVES,
    "crm.Company.customer": Way.JOINS,
    "crm.Contact.customer": Way.MOVES,
    "crm.CustomField.customer": Way.MOVES,
    "crm.CustomerTag.customer": Way.MOVES,
    "crm.Document.customer": Way.MOVES,
    "crm.Domain.customer": Way.MOVES,
    "crm.DuplicateCluster.first": Way.PAIRS,
    "crm.DuplicatePair.a": Way.PAIRS,
    "crm.DuplicatePair.b": Way.PAIRS,
    "crm.HealthScore.customer": Way.MOVES,
    "crm.Merge.other": Way.STAYS,
    "crm.Merge.survivor": Way.STAYS,
    "crm.MergedRecord.survivor": Way.RECORDS,
    "crm.MergedRecord.tombstone": Way.RECORDS,
    "crm.Note.customer": Way.MOVES,
    "crm.Relationship.customer": Way.JOINS,
    "crm.Task.customer": Way.MOVES,
    "crm.WorklistDecision.customer": Way.MOVES,
    "crm.WorklistEntry.customer": Way.COMPUTED,
    "customers.Address.customer": Way.MOVES,
    "customers.Business.customer": Way.MOVES,
    "customers.Customer.merged_into": Way.TOMBSTONES,
    "customers.PaymentMethod.customer": Way.MOVES,
    "customers.SourceRecord.customer": Way.MOVES,
}

#: Flags that one row of a customer's may have: the survivor's own row keeps it.
ONE_OF_EACH: dict[str, str] = {
    "customers.Address": "is_default",
    "customers.PaymentMethod": "is_default",
    "crm.Note": "is_summary",
}


def models_that(way: Way) -> list[type[models.Model]]:
    """The models of which a relation is handled in this way, by name."""
    labels = [name.rpartition(".")[0] for name, handled in HANDLED.items() if handled is way]
    return [apps.get_model(label) for label in dict.fromkeys(labels)]


def unhandled() -> list[str]:
    """Relations to a customer that nobody handles: foreign keys, one-to-one and many-to-many, by name."""
    found = (
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if not model.__name__.startswith("Historical")
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]
        if field.related_model is Customer and field.name != "came_with"
    )
    return sorted(name for name in found if name not in HANDLED)


def rows_of(model: type[models.Model]) -> models.QuerySet[Any]:
    """All rows of a model, whatever its managers leave out."""
    rows: models.QuerySet[Any] = model._base_manager.all()
    return rows
