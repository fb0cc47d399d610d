"""How many seats and the like were in use beyond the included ones within a period, as the ledger has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q

from billing.models import BillingCycle, Grant, LedgerEntry
from billing.models.figures import BillingMethod
from billing.rules.exact import EXACT, ZERO


@dataclass(slots=True)
class StoredSeatEntries:
    """The entries of priced seats since their open periods began: one query for all customers of a batch, if one needs it."""

    _grants: set[str] = field(default_factory=set)
    _found: Mapping[str, list[LedgerEntry]] | None = None

    def watch(self, grants: Iterable[Grant]) -> None:
        """Fetch the entries of these grants too, as far as they are priced seats of a subscription."""
        self._grants |= {
            str(grant.pk)
            for grant in grants
            if grant.subscription_id is not None
            and grant.billing_method == BillingMethod.USAGE_BASED
            and not grant.balance.feature.consumable
        }

    def of(self, grant: Grant) -> Sequence[LedgerEntry]:
        """The stored entries of a grant, at least those since the period began that is being billed."""
        if self._found is None:
            self._found = self._fetch()
        return self._found.get(str(grant.pk), ())

    def forget(self) -> None:
        """Fetch them again at the next use, because more were written."""
        self._found = None

    def _fetch(self) -> Mapping[str, list[LedgerEntry]]:
        # The rows have the periods as they were before the events that are being applied moved them on.
        of_cycle = BillingCycle.objects.filter(
            subscription=OuterRef("grant__subscription"), period_start__lt=OuterRef("posting__occurred_at")
        )
        entries = LedgerEntry.objects.filter(
            Q(posting__occurred_at__gt=F("grant__subscription__current_period_start")) | Exists(of_cycle),
            grant__pk__in=self._grants,
        )
        found: dict[str, list[LedgerEntry]] = defaultdict(list)
        for entry in entries.select_related("posting").order_by():
            found[str(entry.grant_id)].append(entry)
        return found


def seat_changes(
    grant: Grant, entries: Iterable[LedgerEntry], start: datetime, at: datetime
) -> tuple[Decimal, list[tuple[datetime, Decimal]]]:
    """The units beyond the included ones at `start`, and after each later moment of changes until `at`.

    Only what there is after all entries of a moment counts. `entries` of others are left out.
    """
    since = sorted(
        (each for each in entries if each.grant_id == grant.pk and each.posting.occurred_at > start),
        key=lambda each: (each.posting.occurred_at, each.number),
    )
    held = EXACT.subtract(grant.figures.granted, grant.usage)
    for each in since:
        held = EXACT.subtract(held, _effect(each))
    first, changes = max(ZERO, -held), dict[datetime, Decimal]()
    for each in since:
        if each.posting.occurred_at > at:
            # An end that is dated back: what was taken after it is not billed.
            break
        held = EXACT.add(held, _effect(each))
        changes[each.posting.occurred_at] = max(ZERO, -held)
    return first, list(changes.items())


def _effect(entry: LedgerEntry) -> Decimal:
    """What an entry adds to what the grant holds."""
    amount: Decimal = entry.amount
    return amount.copy_negate() if entry.figure == "usage" else amount
