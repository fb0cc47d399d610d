"""Close invoices without a payment: void them, or mark them uncollectible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction

from billing.invoices.locking import CannotChangeInvoice, locked_invoice, locked_issued, save_change
from billing.invoices.overdue import clear_past_due
from billing.invoices.terms import DISCOUNT_COLUMNS, in_own_currency
from billing.models import Discount, Invoice, InvoiceLine
from billing.rules.exact import EXACT
from customers import clock
from customers.bulk import update_rows

_VOIDABLE = (Invoice.Status.DRAFT, Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)


@transaction.atomic
def void_invoice(invoice: Invoice, *, done_by: str) -> Invoice:
    """Void an invoice that should not have been issued. Nothing is due, and its discounts count as unused.

    A draft is discarded this way. Raises `CannotChangeInvoice` if anything is paid or credited, or it is closed.
    """
    found = locked_invoice(invoice)
    if found.status != Invoice.Status.DRAFT or found.imported:
        found = locked_issued(invoice, "voided")
    if found.status not in _VOIDABLE:
        raise CannotChangeInvoice(
            f"Issue a credit note instead. {found} can't be voided because it is {found.status}."
        )
    if found.paid or found.credited:
        what = "paid" if found.paid else "credited"
        raise CannotChangeInvoice(
            f"Issue a credit note for the rest instead. {found} can't be voided because it is partly {what}."
        )
    _release_discounts(found)
    found.status, found.closed_at = Invoice.Status.VOID, clock.now()
    reason = f"Voided by {done_by}"
    save_change(found, reason)
    clear_past_due(found.subscription_id, reason)
    return found


@transaction.atomic
def mark_uncollectible(invoice: Invoice, *, done_by: str) -> Invoice:
    """Mark an invoice whose payment is no longer expected. It stays due and can still be paid.

    Raises `CannotChangeInvoice` if it is not open.
    """
    found = locked_issued(invoice, "marked uncollectible")
    if found.status != Invoice.Status.OPEN:
        raise CannotChangeInvoice(f"{found} can't be marked uncollectible because it is {found.status}.")
    found.status, found.closed_at = Invoice.Status.UNCOLLECTIBLE, clock.now()
    reason = f"Marked uncollectible by {done_by}"
    save_change(found, reason)
    clear_past_due(found.subscription_id, reason)
    return found


def _release_discounts(invoice: Invoice) -> None:
    lines = list(invoice.lines.exclude(discount_key=None))
    discounts = Discount.objects.filter(pk__in=[line.discount_key for line in lines])
    taken = _taken(lines)
    changed = []
    for discount in discounts.order_by("pk").select_for_update():
        amount = in_own_currency(discount, taken[str(discount.pk)], invoice.currency)
        discount.spent = EXACT.subtract(discount.spent, amount)
        discount.times_used = max(0, discount.times_used - 1)
        if not discount.times_used and discount.start == invoice.issued_at:
            discount.start = None
        changed.append(discount)
    update_rows(changed, DISCOUNT_COLUMNS, reason="")


def _taken(lines: Iterable[InvoiceLine]) -> dict[str, int]:
    """The amounts that discounts took off, above 0, by discount ID."""
    taken: dict[str, int] = defaultdict(int)
    for line in lines:
        taken[str(line.discount_key)] -= line.amount
    return taken
