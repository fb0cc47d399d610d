"""Fire usage alerts: once for each threshold and period.

Alerts are evaluated by `refresh_desk`, not when usage is recorded: a usage that one grant covers is one statement on
PostgreSQL, and reading the figures of all grants after it would take several times as long. So an alert fires up to one
refresh later, and one whose threshold was passed and whose period ended between two refreshes does not fire.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.ledger.limits_in_use import intervals_of_limits, used_of_limits
from billing.models import AlertFired, Balance, Grant, Rollover, UsageAlert, UsageLimit
from billing.rules.exact import EXACT, ZERO
from billing.rules.figures import Figures, figures_of
from billing.rules.intervals import NEVER_RESETS
from customers.bulk import create_rows
from customers.events import new_event, record_events
from customers.formats import number
from customers.models import EventKind

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What an alert is measured by. `granted` None is unlimited. `period` names the period, which ends at `ends_at`."""

    used: Decimal
    granted: Decimal | None
    remaining: Decimal | None
    period: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Supply:
    """The grants and rollovers of one customer and feature that count."""

    grants: Sequence[Grant]
    rollovers: Sequence[Rollover]


def fire_alerts(customer_ids: Sequence[str], at: datetime) -> list[AlertFired]:
    """Fire the alerts of these customers whose threshold is passed at `at`, and return those that had not fired yet.

    The caller has locked the customers. One query without alerts, else a fixed number.
    """
    alerts = list(
        UsageAlert.objects.filter(customer__pk__in=customer_ids)
        .exclude(enabled=False)
        .select_related("feature", "entity")
    )
    if not alerts:
        return []
    supplies = _supplies({str(alert.customer_id) for alert in alerts}, at)
    limits = _limits(alerts, at)
    fired: dict[tuple[str, str], AlertFired] = {}
    for alert in alerts:
        customer_id = str(alert.customer_id)
        for feature_id in _features(alert, supplies[customer_id]):
            measured = _measured(alert, feature_id, supplies[customer_id].get(feature_id), limits)
            if measured is None or not is_passed(alert, measured.used, measured.granted, measured.remaining):
                continue
            key = _key(alert, feature_id, measured)
            fired[customer_id, key] = AlertFired(
                customer_id=customer_id,
                feature_id=feature_id,
                entity_id=alert.entity_id,
                key=key,
                name=alert.name or "",
                threshold=alert.threshold,
                threshold_type=alert.threshold_type,
                used=measured.used,
                granted=measured.granted,
                remaining=measured.remaining,
                period_ends_at=measured.ends_at,
                fired_at=at,
            )
    before = AlertFired.objects.filter(
        customer__pk__in={key for key, _ in fired}, key__in={key for _, key in fired}
    )
    known = {(str(customer_id), key) for customer_id, key in before.values_list("customer", "key")}
    new = [row for place, row in fired.items() if place not in known]
    create_rows(new, reason="")
    record_events(
        new_event(EventKind.ALERT_FIRED, str(row.customer_id), str(row.pk), alert_id=str(row.pk))
        for row in new
    )
    return new


def is_passed(alert: UsageAlert, used: Decimal, granted: Decimal | None, remaining: Decimal | None) -> bool:
    """Whether the threshold is reached. A percentage of nothing, and what remains of what is unlimited, never is."""
    value = remaining if alert.is_of_remaining else used
    if value is None or (alert.is_of_remaining and not granted):
        return False
    if alert.is_percentage:
        if not granted or granted <= 0:
            return False
        value = EXACT.divide(EXACT.multiply(value, _HUNDRED), granted)
    threshold: Decimal = alert.threshold
    return value <= threshold if alert.is_of_remaining else value >= threshold


def _key(alert: UsageAlert, feature_id: str, measured: _Measured) -> str:
    parts = (feature_id, alert.entity_id or "", alert.threshold_type, number(alert.threshold), alert.basis)
    return ":".join((*map(str, parts), measured.period))


def _features(alert: UsageAlert, supplies: Mapping[str, _Supply]) -> Iterable[str]:
    return [str(alert.feature_id)] if alert.feature_id else sorted(supplies)


