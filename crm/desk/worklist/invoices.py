"""Invoices that should have been paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from billing.formats import money
from billing.models import Invoice
from crm.desk.worklist.reason import (
    Reason,
    WorklistBatch,
    WorklistRule,
    beyond,
    customer_page,
    days,
    days_between,
    first_of_each,
)
from customers.formats import page_of_key

OVERDUE = WorklistRule(
    "invoice_overdue",
    "Invoice past due",
    "An invoice was to be paid by a day that is over.",
    "billing.view_invoice",
)

_WEIGHT, _MOST_FOR_DAYS = 40, 40
#: What was decided of an overdue invoice is asked again after as many days more.
_STAGE_DAYS = 30


def overdue_invoices(batch: WorklistBatch) -> Iterator[Reason]:
    """Unpaid invoices past their day, the oldest first. In one query."""
    due = Invoice.objects.overdue(batch.at - timedelta(days=settings.WORKLIST_OVERDUE_DAYS))
    oldest = first_of_each(due.filter(customer_id__in=batch.customer_ids), "due_at", "pk")
    for invoice in oldest.order_by("customer_id", "place"):
        late = days_between(invoice.due_at, batch.at)
        yield Reason(
            customer_id=str(invoice.customer_id),
            rule=OVERDUE.name,
            key=f"{invoice.pk}:{invoice.due}:{late // _STAGE_DAYS}",
            words=f"invoice {invoice.shown_id} {days(late)} past due, {money(invoice.due, invoice.currency)}",
            weight=_WEIGHT + min(late, _MOST_FOR_DAYS),
            since=invoice.due_at,
            link=page_of_key(Invoice, invoice.pk),
        )
        more = beyond(invoice)
        if more:
            yield Reason(
                customer_id=str(invoice.customer_id),
                rule=OVERDUE.name,
                key=f"more:{more}",
                words=f"{more:,} more invoice{'' if more == 1 else 's'} past due",
                weight=_WEIGHT,
                since=invoice.due_at,
                link=customer_page(str(invoice.customer_id)),
            )
