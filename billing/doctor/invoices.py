"""Invoices against their lines, payments and credit notes; gaps in invoice numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce

from billing.doctor.findings import Advance, Finding
from billing.formats import money
from billing.models import CreditNote, Invoice, InvoiceLine, InvoiceSeries, Payment
from billing.rules.moments import AHEAD
from customers import clock
from customers.formats import moment

_FIXED = "Issue a credit note and a new invoice, because an issued invoice can't be changed."


def check_totals(advance: Advance) -> Iterator[Finding]:
    """Invoices whose total is not the sum of their lines."""
    invoices = Invoice.objects.annotate(lines_sum=_sum_of(InvoiceLine.objects.all(), "amount"))
    for invoice in _in_order(invoices.exclude(total=F("lines_sum"))):
        yield _finding(
            invoice,
            f"its total is {_money(invoice, invoice.total)}, but its lines sum to {_money(invoice, invoice.lines_sum)}",
            _FIXED if invoice.number else "Correct the draft or import the customer again.",
        )


def check_moments(advance: Advance) -> Iterator[Finding]:
    """Invoices issued here for a moment that has not come."""
    ahead = Invoice.objects.exclude(number="").filter(created_at__gt=clock.now() + AHEAD)
    for invoice in _in_order(ahead.exclude(status=Invoice.Status.VOID)):
        yield _finding(
            invoice,
            f"it bills {moment(invoice.created_at)}, which has not come",
            "Void it, or credit it if it was paid. Then look at the period of its subscription.",
        )


def check_payments(advance: Advance) -> Iterator[Finding]:
    """Issued invoices that disagree with their payments and credit notes, or with their own status."""
    issued = Invoice.objects.exclude(number="").annotate(
        payments_sum=_sum_of(Payment.objects.counted(), "amount"),
        notes_sum=_sum_of(CreditNote.objects.all(), "total"),
    )
    amiss = issued.exclude(
        paid=F("payments_sum"),
        credited=F("notes_sum"),
    ) | issued.filter(
        Q(paid__gt=F("total"))
        | Q(notes_sum__gt=F("total"))
        | Q(status=Invoice.Status.PAID, total__gt=F("paid") + F("credited"))
    )
    for invoice in _in_order(amiss):
        for what in _disagreements(invoice):
            yield _finding(invoice, what, "Correct the invoice. Payments and credit notes can't be changed.")


def check_numbers(advance: Advance) -> Iterator[Finding]:
    """Numbers that a series issued but no invoice or credit note has, or the reverse."""
    for series in InvoiceSeries.objects.order_by("prefix"):
        start = f"{series.prefix}-"
        in_use = bytearray(series.last_number + 1)
        for model in (Invoice, CreditNote):
            numbers: Any = model._default_manager.filter(number__startswith=start)
            for number in numbers.values_list("number", flat=True).iterator():
                place = number.removeprefix(start)
                if not (place.isascii() and place.isdigit()):
                    continue
                if int(place) > series.last_number:
                    yield Finding(
                        number,
                        f"series {series.prefix}",
                        f"its series has issued numbers up to {series.last_number} only and would issue this one again",
                        f"Set the last number of the series to the highest in use, at least {place}.",
                    )
                else:
                    in_use[int(place)] = 1
        for first, last in _gaps(in_use):
            numbers_missing = f"{start}{first:06d}" + ("" if first == last else f" to {start}{last:06d}")
            yield Finding(
                numbers_missing,
                f"series {series.prefix}",
                "no invoice or credit note has this number"
                if first == last
                else "no invoices or credit notes have these numbers",
                "Compare with a backup, because issued invoices are never deleted.",
            )


def _disagreements(invoice: Any) -> Iterator[str]:
    if invoice.paid != invoice.payments_sum:
        yield (
            f"{_money(invoice, invoice.paid)} of it is paid, but its payments sum to"
            f" {_money(invoice, invoice.payments_sum)}"
        )
    if invoice.credited != invoice.notes_sum:
        yield (
            f"{_money(invoice, invoice.credited)} of it is credited, but its credit notes sum to"
            f" {_money(invoice, invoice.notes_sum)}"
        )
    if invoice.paid > invoice.total:
        yield f"{_money(invoice, invoice.paid)} was paid of a total of {_money(invoice, invoice.total)}"
    if invoice.notes_sum > invoice.total:
        yield (
            f"its credit notes sum to {_money(invoice, invoice.notes_sum)}, more than the total of"
            f" {_money(invoice, invoice.total)}"
        )
    if invoice.status == Invoice.Status.PAID and invoice.due > 0:
        yield f"its status is paid, but {_money(invoice, invoice.due)} is due"


def _finding(invoice: Invoice, what: str, remedy: str) -> Finding:
    return Finding(str(invoice.pk), f"{invoice} of {invoice.customer}", what, remedy)


def _money(invoice: Invoice, minor: int) -> str:
    return money(minor, invoice.currency)


def _sum_of(rows: QuerySet[Any], column: str) -> Any:
    sums = rows.filter(invoice=OuterRef("pk")).order_by().values("invoice").annotate(sum_of=Sum(column))
    # PostgreSQL's sum of whole numbers is a numeric.
    whole = Cast(Subquery(sums.values("sum_of")), BigIntegerField())
    return Coalesce(whole, Value(0), output_field=BigIntegerField())


def _in_order(invoices: QuerySet[Any]) -> Iterator[Any]:
    return invoices.select_related("customer").order_by("pk").iterator()


def _gaps(in_use: bytearray) -> Iterator[tuple[int, int]]:
    """First and last of each run of unused numbers, from 1 on."""
    place = in_use.find(0, 1)
    while place != -1:
        following = in_use.find(1, place)
        last = len(in_use) - 1 if following == -1 else following - 1
        yield place, last
        place = -1 if following == -1 else in_use.find(0, following)
