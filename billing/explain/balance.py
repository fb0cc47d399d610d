"""Explain a balance: where its figures come from, what usage would deduct and why, and how long it lasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from billing.explain import words
from billing.explain.burn_rate import Supply, pace_of
from billing.explain.queries import Material, gather, item_of, latest_entries
from billing.explain.trial_use import try_use, unreachable
from billing.explain.types import (
    BalanceExplained,
    DeductionPlace,
    Explanation,
    FlagExplained,
    RowExplained,
    RowLeftOut,
    UseExplained,
)
from billing.formats import name_of_balance
from billing.ledger.drawable_balances import is_usage_based
from billing.models import Balance, CreditCost, Entity, Feature, Flag, Grant, Rollover
from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    drawing_order,
    rollover_order,
    rollover_sort_key,
)
from billing.rules.exact import EXACT, total
from billing.rules.figures import Figures, amount_problem, figures_of
from billing.rules.intervals import NEVER_RESETS
from customers.formats import moment
from customers.models import Customer

#: How many of the grants and rollovers that do not count are listed.
LEFT_OUT_SHOWN = 10

_ZERO = Decimal(0)


class CannotExplain(Exception):
    """The explanation is refused; the message says what to do and why."""


def explain(
    customer: Customer,
    feature: Feature,
    *,
    at: datetime,
    use: Decimal | None = None,
    entity: Entity | None = None,
    account_id: str | None = None,
    with_entries: bool = False,
) -> Explanation:
    """Explain the customer's balance of `feature`, in a fixed number of queries. Changes nothing.

    The figures are the current ones; `at` decides which grants and rollovers count. With `entity`, the explanation
    covers what the entity can use: the customer's grants and rollovers, and the entity's own. `use` simulates usage of
    that many units, or a refund if it is negative. `account_id` is as in `UsageRequest`. The latest ledger
    entries of each balance are read `with_entries`. Raises `CannotExplain` if `use` is not a usable amount, or if the
    feature is boolean.
    """
    if use is not None:
        _check_use(use, feature)
    if feature.type == Feature.Type.BOOLEAN:
        return _head(customer, feature, at, entity, flag=_flag(customer, feature, at))
    material = gather(customer, feature, at, entity, account_id)
    notes = []
    due = material.drawable.next_due()
    if due is not None and due <= at:
        notes.append(
            f"An event has been due since {moment(due)}, such as a reset or the end of a period. These figures are"
            " from before it. The next usage or renewal applies it."
        )
    if material.balances and str(material.balances[0].feature_id) != str(feature.pk):
        notes.append(f"{feature} has no balance of its own. Its usage is deducted from credits only.")
    drawable = material.drawable
    notes += [
        words.usage_limit(limit, drawable.controls.counts.used(limit))
        for limit in drawable.counted_limits(at, material.entity_id)
    ]
    entries = latest_entries(material) if with_entries else {}
    return _head(
        customer,
        feature,
        at,
        entity,
        balances=tuple(
            replace(_balance(material, balance), entries=entries.get(str(balance.pk), ()))
            for balance in material.balances
        ),
        order=_order(material),
        unreachable=unreachable(material),
        drawn_by=_drawn_by(feature),
        use=None if use is None else try_use(material, use),
        notes=tuple(notes),
    )


def _head(
    customer: Customer,
    feature: Feature,
    at: datetime,
    entity: Entity | None,
    *,
    flag: FlagExplained | None = None,
    balances: tuple[BalanceExplained, ...] = (),
    order: tuple[DeductionPlace, ...] = (),
    unreachable: tuple[str, ...] = (),
    drawn_by: tuple[tuple[str, Decimal], ...] = (),
    use: UseExplained | None = None,
    notes: tuple[str, ...] = (),
) -> Explanation:
    return Explanation(
        customer=str(customer),
        customer_id=str(customer.pk),
        feature=str(feature),
        feature_id=feature.feature_id,
        entity=None if entity is None else str(entity),
        at=at,
        flag=flag,
        balances=balances,
        order=order,
        unreachable=unreachable,
        drawn_by=drawn_by,
        use=use,
        notes=notes,
    )


def _check_use(use: Decimal, feature: Feature) -> None:
    if feature.type == Feature.Type.BOOLEAN:
        raise CannotExplain(f"Leave the amount out. {feature} is an on/off feature, so it has no usage.")
    if problem := amount_problem(use):
        raise CannotExplain(problem)
    if not use:
        raise CannotExplain("Enter an amount other than 0: above 0 for usage, below 0 for a refund.")


def _flag(customer: Customer, feature: Feature, at: datetime) -> FlagExplained:
    flag = Flag.objects.filter(customer=customer, feature=feature).select_related("plan").first()
    if flag is None:
        return FlagExplained(is_on=False, words=f"{feature} is off for {customer}.")
    source = f"through {flag.plan}" if flag.plan else "outside any plan"
    if flag.expires_at is not None and flag.expires_at <= at:
        words = f"{feature} is off. It was on, {source}, and expired {moment(flag.expires_at)}."
        return FlagExplained(is_on=False, words=words)
    until = f"until {moment(flag.expires_at)}" if flag.expires_at else "with no expiry"
    return FlagExplained(is_on=True, words=f"{feature} is on, {source}, {until}.")


def _drawn_by(feature: Feature) -> tuple[tuple[str, Decimal], ...]:
    if feature.type != Feature.Type.CREDIT_SYSTEM:
        return ()
    costs = CreditCost.objects.filter(credit_system=feature).select_related("metered_feature")
    return tuple((str(cost.metered_feature), cost.credit_cost) for cost in costs)


def _balance(material: Material, balance: Balance) -> BalanceExplained:
    rows = [row for row in material.rows if material.balance_of[row.id] is balance]
    rollovers = [row for row in material.rollovers if material.balance_of[row.id] is balance]
    figures = figures_of(rows, rollovers)
    billed = [row.overage for row in rows if is_usage_based(material.grants[row.id])]
    left_out = [each for each in material.left_out if each.balance_id == balance.pk]
    shown = [_left_out(material, row) for row in left_out[:LEFT_OUT_SHOWN]]
    return BalanceExplained(
        id=str(balance.pk),
        feature=name_of_balance(balance),
        feature_id=balance.feature.feature_id,
        credit_cost=material.drawable.costs[str(balance.feature_id)],
        figures=figures,
        rows=tuple(_rows(material, figures, rows, rollovers)),
        left_out=tuple(shown),
        left_out_more=len(left_out) > LEFT_OUT_SHOWN,
        overage_words=words.overages(figures, total(billed)),
        pace=pace_of(
            figures,
            _sources(material, rows, rollovers),
            material.used[str(balance.pk)],
            material.since[str(balance.pk)],
            material.at,
        ),
        entries=(),
    )


def _rows(
    material: Material, figures: Figures, rows: list[DrawableGrant], rollovers: list[DrawableRollover]
) -> Iterable[RowExplained]:
    is_limited = not figures.unlimited
    for rollover_row in rollovers:
        rollover = material.rollovers_by_id[rollover_row.id]
        yield RowExplained(
            id=rollover_row.id,
            kind="rollover",
            name=material.names[rollover_row.id],
            owner=material.owner(rollover_row.entity_id),
            unlimited=False,
            terms=words.terms_of_rollover(rollover, material.sources.get(rollover_row.id, "")),
            granted=rollover_row.granted if is_limited else _ZERO,
            remaining=rollover_row.balance if is_limited else _ZERO,
            usage=rollover_row.usage if is_limited else _ZERO,
            held=rollover_row.balance,
            overage=_ZERO,
            is_overage_billed=False,
            next_reset_at=None,
            expires_at=rollover_row.expires_at,
        )
    for row in rows:
        grant = material.grants[row.id]
        yield RowExplained(
            id=row.id,
            kind="grant",
            name=material.names[row.id],
            owner=material.owner(row.entity_id),
            unlimited=row.unlimited,
            terms=words.terms_of_grant(grant, item_of(material, grant)),
            granted=row.granted if is_limited else _ZERO,
            remaining=row.remaining if is_limited else _ZERO,
            usage=row.usage if is_limited or row.unlimited else _ZERO,
            held=row.balance,
            overage=row.overage,
            is_overage_billed=is_usage_based(grant),
            next_reset_at=row.resets_at,
            expires_at=row.expires_at,
        )


def _left_out(material: Material, row: Grant | Rollover) -> RowLeftOut:
    is_grant = isinstance(row, Grant)
    grant = row if isinstance(row, Grant) else row.grant
    entity_id = grant.entity_id if grant else None
    held = row.held if isinstance(row, Grant) else row.left
    if isinstance(row, Grant) and row.is_scheduled:
        reason, held = f"starts {moment(row.created_at)}", row.scheduled_amount
    elif row.ended_at is not None:
        reason = f"ended {moment(row.ended_at)}"
    elif row.expires_at is not None and row.expires_at <= material.at:
        reason = f"expired {moment(row.expires_at)}"
    else:
        reason = f"belongs to another entity, {material.owner(entity_id)}"
    return RowLeftOut(
        id=str(row.pk),
        kind="grant" if is_grant else "rollover",
        name=material.names[str(row.pk)],
        owner=material.owner(entity_id),
        held=held,
        reason=reason,
    )


def _sources(
    material: Material, rows: list[DrawableGrant], rollovers: list[DrawableRollover]
) -> list[Supply]:
    """The rollovers of the balance, then its grants in drawing order, those of entities first."""
    sources = [
        Supply(
            id=each.id,
            name=material.full_name(each.id),
            left=each.balance,
            ends_at=each.expires_at,
        )
        for each in sorted(rollovers, key=rollover_sort_key)
    ]
    owners = sorted({row.entity_id for row in rows if row.entity_id is not None})
    ordered = [row for owner in owners for row in drawing_order(rows, owner) if row.entity_id is not None]
    ordered += drawing_order(rows)
    for row in ordered:
        grant = material.grants[row.id]
        resets = row.reset_interval not in NEVER_RESETS and row.resets_at is not None
        is_reset_first = resets and (
            row.expires_at is None or (row.resets_at is not None and row.resets_at < row.expires_at)
        )
        item = item_of(material, grant)
        carries: Decimal | None = _ZERO
        if item is not None and item.rollover_expiry_unit:
            carries = item.rollover_max
        sources.append(
            Supply(
                id=row.id,
                name=material.full_name(row.id),
                left=row.remaining,
                ends_at=row.resets_at if is_reset_first else row.expires_at,
                how="is reset" if is_reset_first else "expires",
                refill=max(_ZERO, EXACT.subtract(row.granted, grant.adjusted)),
                interval=row.reset_interval,
                interval_count=row.reset_interval_count,
                carries=carries if is_reset_first else _ZERO,
            )
        )
    return sources


def _order(material: Material) -> tuple[DeductionPlace, ...]:
    places: list[DeductionPlace] = []

    def stand(
        row: DrawableGrant | DrawableRollover, available: Decimal | None, further: str, reason: str
    ) -> None:
        places.append(
            DeductionPlace(
                number=len(places) + 1,
                row_id=row.id,
                name=material.names[row.id],
                owner=material.owner(row.entity_id),
                feature=str(material.balance_of[row.id].feature),
                available=available,
                beyond=further,
                reason=reason,
            )
        )

    rows = drawing_order(material.rows, material.entity_id)
    taker = next((row for row in rows if row.unlimited), None)
    if taker is not None:
        stand(taker, None, words.beyond(taker), "unlimited, so it covers all usage before anything else")
    idle = "" if taker is None else f", but not used while {material.names[taker.id]} is unlimited"
    before: DrawableRollover | None = None
    for rollover in rollover_order(material.rollovers, material.entity_id):
        reason = words.place_of_rollover(rollover, before)
        stand(rollover, rollover.balance, "no overage", reason + idle)
        before = rollover
    previous: DrawableGrant | None = None
    for row in rows:
        if row is taker:
            continue
        available = None if row.unlimited else row.remaining
        stand(row, available, words.beyond(row), words.place_of_row(row, previous) + idle)
        previous = row
    return tuple(places)
