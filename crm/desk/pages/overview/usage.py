"""The Usage tab: one balance with what was used of it by day, where it went, and the ledger under it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils.timezone import localdate, make_aware

from billing.ledger.uses import USES, DayOfUse, LedgerRow
from billing.models import Entity, Feature, Flag, Grant, Posting
from billing.rules.exact import EXACT, ZERO
from crm.desk.pages.overview.bars import BalanceBar, Period
from crm.desk.pages.overview.chart import SERIES, Chart, DayBar, chart_of, title_of
from crm.desk.pages.overview.section import Section, SectionLine, first_rows, list_of, list_section
from customers.formats import day, local, number, page_of, short_day, short_moment
from customers.models import Customer

#: Postings on a page of the ledger.
LEDGER_ROWS = 25
#: The most days of the chart.
_MOST_DAYS = 92
#: The entities or features that have a color of their own, and those that are listed.
_COLORED, _LISTED = 3, 8

_MINUS = "\N{MINUS SIGN}"

THIS, PREVIOUS, DAYS_30, DAYS_90 = "this", "previous", "30", "90"
TOTAL, ENTITY, EVENT = "total", "entity", "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The days that are shown: from `since` until before `until`."""

    key: str
    label: str
    since: datetime
    until: datetime

    @property
    def days(self) -> list[date]:
        first, last = local(self.since).date(), local(self.until - timedelta(microseconds=1)).date()
        return [first + timedelta(days=each) for each in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much of the usage went to one entity or feature."""

    name: str
    used: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the ledger."""

    at: str
    what: str
    detail: str
    entity: str
    change: str
    is_gain: bool
    remaining: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A grant of the balance: what remains of what it gives."""

    name: str
    remaining: str
    granted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The chart with its words, and its figures for the table."""

    wide: Chart
    narrow: Chart
    label: str
    legend: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, str, str]]
    total: str
    has_overage: bool


def ranges_of(period: Period | None, now: datetime) -> list[Range]:
    """The ranges to choose from: those of the period only if it is known."""
    end = _midnight(localdate(now) + timedelta(days=1))
    found = [
        Range(
            key=key,
            label=f"Last {key} days",
            since=_midnight(localdate(now) - timedelta(days=int(key) - 1)),
            until=end,
        )
        for key in (DAYS_30, DAYS_90)
    ]
    if period is None:
        return found
    longest = timedelta(days=_MOST_DAYS)
    before = max(period.start - (period.end - period.start), period.start - longest)
    return [
        Range(key=THIS, label="This period", since=max(period.start, end - longest), until=end),
        Range(key=PREVIOUS, label="Previous period", since=before, until=period.start),
        *found,
    ]


