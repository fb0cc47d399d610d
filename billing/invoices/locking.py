"""Lock an invoice with its customer, and check that it was issued here."""

from __future__ import annotations

from billing.models import Invoice
from customers.models import Customer

_LONGEST_REASON = 100


class CannotChangeInvoice(Exception):
    """The change is refused; the message says what to do and why."""


def locked_invoice(invoice: Invoice) -> Invoice:
    """Lock the customer, then the invoice, until the transaction ends. Returns the invoice as it is now."""
    owner_id = invoice.customer_id
    while True:
        list(Customer.objects.filter(pk=owner_id).select_for_update(no_key=True).values_list("pk"))
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        if found.customer_id == owner_id:
            return found
        # A merge gave it to another customer before the lock.
        owner_id = found.customer_id


def locked_issued(invoice: Invoice, wanted: str) -> Invoice:
    """`locked_invoice` of an invoice issued here. `wanted` completes the error message, such as "voided".

    Raises `CannotChangeInvoice` for a draft, and for an imported invoice.
    """
    found = locked_invoice(invoice)
    if found.number:
        return found
    if not found.imported:
        advice = "Issue it first." if found.status == Invoice.Status.DRAFT else "Draft another one."
        raise CannotChangeInvoice(f"{found} can't be {wanted} because it was never issued. {advice}")
    raise CannotChangeInvoice(
        f"{found} can't be {wanted} here because the billing platform issued it. Change it there, then import the"
        " customer again."
    )


def save_change(invoice: Invoice, reason: str) -> None:
    """Save the fields of an issued invoice that may change, with the reason in its history."""
    invoice._change_reason = reason[:_LONGEST_REASON]  # type: ignore[attr-defined]
    invoice.save(update_fields=["status", "closed_at", "paid", "credited"])
