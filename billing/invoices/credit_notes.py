"""Credit notes: what corrects an issued invoice, which itself never changes."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from billing.formats import money
from billing.invoices.locking import CannotChangeInvoice, locked_issued, save_change
from billing.invoices.numbers import series_of_credit_notes, take_numbers
from billing.invoices.overdue import clear_past_due
from billing.models import CreditNote, Invoice, InvoiceLine
from billing.rules.exact import EXACT
from customers import clock

_CREDITABLE = (Invoice.Status.OPEN, Invoice.Status.PAID, Invoice.Status.UNCOLLECTIBLE)


def creditable(invoice: Invoice) -> int:
    """The most that a credit note can still take off, in minor units."""
    return invoice.total - invoice.credited


def to_return(invoice: Invoice) -> int:
    """The money that was paid and is not owed any more, in minor units. Nothing here moves it."""
    return max(0, -invoice.due)


@transaction.atomic
def credit_note(invoice: Invoice, amount: int | None = None, *, reason: str, done_by: str) -> CreditNote:
    """Take `amount` minor units, or all that is left, off an issued invoice, with their part of its tax.

    An open one is due for so much less, and closed when nothing is due. Of one that was paid, money is to be
    returned: `to_return` says how much. Credits and discounts that the invoice used stay used. Raises
    `CannotChangeInvoice` without a reason, for more than is left, or for an invoice that is void.
    """
    found = locked_issued(invoice, "credited")
    left = creditable(found)
    if found.status not in _CREDITABLE:
        raise CannotChangeInvoice(
            f"{found} is {found.status}: there is nothing that a credit note could correct."
        )
    if not reason.strip():
        raise CannotChangeInvoice("A credit note has a reason. Say why it is written.")
    amount = left if amount is None else amount
    if left <= 0:
        raise CannotChangeInvoice(f"Nothing of {found} is left to be credited.")
    if not 0 < amount <= left:
        raise CannotChangeInvoice(
            f"{money(amount, found.currency)} cannot be credited: {found} has {money(left, found.currency)} left to"
            " be credited. Enter an amount above zero and up to that."
        )
    series = series_of_credit_notes(found.customer.env)
    tax = _tax_of(found, amount)
    why = f"Credited by {done_by}"
    found.credited += amount
    if found.status == Invoice.Status.OPEN and found.due <= 0:
        found.status, found.closed_at = Invoice.Status.PAID, clock.now()
    save_change(found, why)
    clear_past_due(found.subscription_id, why)
    return CreditNote.objects.create(
        invoice=found,
        number=next(take_numbers({series: 1})[series]),
        total=amount,
        tax=tax,
        reason=reason.strip(),
        issued_at=clock.now(),
        issued_by=done_by,
    )


def tax_part(tax: int, gross: int, credited: int, amount: int) -> int:
    """How much of `amount` is tax, after `credited` was taken off before, of an invoice of `gross` with `tax` in it.

    In minor units. The parts of all notes together are the part of their sum, rounded half-even once.
    """

    def part(minor: int) -> int:
        share = EXACT.divide(EXACT.multiply(Decimal(tax), Decimal(minor)), Decimal(gross))
        return int(share.to_integral_value(EXACT.rounding))

    return part(credited + amount) - part(credited)


def _tax_of(invoice: Invoice, amount: int) -> int:
    lines = list(invoice.lines.order_by("position", "pk"))
    taxes = [index for index, line in enumerate(lines) if line.kind == InvoiceLine.Kind.TAX]
    if not taxes:
        return 0
    # Credits that follow the tax have paid of the sum with tax, and lower neither.
    gross = sum(line.amount for line in lines[: taxes[-1] + 1])
    tax = sum(lines[index].amount for index in taxes)
    return tax_part(tax, gross, invoice.credited, amount)
