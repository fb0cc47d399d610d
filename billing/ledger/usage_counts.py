"""How much of a usage limit is used: its interval at a moment, and what the ledger counts in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from billing.ledger.totals import customer_ids_with_merged
from billing.models import Grant, LedgerEntry, Posting, UsageLimit
from billing.rules.exact import EXACT, ZERO
from billing.rules.figures import units_for
from billing.rules.intervals import NEVER_RESETS, anchor_day, around, is_made_of_months

#: A Monday that begins a week, a month and a year in UTC.
_CALENDAR = datetime(2024, 1, 1, tzinfo=UTC)
_USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)
#: The feature of the balance that an entry charges.
CHARGED_FEATURE = Coalesce(F("grant__balance__feature"), F("rollover__balance__feature"))
#: How many limits are counted in one query. SQLite allows 500 parts of a compound statement.
_TOGETHER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLimit:
    """A usage limit in one of its intervals.

    `costs` are the credits that a unit of its feature costs, by the key of the credit system. `others` are the entities
    with a limit of their own on the feature: their usage does not count towards the customer's.
    """

    limit: UsageLimit
    start: datetime
    end: datetime
    costs: Mapping[str, Decimal]
    others: frozenset[str] = frozenset()
    #: Whether it stands for what is allocated to an entity, or for what is left to everybody else.
    is_share: bool = False

    @property
    def is_reported(self) -> bool:
        """Whether the billing platform's count is of this interval."""
        reported_at = self.limit.reported_at
        if self.limit.reported is None or reported_at is None:
            return False
        return bool(self.start <= reported_at < self.end)

    def counts(self, entity_id: str | None, at: datetime) -> bool:
        """Whether usage of the entity (None: of the customer) at `at` counts."""
        if not self.start <= at < self.end:
            return False
        if self.limit.entity_id is not None:
            return entity_id == str(self.limit.entity_id)
        return entity_id not in self.others

    def units_of(self, charged_feature: str, charged: Decimal) -> Decimal:
        """What a charge to a balance of a feature counts, in units of the limit's feature."""
        if charged_feature == self.limit.feature_id:
            return charged
        cost = self.costs.get(charged_feature)
        if not cost:
            return ZERO
        units = units_for(charged.copy_abs(), cost)
        return units.copy_negate() if charged < 0 else units


def interval_at(
    limit: UsageLimit,
    costs: Mapping[str, Decimal],
    grants: Iterable[tuple[str, Grant]],
    at: datetime,
) -> tuple[datetime, datetime]:
    """The interval of the limit that contains `at`.

    Intervals follow the resets of a grant that a plan gave: of the limit's feature, else of a credit system in `costs`;
    of the limit's entity first, main plans before add-ons, the oldest first. They go back to the reset before the plan
    began, so they stay the same from reset to reset. Without such a grant, and for limits that say so, they follow the
    calendar in UTC. `grants` come with the keys of their features.
    """
    if limit.anchor == UsageLimit.Anchor.UTC:
        return around(_CALENDAR, limit.interval, at)
    resetting = [
        (feature_id, grant)
        for feature_id, grant in grants
        if (feature_id == limit.feature_id or feature_id in costs)
        and grant.plan_id is not None
        and grant.next_reset_at is not None
        and grant.reset_interval not in NEVER_RESETS
    ]
    _, first = min(resetting, key=lambda each: _place(limit, *each), default=("", None))
    if first is None or first.next_reset_at is None:
        return around(_CALENDAR, limit.interval, at)
    began, _ = around(
        first.next_reset_at,
        first.reset_interval,
        first.began_at,
        count=first.reset_interval_count or 1,
        anchor_day=first.anchor_day if is_made_of_months(first.reset_interval) else None,
    )
    day = anchor_day(began, first.anchor_day) if is_made_of_months(limit.interval) else None
    return around(began, limit.interval, at, anchor_day=day)


def _place(limit: UsageLimit, feature_id: str, grant: Grant) -> tuple[Any, ...]:
    return (
        feature_id != limit.feature_id,
        grant.entity_id != limit.entity_id,
        grant.is_add_on,
        grant.began_at,
        grant.position,
        str(grant.pk),
    )


def counted(
    limits: Sequence[CountedLimit],
    customer_ids: Mapping[str, Sequence[str]],
    *,
    known_at: datetime | None = None,
) -> list[Decimal]:
    """What the ledger, and before it the platform, counts of each limit, never below 0. One query for each 100 limits.

    `customer_ids` are the keys that postings of a limit's customer have. With `known_at`, postings that were recorded
    later are left out.
    """
    totals = [each.limit.reported or ZERO if each.is_reported else ZERO for each in limits]
    for first in range(0, len(limits), _TOGETHER):
        piece = range(first, min(first + _TOGETHER, len(limits)))
        parts = [_lines(number, limits[number], customer_ids, known_at) for number in piece]
        rows: Iterable[Any] = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
        for number, charged_feature, figure, amount in rows:
            units = limits[int(number)].units_of(str(charged_feature), units_charged(figure, amount))
            totals[int(number)] = EXACT.add(totals[int(number)], units)
    return [max(ZERO, each) for each in totals]