def _measured(
    alert: UsageAlert,
    feature_id: str,
    supply: _Supply | None,
    limits: Mapping[tuple[str, str, str | None], _Measured],
) -> _Measured | None:
    """What the alert is measured by; None if there is nothing to measure, or only usage with certain properties counts."""
    if alert.filter is not None:
        return None
    if alert.basis == UsageAlert.Basis.USAGE_LIMIT:
        return limits.get((str(alert.customer_id), feature_id, alert.entity_id))
    if supply is None:
        return None
    grants = [
        grant
        for grant in supply.grants
        if alert.entity_id in (None, grant.entity_id) or grant.entity_id is None
    ]
    rollovers = [
        each
        for each in supply.rollovers
        if alert.entity_id is None or each.grant is None or each.grant.entity_id in (None, alert.entity_id)
    ]
    if alert.basis == UsageAlert.Basis.INCLUDED:
        grants, rollovers = [grant for grant in grants if grant.plan_id is not None], []
    elif alert.basis == UsageAlert.Basis.RECURRING:
        grants = [grant for grant in grants if grant.reset_interval not in NEVER_RESETS]
        rollovers = []
    if not grants and not rollovers:
        return None
    figures = figures_of([grant.figures for grant in grants], [each.figures for each in rollovers])
    return _of_figures(figures)


def _of_figures(figures: Figures) -> _Measured:
    resets = figures.next_reset_at
    # Without resets, it can fire again once more or less is granted.
    period = f"{resets:%Y-%m-%dT%H:%M}" if resets else number(figures.granted)
    if figures.unlimited:
        return _Measured(figures.usage, None, None, period, resets)
    return _Measured(figures.usage, figures.granted, figures.remaining, period, resets)


def _supplies(customer_ids: Iterable[str], at: datetime) -> dict[str, dict[str, _Supply]]:
    """What counts at `at`, by customer and feature."""
    places = {
        str(key): (str(customer_id), str(feature_id))
        for key, customer_id, feature_id in Balance.objects.filter(
            customer__pk__in=customer_ids, removed_at=None
        ).values_list("pk", "customer", "feature")
    }
    grants: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    rollovers: dict[tuple[str, str], list[Rollover]] = defaultdict(list)
    for grant in Grant.objects.counted(at).filter(balance__pk__in=places):
        grants[places[str(grant.balance_id)]].append(grant)
    for rollover in Rollover.objects.counted(at).filter(balance__pk__in=places).select_related("grant"):
        rollovers[places[str(rollover.balance_id)]].append(rollover)
    found: dict[str, dict[str, _Supply]] = defaultdict(dict)
    for customer_id, feature_id in places.values():
        place = customer_id, feature_id
        found[customer_id][feature_id] = _Supply(grants[place], rollovers[place])
    return found


def _limits(alerts: Sequence[UsageAlert], at: datetime) -> dict[tuple[str, str, str | None], _Measured]:
    """What is used of the usage limits that alerts are about, by customer, feature and entity."""
    about = {str(alert.customer_id) for alert in alerts if alert.basis == UsageAlert.Basis.USAGE_LIMIT}
    if not about:
        return {}
    limits = list(
        UsageLimit.objects.filter(customer__pk__in=about, filter__isnull=True)
        .exclude(enabled=False)
        .order_by("-position", "-pk")
    )
    used = used_of_limits(limits, at)
    return dict(_of_limits(limits, used, at))


def _of_limits(
    limits: Sequence[UsageLimit], used: Mapping[str, Decimal | None], at: datetime
) -> Iterator[tuple[tuple[str, str, str | None], _Measured]]:
    for each in intervals_of_limits(limits, at):
        limit = each.limit
        count = used[str(limit.pk)] or ZERO
        left = max(ZERO, EXACT.subtract(limit.limit, count))
        place = str(limit.customer_id), str(limit.feature_id), limit.entity_id
        yield place, _Measured(count, limit.limit, left, f"{each.end:%Y-%m-%dT%H:%M}", each.end)
