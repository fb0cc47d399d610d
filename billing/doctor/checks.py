"""All checks, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from billing.doctor import due, invoices, ledger, merges, plans, triggers
from billing.doctor.findings import Advance, Finding
from billing.models import Grant, Invoice, LedgerEntry, Rollover, Subscription
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it looks at, in words; one that `mends` can be told to mend what it finds."""

    words: str
    find: Callable[..., Iterator[Finding]]
    mends: bool = False

    def run(self, advance: Advance, *, fix: bool) -> Iterator[Finding]:
        """What it finds; `advance` hears how many rows it has looked at."""
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
    Check("periods", due.check_periods),
    Check("plan groups", plans.check_groups),
    Check("billed periods", plans.check_billed_periods),
    Check("prices", plans.check_prices),
    Check("merged customers", merges.check_chains),
    Check("what merged customers own", merges.check_owners),
    Check("whom rows came with", merges.check_homes),
    Check("invoice totals", invoices.check_totals),
    Check("payments", invoices.check_payments),
    Check("invoice numbers", invoices.check_numbers),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """How many rows of each kind there are."""

    customers: int
    subscriptions: int
    grants: int
    rollovers: int
    entries: int
    invoices: int

    def __str__(self) -> str:
        return (
            f"{self.customers:,} customers, {self.subscriptions:,} subscriptions, {self.grants:,} grants,"
            f" {self.rollovers:,} rollovers, {self.entries:,} ledger entries, {self.invoices:,} invoices"
        )


def count_rows() -> Checked:
    """How many rows were there to be checked."""
    return Checked(
        customers=Customer.objects.count(),
        subscriptions=Subscription.objects.count(),
        grants=Grant.objects.count(),
        rollovers=Rollover.objects.count(),
        entries=LedgerEntry.objects.count(),
        invoices=Invoice.objects.count(),
    )
