"""Money that was received for an invoice: it is noted here, and moved elsewhere."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.formats import money
from billing.invoices.locking import CannotChangeInvoice, locked_issued, save_change
from billing.invoices.overdue import clear_past_due
from billing.models import Invoice, Payment
from customers import clock

_AWAITING = (Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)


@transaction.atomic
def record_payment(
    invoice: Invoice, amount: int, *, paid_at: datetime | None = None, reference: str = "", done_by: str
) -> Payment:
    """Note that `amount` minor units were received; the invoice is paid once nothing is due any more.

    One that was given up as uncollectible can still be paid. Raises `CannotChangeInvoice` for an invoice that waits
    for no money, an amount that is not above zero or more than is due, or a moment that lies ahead.
    """
    found = locked_issued(invoice, "paid")
    now = clock.now()
    paid_at = paid_at or now
    if found.status not in _AWAITING:
        raise CannotChangeInvoice(f"{found} is {found.status} and waits for no money. Nothing was recorded.")
    if amount <= 0:
        raise CannotChangeInvoice("A payment is above zero. For money that went back, write a credit note.")
    if amount > found.due:
        raise CannotChangeInvoice(
            f"{money(amount, found.currency)} is more than the {money(found.due, found.currency)} that is due on"
            f" {found}. Record what is due here, and the rest on the invoice that it pays."
        )
    if paid_at > now:
        raise CannotChangeInvoice("The payment lies in the future. Record it once the money is there.")
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
    return payment
