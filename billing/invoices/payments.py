"""Payments: money received for an invoice, and its reversal. Money is recorded here and moved elsewhere."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.formats import money
from billing.invoices.locking import CannotChangeInvoice, locked_issued, save_change
from billing.invoices.overdue import clear_past_due
from billing.models import Invoice, Payment, PaymentReversal
from customers import clock
from customers.events import record_event
from customers.models import EventKind

_AWAITING = (Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)


@transaction.atomic
def record_payment(
    invoice: Invoice, amount: int, *, paid_at: datetime | None = None, reference: str = "", done_by: str
) -> Payment:
    """Record that `amount` minor units were received. The invoice is paid when nothing is due.

    An uncollectible invoice can still be paid. An amount below 0, as banks list what bounced, reverses the latest payment
    of that amount and returns it. Raises `CannotChangeInvoice` for an invoice with nothing due, an amount that is 0 or more
    than is due, one below 0 that no payment has, or a moment in the future.
    """
    found = locked_issued(invoice, "paid")
    now = clock.now()
    paid_at = paid_at or now
    if amount < 0:
        return _reverse_one_of(found, -amount, reason=reference or "It bounced.", done_by=done_by)
    if found.status not in _AWAITING:
        raise CannotChangeInvoice(f"{found} can't be paid because it is {found.status}.")
    if not amount:
        raise CannotChangeInvoice("Enter an amount above 0.")
    if amount > found.due:
        raise CannotChangeInvoice(
            f"{money(amount, found.currency)} is more than the {money(found.due, found.currency)} that is due on"
            f" {found}. Record what is due here, and the rest on the invoice that it pays."
        )
    if paid_at > now:
        raise CannotChangeInvoice("Enter a moment that is not in the future.")
    payment = Payment.objects.create(
        invoice=found,
        amount=amount,
        paid_at=paid_at,
        reference=reference,
        recorded_by=done_by,
        recorded_at=now,
    )
    found.paid += amount
    if not found.due:
        found.status, found.closed_at = Invoice.Status.PAID, paid_at
    reason = f"Payment recorded by {done_by}"
    save_change(found, reason)
    clear_past_due(found.subscription_id, reason)
    if not found.due:
        key = str(found.pk)
        record_event(EventKind.INVOICE_PAID, str(found.customer_id), key, invoice_id=key)
    return payment


def _reverse_one_of(invoice: Invoice, amount: int, *, reason: str, done_by: str) -> Payment:
    """Reverse the latest payment of `amount` minor units that isn't reversed."""
    bounced = invoice.payments.filter(amount=amount, reversal=None).last()
    if bounced is None:
        raise CannotChangeInvoice(
            f"Enter an amount above 0. An amount below 0 reverses a payment, and no payment of"
            f" {money(amount, invoice.currency)} is left to reverse on {invoice}. To return money, issue a credit note."
        )
    reverse_payment(bounced, reason=reason, done_by=done_by)
    return bounced


@transaction.atomic
def reverse_payment(payment: Payment, *, reason: str, done_by: str) -> PaymentReversal:
    """Take back a payment that bounced or was a mistake. It stays in the list, and its amount is due again.

    An invoice with an amount due is open again, with its old due date, even if it was uncollectible: what was decided
    about it was decided with that payment. Raises `CannotChangeInvoice` without a reason, for a payment that is already
    reversed, and for a void invoice.
    """
    found = locked_issued(payment.invoice, "changed")
    if not reason.strip():
        raise CannotChangeInvoice("Enter a reason. It is shown with the payment.")
    earlier = PaymentReversal.objects.filter(payment=payment).first()
    if earlier is not None:
        raise CannotChangeInvoice(f"This payment was already reversed by {earlier.reversed_by}.")
    if found.status == Invoice.Status.VOID:
        raise CannotChangeInvoice(f"Payments of {found} can't be reversed because it is void.")
    reversal = PaymentReversal.objects.create(
        payment=payment, reason=reason.strip(), reversed_at=clock.now(), reversed_by=done_by
    )
    found.paid -= payment.amount
    if found.due > 0:
        found.status, found.closed_at = Invoice.Status.OPEN, None
    save_change(found, f"Payment reversed by {done_by}")
    return reversal
