"""Close invoices without a payment: void them, or mark them uncollectible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from billing.formats import money
from billing.invoices.issue import CARRIED_OVER
from billing.invoices.locking import CannotChangeInvoice, locked_invoice, locked_issued, save_change
from billing.invoices.overdue import clear_past_due
from billing.invoices.terms import DISCOUNT_COLUMNS, in_own_currency
from billing.invoices.unused import TIME_KINDS
from billing.models import Discount, Invoice, InvoiceLine
from billing.rules.exact import EXACT
from billing.rules.money import from_minor
from customers import clock
from customers.bulk import delete_rows, update_rows

_VOIDABLE = (Invoice.Status.DRAFT, Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)
_MOST_NAMED = 5


@transaction.atomic
def void_invoice(invoice: Invoice, *, done_by: str) -> Invoice:
    """Void an invoice that should not have been issued. Nothing is due, and its discounts count as unused.

    Credits that paid it, in part or whole, come back. Credit that it carried over is taken back, and time that it gave back
    counts as billed again. A draft is discarded this way. Raises `CannotChangeInvoice` if anything is paid or credited, if
    it is closed with a total above 0, if credit that it carried over was used, or if a later invoice bills or gives back
    time that this one gave back or billed.
    """
    found = locked_invoice(invoice)
    if found.status != Invoice.Status.DRAFT or found.imported:
        found = locked_issued(invoice, "voided")
    if found.status not in _VOIDABLE and not _is_paid_by_credits(found):
        raise CannotChangeInvoice(
            f"Issue a credit note instead. {found} can't be voided because it is {found.status}."
        )
    if found.paid or found.credited:
        what = "paid" if found.paid else "credited"
        raise CannotChangeInvoice(
            f"Issue a credit note for the rest instead. {found} can't be voided because it is partly {what}."
        )
    _refuse_built_upon(found)
    reason = f"Voided by {done_by}"
    _take_back_carried_over(found, reason)
    _release_discounts(found)
    found.status, found.closed_at = Invoice.Status.VOID, clock.now()
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


def _is_paid_by_credits(invoice: Invoice) -> bool:
    return invoice.status == Invoice.Status.PAID and not invoice.total


def _refuse_built_upon(invoice: Invoice) -> None:
    """Refuse to void an invoice that a later change of the subscription stands on: time would be billed or credited twice."""
    lines = InvoiceLine.objects.filter(invoice__subscription=invoice.subscription_id).exclude(
        invoice__status=Invoice.Status.VOID
    )
    built_upon = Q(gives_back__invoice=invoice)
    for line in invoice.lines.filter(gives_back__isnull=False):
        built_upon |= Q(
            kind__in=TIME_KINDS,
            amount__gt=0,
            period_start__lt=line.period_end,
            period_end__gt=line.period_start,
        ) & Q(invoice__created_at__gt=invoice.created_at)
    later = (
        lines.filter(built_upon)
        .exclude(invoice=invoice)
        .order_by("-invoice__created_at", "-invoice_id")
        .first()
    )
    if invoice.subscription_id is not None and later is not None:
        raise CannotChangeInvoice(
            f"Void {later.invoice} first. {invoice} can't be voided because that later invoice continues from it."
        )


def _take_back_carried_over(invoice: Invoice, reason: str) -> None:
    line = invoice.lines.filter(kind=InvoiceLine.Kind.CREDIT, description=CARRIED_OVER).first()
    discount = None if line is None else _carried_over_by(invoice, line)
    if line is None or discount is None:
        return
    if discount.spent or discount.times_used:
        used_by = Invoice.objects.exclude(status=Invoice.Status.VOID).filter(
            lines__discount_key=discount.pk, lines__amount__lt=0
        )
        numbers = ", ".join(map(str, used_by.order_by("issued_at", "number").distinct()[:_MOST_NAMED]))
        advice = f"Void {numbers} first" if numbers else "Issue another invoice instead"
        raise CannotChangeInvoice(
            f"{advice}. {invoice} can't be voided because the {money(line.amount, invoice.currency)} of credit that it"
            " carried over was used or returned."
        )
    delete_rows([discount], reason)


def _carried_over_by(invoice: Invoice, line: InvoiceLine) -> Discount | None:
    """The credit that this line carried over; None if it was removed since."""
    discounts = Discount.objects.select_for_update()
    if line.discount_key is not None:
        return discounts.filter(pk=line.discount_key).first()
    # Lines once did not name their discount, but it has the moment and the amount of its invoice.
    made = discounts.filter(
        customer=invoice.customer_id,
        type=Discount.Type.INVOICE_CREDITS,
        currency=invoice.currency,
        start=invoice.created_at,
        discount_value=from_minor(line.amount, invoice.currency),
    )
    return made.order_by("times_used", "pk").first()


def _release_discounts(invoice: Invoice) -> None:
    lines = list(invoice.lines.exclude(discount_key=None).exclude(description=CARRIED_OVER))
    discounts = Discount.objects.filter(pk__in=[line.discount_key for line in lines])
    taken = _taken(lines)
    changed = []
    for discount in discounts.order_by("pk").select_for_update():
        amount = in_own_currency(discount, taken[str(discount.pk)], invoice.currency)
        discount.spent = EXACT.subtract(discount.spent, amount)
        discount.times_used = max(0, discount.times_used - 1)
        if not discount.times_used and discount.start == invoice.created_at:
            discount.start = None
        changed.append(discount)
    update_rows(changed, DISCOUNT_COLUMNS, reason="")


def _taken(lines: Iterable[InvoiceLine]) -> dict[str, int]:
    """The amounts that discounts took off, above 0, by discount ID."""
    taken: dict[str, int] = defaultdict(int)
    for line in lines:
        taken[str(line.discount_key)] -= line.amount
    return taken
