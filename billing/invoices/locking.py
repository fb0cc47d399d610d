"""What every change of an invoice begins with: its customer and itself locked, and whether it is ours to change."""

from __future__ import annotations

from billing.models import Invoice
from customers.models import Customer

_LONGEST_REASON = 100


class CannotChangeInvoice(Exception):
    """The invoice stays as it is; the message says why, and what can be done instead."""


def locked_invoice(invoice: Invoice) -> Invoice:
    """The invoice as it is now, which nobody else changes until the transaction ends; its customer first."""
    owner_id = invoice.customer_id
    while True:
        list(Customer.objects.filter(pk=owner_id).select_for_update(no_key=True).values_list("pk"))
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        if found.customer_id == owner_id:
            return found
        # Its customer was merged into another meanwhile.
        owner_id = found.customer_id


def locked_issued(invoice: Invoice, wanted: str) -> Invoice:
    """`locked_invoice` of one that was issued here; `wanted` says in a message what was to be done with it.

    Raises `CannotChangeInvoice` for one that was never issued, and for an imported one.
    """
    found = locked_invoice(invoice)
    if found.number:
        return found
    if not found.imported:
        advice = "Issue it first." if found.status == Invoice.Status.DRAFT else "Draft another one."
        raise CannotChangeInvoice(f"{found} was never issued and cannot be {wanted}. {advice}")
    raise CannotChangeInvoice(
        f"{found} was issued by the billing platform and cannot be {wanted} here. Do it there, and import the"
        " customer again."
    )


def save_change(invoice: Invoice, reason: str) -> None:
    """Write what may change of an issued invoice, with the reason in its history."""
    invoice._change_reason = reason[:_LONGEST_REASON]  # type: ignore[attr-defined]
    invoice.save(update_fields=["status", "closed_at", "paid", "credited"])
