"""Credit notes: the only correction of an issued invoice, which itself never changes."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from billing.formats import money
from billing.invoices.locking import CannotChangeInvoice, locked_issued, save_change
from billing.invoices.numbers import series_of_credit_notes, take_numbers
from billing.invoices.overdue import clear_past_due
from billing.invoices.unused import given_back_of, gross_of
from billing.models import CreditNote, Invoice, InvoiceLine
from billing.rules.exact import EXACT
from customers import clock

_CREDITABLE = (Invoice.Status.OPEN, Invoice.Status.PAID, Invoice.Status.UNCOLLECTIBLE)


def creditable(invoice: Invoice) -> int:
    """The part of the invoice that is not credited yet, in minor units.

    Unused time that a later invoice gave back was credited with it.
    """
    left = invoice.total - invoice.credited
    given_back = given_back_of(invoice)
    return max(0, min(left, gross_of(invoice) - invoice.credited - given_back)) if given_back else left


def to_return(invoice: Invoice) -> int:
    """The money to return to the customer, in minor units: what was paid and then credited. Clientele doesn't move it."""
    return max(0, -invoice.due)


@transaction.atomic
def credit_note(invoice: Invoice, amount: int | None = None, *, reason: str, done_by: str) -> CreditNote:
    """Credit `amount` minor units of an issued invoice, or all that is left, including their share of the tax.

    The amount due falls, and the invoice closes when nothing is due. `to_return` says how much of a paid invoice to
    return. Credits and discounts that the invoice used stay used. Raises `CannotChangeInvoice` without a reason, for
    more than is left, and for a void invoice.
    """
    found = locked_issued(invoice, "credited")
    left = creditable(found)
    if found.status not in _CREDITABLE:
        raise CannotChangeInvoice(f"{found} can't be credited because it is {found.status}.")
    if not reason.strip():
        raise CannotChangeInvoice("Enter a reason. It is printed on the credit note.")
    amount = left if amount is None else amount
    if left <= 0:
        raise CannotChangeInvoice(
            f"{found} is already credited in full."
            if found.total
            else f"Void it instead. {found} has nothing to credit because its total is 0."
        )
    if not 0 < amount <= left:
        raise CannotChangeInvoice(
            f"Enter an amount above 0 and at most {money(left, found.currency)}, which is what is left to credit."
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
    """The tax in a credit note of `amount`, for an invoice of `gross` that includes `tax`, in minor units.

    `credited` is the total of earlier credit notes. The tax of all credit notes together is the tax in their sum, rounded
    half-even once.
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
    # Credits after the tax pay part of the sum with tax. They reduce neither the sum nor the tax.
    gross = sum(line.amount for line in lines[: taxes[-1] + 1])
    tax = sum(lines[index].amount for index in taxes)
    return tax_part(tax, gross, invoice.credited, amount)