def counted_entries() -> QuerySet[LedgerEntry]:
    """The ledger lines of usage and refunds that were not reversed. `units_charged` is what each counts."""
    return LedgerEntry.objects.filter(
        ~Exists(Posting.objects.filter(reverses=OuterRef("posting"))),
        posting__kind__in=_USES,
        posting__reverses=None,
        figure__in=(LedgerEntry.Figure.USAGE, LedgerEntry.Figure.LEFT),
    )


def units_charged(figure: str, amount: Decimal) -> Decimal:
    """What a change of a figure charged: usage rises, and what was carried over falls."""
    return amount.copy_negate() if figure == LedgerEntry.Figure.LEFT else amount


def _lines(
    number: int, each: CountedLimit, customer_ids: Mapping[str, Sequence[str]], known_at: datetime | None
) -> QuerySet[LedgerEntry, Any]:
    """The charges that count: `number`, the charged feature, the figure and the amount; summed on PostgreSQL."""
    limit = each.limit
    entries = counted_entries().filter(
        posting__customer_id__in=customer_ids[str(limit.customer_id)],
        posting__occurred_at__gte=each.start,
        posting__occurred_at__lt=each.end,
    )
    if limit.entity_id is not None:
        entries = entries.filter(posting__entity_id=limit.entity_id)
    elif each.others:
        entries = entries.filter(Q(posting__entity=None) | ~Q(posting__entity_id__in=each.others))
    if each.is_reported:
        entries = entries.filter(posting__recorded_at__gt=limit.reported_at)
    if known_at is not None:
        entries = entries.filter(posting__recorded_at__lte=known_at)
    entries = entries.annotate(
        charged_feature=CHARGED_FEATURE,
        place=Value(str(number), output_field=CharField()),
    )
    own = Q(charged_feature=limit.feature_id)
    entries = entries.filter(
        own | Q(posting__feature_id=limit.feature_id, charged_feature__in=list(each.costs))
        if each.costs
        else own
    )
    keys = ("place", "charged_feature", "figure")
    if connection.vendor == "sqlite":
        # It adds in floating point.
        return entries.order_by().values_list(*keys, "amount")
    return entries.order_by().values_list(*keys).annotate(total=Sum(F("amount")))


@dataclass(slots=True)
class UsageCounts:
    """The counts of a customer's usage limits while usage of it is recorded: read once, then kept up to date."""

    _counts: dict[tuple[str, datetime], tuple[CountedLimit, Decimal]] = field(default_factory=dict)
    _recorded: list[tuple[str, str | None, datetime, list[tuple[str, Decimal]]]] = field(default_factory=list)

    def used(self, each: CountedLimit) -> Decimal:
        """What is used of the limit, with what was added since it was read."""
        place = str(each.limit.pk), each.start
        if place not in self._counts:
            customer_id = str(each.limit.customer_id)
            [count] = counted([each], {customer_id: customer_ids_with_merged(customer_id)})
            for recorded in self._recorded:
                count = EXACT.add(count, _adds(each, *recorded))
            self._counts[place] = each, count
        return max(ZERO, self._counts[place][1])

    def add(
        self, feature_id: str, entity_id: str | None, at: datetime, charges: Sequence[tuple[str, Decimal]]
    ) -> None:
        """Count usage that is not written yet: what it charged to balances, with the keys of their features."""
        recorded = feature_id, entity_id, at, list(charges)
        self._recorded.append(recorded)
        for place, (each, count) in self._counts.items():
            self._counts[place] = each, EXACT.add(count, _adds(each, *recorded))


def _adds(
    each: CountedLimit,
    feature_id: str,
    entity_id: str | None,
    at: datetime,
    charges: Iterable[tuple[str, Decimal]],
) -> Decimal:
    if not each.counts(entity_id, at):
        return ZERO
    added = ZERO
    for charged_feature, charged in charges:
        if charged_feature == each.limit.feature_id or feature_id == each.limit.feature_id:
            added = EXACT.add(added, each.units_of(charged_feature, charged))
    return added


def entities_with_their_own(limits: Iterable[UsageLimit]) -> dict[tuple[str, str], frozenset[str]]:
    """The entities that have a limit of their own, by the keys of customer and feature."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for limit in limits:
        if limit.entity_id is not None:
            found[str(limit.customer_id), str(limit.feature_id)].add(str(limit.entity_id))
    return {place: frozenset(entities) for place, entities in found.items()}
