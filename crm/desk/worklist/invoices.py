"""Invoices that are past due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from billing.formats import money
from billing.models import Invoice
from crm.desk.worklist.reason import (
    Reason,
    WorklistBatch,
    WorklistRule,
    act_on,
    first_of_each,
    rows_left_out,
)
from customers.configuration.table import WORKLIST_OVERDUE_DAYS
from customers.configuration.values import value_of
from customers.formats import counted, customer_url, days_between, page_of_key

OVERDUE = WorklistRule(
    "invoice_overdue",
    "Invoice past due",
    "An invoice is unpaid after its due date.",
    "billing.view_invoice",
    action="View invoice",
)

_WEIGHT, _MOST_FOR_DAYS = 40, 40
#: Users decide again about a past-due invoice after this many more days.
_STAGE_DAYS = 30


def overdue_invoices(batch: WorklistBatch) -> Iterator[Reason]:
    """Unpaid invoices after their due date, oldest first. One query."""
    due = Invoice.objects.overdue(batch.at - timedelta(days=value_of(WORKLIST_OVERDUE_DAYS)))
    oldest = first_of_each(due.filter(customer_id__in=batch.customer_ids), "due_at", "pk")
    for invoice in oldest.order_by("customer_id", "place"):
        late = days_between(invoice.due_at, batch.at)
        yield Reason(
            customer_id=str(invoice.customer_id),
            rule=OVERDUE.name,
            key=f"{invoice.pk}:{invoice.due}:{late // _STAGE_DAYS}",
            words=f"invoice {invoice.shown_id} {counted(late, 'day')} past due, {money(invoice.due, invoice.currency)}",
            weight=_WEIGHT + min(late, _MOST_FOR_DAYS),
            since=invoice.due_at,
            link=page_of_key(Invoice, invoice.pk),
            act="" if invoice.imported or not invoice.number else act_on("record-payment", invoice.pk),
        )
        more = rows_left_out(invoice)
        if more:
            yield Reason(
                customer_id=str(invoice.customer_id),
                rule=OVERDUE.name,
                key=f"more:{more}",
                words=f"{counted(more, 'more invoice')} past due",
                weight=_WEIGHT,
                since=invoice.due_at,
                link=customer_url(str(invoice.customer_id)),
            )


RULES = (OVERDUE,)
FINDERS = (overdue_invoices,)