def drawing_of(
    bar: BalanceBar, shown: Range, uses: Sequence[DayOfUse], by: str, names: Mapping[str | None, str]
) -> Drawing:
    """The chart of what was used on each day, in total with its overage, or by entity or feature."""
    keys = _keys(uses, by)
    colored = [key for key, _ in keys[:_COLORED]]
    sums: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    overs: dict[date, Decimal] = defaultdict(Decimal)
    start = local(bar.period.start).date() if bar.period else None
    for use in uses:
        overs[use.day] = EXACT.add(overs[use.day], use.over)
        of_day = sums[use.day]
        if by == TOTAL:
            css = "cl-bx" if start is not None and use.day < start else "cl-b1"
            over = min(max(use.over, ZERO), max(use.used, ZERO))
            of_day[css] = EXACT.add(of_day[css], EXACT.subtract(use.used, over))
            of_day["cl-b3"] = EXACT.add(of_day["cl-b3"], over)
        else:
            key = _key(use, by)
            css = SERIES[colored.index(key)] if key in colored else SERIES[-1]
            of_day[css] = EXACT.add(of_day[css], use.used)
    order = ("cl-bx", "cl-b1", "cl-b2", "cl-b5", "cl-b3")
    days = []
    for each in shown.days:
        parts = [(css, max(sums[each][css], ZERO)) for css in order if sums[each].get(css)]
        used = sum((amount for _, amount in parts), ZERO)
        days.append(DayBar(day=each, parts=parts, title=title_of(each, used)))
    pace = None
    if bar.period is not None and shown.key != PREVIOUS and not bar.is_unlimited and bar.row.granted > 0:
        length = Decimal((bar.period.end - bar.period.start) // timedelta(seconds=1)) / 86400
        pace = bar.row.granted / length if length >= 1 else None
    most = max(days, key=lambda each: each.total, default=None)
    total = sum((use.used for use in uses), ZERO)
    label = f"{bar.name} used per day, {short_day(shown.days[0])} to {short_day(shown.days[-1])}: {number(total)}."
    if most is not None and most.total:
        label += f" Highest on {short_day(most.day)} with {number(most.total)}."
    return Drawing(
        wide=chart_of(days, 1100, start, pace),
        narrow=chart_of(days[-(22 if len(days) > 22 else 31) :], 350, start, pace),
        label=label,
        legend=_legend(bar, keys, by, names, overs, shown),
        rows=[
            (day(each.day), number(each.total), number(overs[each.day]))
            for each in reversed(days)
            if each.total
        ],
        total=number(total),
        has_overage=any(overs.values()),
    )


def shares_of(uses: Sequence[DayOfUse], by: str, names: Mapping[str | None, str]) -> list[Share]:
    """Where the usage went, most first; empty if all of it is of one."""
    keys = _keys(uses, by)
    total = sum((used for _, used in keys if used > 0), ZERO)
    if len(keys) < 2 or not total:
        return []
    return [
        Share(name=names.get(key, "Unknown"), used=number(used), percent=int(max(used, ZERO) * 100 / total))
        for key, used in keys[:_LISTED]
    ]


def names_of(
    customer: Customer, uses: Sequence[DayOfUse], entities: Sequence[Entity]
) -> dict[str | None, str]:
    """The names of the entities and features of these uses. At most two queries."""
    names: dict[str | None, str] = {None: "Customer"}
    names |= {str(entity.pk): str(entity) for entity in entities}
    for model, keys in (
        (Entity, {use.entity_id for use in uses if use.entity_id} - names.keys()),
        (Feature, {use.feature_id for use in uses if use.feature_id}),
    ):
        if keys:
            names |= {str(row.pk): str(row) for row in model._default_manager.filter(pk__in=keys)}
    return names


def parts_of(bar: BalanceBar) -> list[Part]:
    """What the balance is made of, with what remains of each."""
    return [
        Part(
            name=f"Plan: {grant.plan}" if grant.plan else _standalone(grant),
            remaining="Unlimited" if grant.unlimited else number(grant.figures.remaining),
            granted="" if grant.unlimited else number(grant.figures.granted),
        )
        for grant in bar.grants
    ]


def ledger_lines(rows: Sequence[LedgerRow]) -> list[Line]:
    """The rows of the ledger in words."""
    return [
        Line(
            at=short_moment(row.posting.occurred_at),
            what=_what(row.posting),
            detail=row.posting.reason,
            entity=str(row.posting.entity or ""),
            change=""
            if row.change is None
            else f"{'+' if row.change > 0 else _MINUS if row.change < 0 else ''}{number(abs(row.change))}",
            is_gain=row.change is not None and row.change > 0,
            remaining="Unlimited" if row.remaining is None else number(row.remaining),
        )
        for row in rows
    ]


def flags_section(customer: Customer, now: datetime) -> Section | None:
    """The boolean features that are switched on."""
    rows = Flag.objects.filter(customer=customer).select_related("feature", "plan").order_by("position", "pk")
    found = {row.feature_id: row for row in reversed(first_rows(rows))}
    current = [row for row in reversed(found.values()) if row.expires_at is None or row.expires_at > now]
    return list_section(
        "flags",
        "Enabled features",
        current,
        lambda row: SectionLine(
            text=str(row.feature),
            url=page_of(row),
            details=tuple(
                part
                for part in (
                    f"From {row.plan}" if row.plan else "",
                    f"Until {day(row.expires_at)}" if row.expires_at else "",
                )
                if part
            ),
        ),
        more_url=list_of(Flag, customer),
    )


def entities_of(customer: Customer) -> list[Entity]:
    """The first entities: workspaces, seats, sites with balances of their own."""
    rows = Entity.objects.filter(customer=customer, removed_at=None).select_related("feature")
    return first_rows(rows.order_by("position", "pk"))


def entities_section(customer: Customer, entities: Sequence[Entity]) -> Section | None:
    """These entities."""
    return list_section(
        "entities",
        "Entities",
        entities,
        lambda row: SectionLine(
            text=str(row),
            url=page_of(row),
            details=tuple(part for part in (row.entity_id or "", str(row.feature or "")) if part),
        ),
        more_url=list_of(Entity, customer),
    )


def _legend(
    bar: BalanceBar,
    keys: Sequence[tuple[str | None, Decimal]],
    by: str,
    names: Mapping[str | None, str],
    overs: Mapping[date, Decimal],
    shown: Range,
) -> list[tuple[str, str]]:
    if by != TOTAL:
        found = [(SERIES[place], names.get(key, "Unknown")) for place, (key, _) in enumerate(keys[:_COLORED])]
        return [*found, (SERIES[-1], "Others")] if len(keys) > _COLORED else found
    found = []
    if bar.period is None:
        found.append(("cl-b1", "Used"))
    else:
        if shown.since < bar.period.start:
            found.append(("cl-bx", "Previous period"))
        if shown.until > bar.period.start:
            found.append(("cl-b1", f"This period, since {short_day(bar.period.start)}"))
    if any(overs.values()):
        found.append(("cl-b3", "Overage"))
    return found


def _keys(uses: Sequence[DayOfUse], by: str) -> list[tuple[str | None, Decimal]]:
    """The entities or features, those with the most usage first."""
    if by == TOTAL:
        return []
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for use in uses:
        sums[_key(use, by)] = EXACT.add(sums[_key(use, by)], use.used)
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0] or ""))


def _key(use: DayOfUse, by: str) -> str | None:
    return use.entity_id if by == ENTITY else use.feature_id


def _standalone(grant: Grant) -> str:
    until = f", expires {short_day(grant.expires_at)}" if grant.expires_at else ""
    return f"Granted {short_day(grant.created_at)}{until}"


def _what(posting: Posting) -> str:
    """The feature that was used, else what was done."""
    if posting.kind == Posting.Kind.USAGE and posting.feature is not None:
        return str(posting.feature)
    if posting.kind in USES and posting.feature is not None:
        return f"Refund: {posting.feature}"
    return str(posting.get_kind_display())


def _midnight(at: date) -> datetime:
    return make_aware(datetime.combine(at, time.min))
