"""What tests of merging look at: documents, rows, sums of entries."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db.models.functions import Coalesce

from billing.doctor.merges import check_homes
from billing.document.renderer import render_customers as render_billing
from billing.document.schema.expansion import EXPANDABLE
from billing.models import LedgerEntry
from crm.document.renderer import render_customers as render_crm
from crm.document.schema import encode_customer
from customers.document.renderer import render_customers as render_payments
from customers.json_types import encode
from customers.models import Customer
from tests.factories import MOMENT

#: What a merge and its undoing write down for ever.
_WRITTEN = {"Event", "Merge", "Posting", "LedgerEntry", "CustomerChange", "AuditEntry"}


def documents_of(*customers: Customer) -> list[bytes]:
    """The three documents of each customer as they are now, with everything that can be asked for."""
    shown = list(Customer.objects.filter(pk__in=[each.pk for each in customers]).order_by("pk"))
    return [
        *(encode_customer(each) for each in render_crm(shown)),
        *(encode(each) for each in render_payments(shown, embedded=True)),
        *(encode(each) for each in render_billing(shown, EXPANDABLE, at=MOMENT)),
    ]


def row_counts() -> dict[str, int]:
    """How many rows there are of each model, but of what is written down for ever."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if not model.__name__.startswith("Historical") and model.__name__ not in _WRITTEN
    }


def ledger_sums() -> dict[tuple[str, str], Decimal]:
    """By customer and figure, what the entries of its grants and rollovers add up to; zero is left out."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    owner = Coalesce("grant__balance__customer", "rollover__balance__customer")
    entries: Any = LedgerEntry.objects.values_list(owner, "figure", "amount")
    for customer, figure, amount in entries:
        sums[customer, figure] += amount
    return {place: total for place, total in sums.items() if total}


def astray() -> list[str]:
    """The rows that say they came with somebody who is not merged into their customer."""
    return [found.row for found in check_homes(lambda count: None)]
