"""All checks, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from billing.doctor import customers, due, invoices, ledger, merges, plans, revenue, triggers
from billing.doctor.findings import Advance, Finding
from billing.models import Grant, Invoice, LedgerEntry, Rollover, Subscription
from customers.formats import counted
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Check:
    """A check, with its subject in words. If `mends` is set, it can repair what it finds."""

    words: str
    find: Callable[..., Iterator[Finding]]
    mends: bool = False

    def run(self, advance: Advance, *, fix: bool) -> Iterator[Finding]:
        """The findings. `advance` is called with the number of rows checked since the last call."""
        return self.find(advance, fix=fix) if self.mends else self.find(advance)


CHECKS = (
    Check("triggers", triggers.check_triggers),
    Check("grants and their entries", ledger.check_grants, mends=True),
    Check("rollovers and their entries", ledger.check_rollovers, mends=True),
    Check("idempotency keys", triggers.check_keys),
    Check("balances and flags", triggers.check_twice),
    Check("resets", due.check_resets),
    Check("expiries", due.check_expiries),
    Check("subscriptions", due.check_subscriptions),
    Check("billing cycles", due.check_cycles),
    Check("periods", due.check_periods),
    Check("plan groups", plans.check_groups),
    Check("billed periods", plans.check_billed_periods),
    Check("prices", plans.check_prices),
    Check("MRR and invoices", revenue.check_revenue),
    Check("what records say", customers.check_columns, mends=True),
    Check("merged customers", merges.check_chains),
    Check("rows of merged customers", merges.check_owners),
    Check("merged origins of rows", merges.check_homes),
    Check("invoice totals", invoices.check_totals),
    Check("invoices of the future", invoices.check_moments),
    Check("payments", invoices.check_payments),
    Check("invoice numbers", invoices.check_numbers),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """Number of rows by kind."""

    customers: int
    subscriptions: int
    grants: int
    rollovers: int
    entries: int
    invoices: int

    def __str__(self) -> str:
        return (
            f"{counted(self.customers, 'customer')}, {counted(self.subscriptions, 'subscription')},"
            f" {counted(self.grants, 'grant')}, {counted(self.rollovers, 'rollover')},"
            f" {counted(self.entries, 'ledger entry', 'ledger entries')}, {counted(self.invoices, 'invoice')}"
        )


def count_rows() -> Checked:
    """Count the rows that the checks read."""
    return Checked(
        customers=Customer.objects.count(),
        subscriptions=Subscription.objects.count(),
        grants=Grant.objects.count(),
        rollovers=Rollover.objects.count(),
        entries=LedgerEntry.objects.count(),
        invoices=Invoice.objects.count(),
    )
