"""Imports invoices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed, marking
from billing.document.schema import BillingCustomer
from billing.document.schema.invoice import SentTerms, sent_terms
from billing.invoices.terms import due_date
from billing.models import Invoice, InvoiceLine
from billing.rules.money import to_minor
from customers.bulk import sync_rows
from customers.ingest.importer import Incoming

LINE = "As billed by the source"


def apply_invoices(batch: ImportBatch) -> None:
    """Import invoices with their plans. An invoice whose lines don't add up to its total gets a single line."""
    for incoming in batch.incoming:
        batch.sent_terms |= _sent_terms(incoming)
    imported = _INVOICES.sync(
        batch, listed(batch, lambda document: document.invoices), marking(batch, "removed_at")
    )
    invoices = {invoice.pk: invoice for _, invoice in imported}
    if invoices:
        _sync_lines(batch, invoices)
        _link_plans(batch, invoices)


def _sync_lines(batch: ImportBatch, invoices: dict[str, Invoice]) -> None:
    lines: dict[str, list[InvoiceLine]] = {pk: [] for pk in invoices}
    for line in InvoiceLine.objects.filter(invoice__customer__in=batch.customers):
        if line.invoice_id in lines:
            lines[line.invoice_id].append(line)
    unbalanced = [
        invoice
        for pk, invoice in invoices.items()
        if not invoice.number and (not lines[pk] or sum(line.amount for line in lines[pk]) != invoice.total)
    ]
    sync_rows(
        [line for invoice in unbalanced for line in lines[invoice.pk]],
        [
            InvoiceLine(invoice=invoice, description=LINE, quantity=1, amount=invoice.total)
            for invoice in unbalanced
        ],
        key=lambda line: (line.invoice_id, line.description),
        fields=("position", "quantity", "amount"),
        reason=batch.reason,
    )


def _link_plans(batch: ImportBatch, invoices: dict[str, Invoice]) -> None:
    """Link the plans of invoices. An invoice keeps the version of a plan that it was first linked to."""
    through: Any = Invoice.plans.through
    incoming_of = {incoming.customer.pk: incoming for incoming in batch.incoming}
    links = [
        link
        for link in through.objects.filter(invoice__customer__in=batch.customers).select_related("plan")
        if link.invoice_id in invoices
    ]
    linked = {(link.invoice_id, link.plan.plan_id): link.plan for link in links}
    wanted = []
    for pk, invoice in invoices.items():
        for plan_id in dict.fromkeys(invoice.plan_ids):
            plan = linked.get((pk, plan_id))
            key = plan.pk if plan else batch.plan_key(incoming_of[invoice.customer_id], plan_id)
            wanted.append(through(invoice_id=pk, plan_id=key))
    sync_rows(
        links,
        wanted,
        key=lambda link: (link.invoice_id, link.plan_id),
        fields=(),
        reason=batch.reason,
    )


def _invoice(
    batch: ImportBatch, incoming: Incoming[BillingCustomer], sent: schema.Invoice, ours: Invoice | None
) -> dict[str, Any]:
    if ours is not None and ours.number:
        return {name: getattr(ours, name) for name in _COLUMNS}
    total = to_minor(sent.total, sent.currency)
    key = (incoming.customer.pk, incoming.came_with_id, str(sent.stripe_id))
    terms = batch.sent_terms.get(key, _NO_TERMS)
    paid = terms.paid(total, sent.currency)
    if paid is None:
        paid = 0 if ours is None else min(ours.paid, max(0, total))
    return {
        "stripe_id": sent.stripe_id,
        "status": sent.status,
        "currency": sent.currency.code,
        "currency_as_sent": str(sent.currency),
        "total": total,
        "paid": paid,
        "due_at": terms.due_date or terms.due_at or _due_at(batch, incoming, sent, ours, total - paid),
        "plan_ids": [str(plan_id) for plan_id in sent.plan_ids],
        "hosted_invoice_url": sent.hosted_invoice_url,
        "created_at": sent.created_at,
        "removed_at": None,
    }


def _sent_terms(incoming: Incoming[BillingCustomer]) -> dict[tuple[str, str | None, str], SentTerms]:
    """The terms of those invoices that came with any."""
    received = incoming.record.value
    invoices = received.get("invoices") if isinstance(received, Mapping) else None
    found = {}
    for each in invoices if isinstance(invoices, list) else ():
        if isinstance(each, Mapping) and (terms := sent_terms(each)) != _NO_TERMS:
            stripe_id = str(each.get("stripe_id", each.get("stripeId")))
            found[incoming.customer.pk, incoming.came_with_id, stripe_id] = terms
    return found


def _due_at(
    batch: ImportBatch,
    incoming: Incoming[BillingCustomer],
    sent: schema.Invoice,
    ours: Invoice | None,
    due: int,
) -> datetime | None:
    """When an invoice that the source sends without a due date is due, by the customer's payment terms.

    It stays as it was computed first, because other terms are those of later invoices.
    """
    if ours is not None and ours.due_at is not None and ours.created_at == sent.created_at:
        return ours.due_at
    if sent.status != Invoice.Status.OPEN or due <= 0:
        return None
    return due_date(sent.created_at, batch.payment_terms.get(incoming.customer.pk))


_NO_TERMS = SentTerms()

#: An import doesn't change an invoice that was issued here, because documents have it only as we exported it.
_COLUMNS = (
    "stripe_id",
    "status",
    "currency",
    "currency_as_sent",
    "total",
    "paid",
    "due_at",
    "plan_ids",
    "hosted_invoice_url",
    "created_at",
    "removed_at",
)
_INVOICES = ListMapping[Invoice, schema.Invoice](
    model=Invoice,
    key_of_item=lambda sent: sent.stripe_id,
    key_of_row=lambda row: row.shown_id,
    columns=_invoice,
    is_shared=True,
    stays_ours=True,
)
