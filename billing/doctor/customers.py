"""Customers: their columns are what their records and locks say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef

from billing.doctor.findings import Advance, Finding
from customers.bulk import update_rows
from customers.formats import listed
from customers.ingest.precedence import CLAIMED, resolve
from customers.models import Customer, SourceRecord

_BATCH = 500


def check_columns(advance: Advance, *, fix: bool) -> Iterator[Finding]:
    """Customers with a value, not locked, that differs from what their source records say together."""
    told = SourceRecord.objects.filter(customer=OuterRef("pk"))
    customers = Customer.objects.unmerged().filter(Exists(told)).order_by("pk")
    for customer in customers.prefetch_related("source_records").iterator(chunk_size=_BATCH):
        before = {name: getattr(customer, name) for name in CLAIMED}
        changed = resolve(customer)
        advance(1)
        if not changed:
            continue
        what = listed([f"{Customer.label_of(name)} {_shown(before[name])}" for name in changed])
        says = listed([_shown(getattr(customer, name)) for name in changed])
        mended = ""
        if fix:
            update_rows([customer], changed, "Set to what its records say")
            mended = "It has what they say now."
        remedy = "Lock the field on its Sources page if the value is right. Run with --fix to take what the records say."
        yield Finding(
            str(customer.pk),
            str(customer),
            f"it has {what}, but its records say {says}",
            remedy,
            True,
            mended,
        )


def _shown(value: Any) -> str:
    return "nothing" if value is None or value == "" else f"“{value}”"
