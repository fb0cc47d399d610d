"""Numbers of invoices and credit notes: unique, without gaps in each series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from billing.models import InvoiceSeries
from customers.configuration.table import INVOICE_PREFIX
from customers.configuration.values import value_of
from customers.models import Environment

CREDIT_NOTES = "CN"
_SANDBOX = "TEST-"


def series_of_invoices(env: str) -> str:
    """The prefix of invoices. Test mode has its own, so that its invoices leave no gaps in live numbers."""
    return _in(env, value_of(INVOICE_PREFIX))


def series_of_credit_notes(env: str) -> str:
    """The prefix of credit notes."""
    return _in(env, CREDIT_NOTES)


def take_numbers(counts: Mapping[str, int]) -> dict[str, Iterator[str]]:
    """Take the next numbers of each series, such as `INV-000001`. `counts` has how many to take, by prefix.

    All series in `counts` are locked until the caller's transaction ends, even those with a count of 0. A rollback
    frees the numbers.
    """
    InvoiceSeries.objects.bulk_create(
        [InvoiceSeries(prefix=prefix) for prefix, count in counts.items() if count], ignore_conflicts=True
    )
    # Locked in order, so that two transactions with the same series can't deadlock.
    locked = InvoiceSeries.objects.filter(prefix__in=counts).order_by("prefix").select_for_update()
    taken: dict[str, Iterator[str]] = {}
    for series in list(locked):
        first = series.last_number + 1
        series.last_number += counts[series.prefix]
        if counts[series.prefix]:
            series.save(update_fields=["last_number"])
        taken[series.prefix] = _numbers(series.prefix, first, series.last_number)
    return taken


def _numbers(prefix: str, first: int, last: int) -> Iterator[str]:
    return (f"{prefix}-{number:06d}" for number in range(first, last + 1))


def _in(env: str, prefix: str) -> str:
    return f"{_SANDBOX}{prefix}" if env == Environment.SANDBOX else prefix
