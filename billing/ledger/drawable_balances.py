"""The balances, grants and rollovers that usage of one feature may draw from, loaded together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from billing.ledger.allocations import Shares
from billing.ledger.usage_controls import UsageControls, controls_of, limits_for
from billing.ledger.usage_counts import CountedLimit, entities_with_their_own, interval_at
from billing.models import Balance, CreditCost, Feature, Grant, Rollover, UsageLimit
from billing.models.figures import BillingMethod
from billing.rules.drawing import (
    DrawnPart,
    OverageLimits,
    OverageOwner,
)
from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    UsageCap,
)
from billing.rules.due_events import DueEvent, DueKind
from billing.rules.exact import EXACT, ZERO
from billing.rules.figures import Figures, figures_of
from billing.rules.moments import renewal_before_usage


@dataclass(slots=True)
class DrawableBalances:
    """A customer's balances of a feature and of the credit systems that pay for it; several accounts may have one each.

    `costs` has the key of each of these features, with the credits for one unit; None for the feature itself. Grants
    and rollovers that have ended are not loaded; those that have expired are. `controls` are the customer's limits.
    """

    costs: Mapping[str, Decimal | None]
    balances: dict[str, Balance] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    rollovers: dict[str, Rollover] = field(default_factory=dict)
    controls: UsageControls = field(default_factory=UsageControls)

    def drawable_grants(self, at: datetime, entity_id: str | None = None) -> list[DrawableGrant]:
        """The grants that count at `at`, for `billing.rules.drawing`, and their overage for usage of this entity."""
        counted = [grant for grant in self.grants.values() if grant.counts_at(at)]
        usage_based = {grant.balance_id for grant in counted if is_usage_based(grant)}
        return [
            drawable_grant(
                grant,
                self.balances[grant.balance_id],
                credit_cost=self.costs[self.balances[grant.balance_id].feature_id],
                is_sharing_overage=grant.balance_id not in usage_based,
                may_exceed=self.controls.may_exceed(self.balances[grant.balance_id].feature_id, entity_id),
            )
            for grant in counted
        ]

    def overage_limits(self, at: datetime) -> OverageLimits:
        """The spend limits in force at `at`, in units. A percentage is of what main plans include."""
        if not self.controls.spend:
            return {}
        included: dict[OverageOwner, Decimal] = defaultdict(Decimal)
        for grant in self.grants.values():
            if grant.plan_id is None or grant.is_add_on or not grant.counts_at(at):
                continue
            feature_id = self.balances[grant.balance_id].feature_id
            amount = EXACT.subtract(grant.included_grant, grant.adjusted)
            included[feature_id] = EXACT.add(included[feature_id], amount)
            if grant.entity_id is not None:
                owner = feature_id, grant.entity_id
                included[owner] = EXACT.add(included[owner], amount)
        return self.controls.overage_limits(self.costs, included)

    def counted_limits(self, at: datetime, entity_id: str | None) -> list[CountedLimit]:
        """The usage limits and shares that usage of the entity (None: of the customer) at `at` must keep."""
        if not self.controls.limits and not self.controls.shares:
            return []
        grants = [
            (self.balances[grant.balance_id].feature_id, grant)
            for grant in self.grants.values()
            if grant.counts_at(at)
        ]
        # A share doesn't replace a limit, nor a limit a share.
        found = self._counted(self.controls.limits, grants, at, entity_id)
        for shares in self.controls.shares:
            if shares.feature.pk in self.costs:
                limits = self._counted(self._as_limits(shares, grants, at), grants, at, entity_id)
                found += [replace(each, is_share=True) for each in limits]
        return found

    def _as_limits(
        self, shares: Shares, grants: Sequence[tuple[str, Grant]], at: datetime
    ) -> list[UsageLimit]:
        rollovers = [
            (self.balances[rollover.balance_id].feature_id, rollover)
            for rollover in self.rollovers.values()
            if rollover.counts_at(at)
        ]
        feature_id = str(shares.feature.pk)
        allowed = self.controls.may_exceed(feature_id, None)
        if allowed is None:
            allowed = any(
                balance.overage_allowed
                for balance in self.balances.values()
                if balance.feature_id == feature_id
            )
        return shares.limits(grants, rollovers, may_exceed=allowed)

    def _counted(
        self,
        limits: Sequence[UsageLimit],
        grants: Sequence[tuple[str, Grant]],
        at: datetime,
        entity_id: str | None,
    ) -> list[CountedLimit]:
        others = entities_with_their_own(limits)
        found = []
        for limit in limits_for(limits, self.costs, entity_id):
            # A limit of a credit system counts all its credits. One of the used feature counts units, paid in credits too.
            is_used = self.costs[limit.feature_id] is None
            costs = {key: cost for key, cost in self.costs.items() if cost is not None} if is_used else {}
            start, end = interval_at(limit, costs, grants, at)
            own = others.get((str(limit.customer_id), limit.feature_id), frozenset())
            found.append(CountedLimit(limit=limit, start=start, end=end, costs=costs, others=own))
        return found

    def usage_caps(self, at: datetime, entity_id: str | None) -> list[UsageCap]:
        """The usage limits for `billing.rules.drawing`. Without any, no query; else at most two for each."""
        return [
            UsageCap(
                feature_id=each.limit.feature_id,
                limit=each.limit.limit,
                used=self.controls.counts.used(each),
                interval=UsageLimit.Interval(each.limit.interval).label.lower(),
                is_of_used_feature=self.costs[each.limit.feature_id] is None,
                is_share=each.is_share,
            )
            for each in self.counted_limits(at, entity_id)
        ]

    def count_use(
        self,
        feature_id: str,
        entity_id: str | None,
        at: datetime,
        parts: Sequence[DrawnPart],
        *,
        is_refund: bool,
    ) -> None:
        """Count usage or a refund that is not written yet towards the usage limits."""
        if not self.controls.limits and not self.controls.shares:
            return
        charges = []
        for part in parts:
            row = self.grants.get(part.id) or self.rollovers[part.id]
            charged = part.charged.copy_negate() if is_refund else part.charged
            charges.append((self.balances[row.balance_id].feature_id, charged))
        self.controls.counts.add(feature_id, entity_id, at, charges)

    def drawable_rollovers(self, at: datetime) -> list[DrawableRollover]:
        """The rollovers that count at `at`, for `billing.rules.drawing`."""
        found = []
        for rollover in self.rollovers.values():
            if rollover.counts_at(at):
                feature_id = self.balances[rollover.balance_id].feature_id
                cost = self.costs[feature_id]
                found.append(drawable_rollover(rollover, feature_id=feature_id, credit_cost=cost))
        return found

    def figures(
        self, balance: Balance, grants: Iterable[DrawableGrant], rollovers: Iterable[DrawableRollover]
    ) -> Figures:
        """The figures of one of the balances, from those of the grants and rollovers that are its own."""
        return figures_of(
            [grant for grant in grants if grant.balance_id == balance.pk],
            [rollover for rollover in rollovers if self.rollovers[rollover.id].balance_id == balance.pk],
        )

    def remaining(
        self, grants: Iterable[DrawableGrant], rollovers: Iterable[DrawableRollover]
    ) -> dict[str, Decimal | None]:
        """What is left in the balances of each feature together, by the key of the feature; None is unlimited."""
        grants, rollovers = list(grants), list(rollovers)
        left: dict[str, Decimal | None] = {}
        for balance in self.balances.values():
            figures = self.figures(balance, grants, rollovers)
            before = left.get(balance.feature_id, ZERO)
            if figures.unlimited or before is None:
                left[balance.feature_id] = None
            else:
                left[balance.feature_id] = EXACT.add(before, figures.remaining)
        return left

    def last_reset(self) -> datetime | None:
        """The last reset of any of the grants, which closed a period of it."""
        resets = (grant.last_reset_at for grant in self.grants.values() if grant.last_reset_at is not None)
        return max(resets, default=None)

    def was_reset_after(self, at: datetime) -> bool:
        """Whether a grant was reset after `at`, so that its period of that time is over."""
        last = self.last_reset()
        return last is not None and at < last

    def next_due(self) -> datetime | None:
        """When the next start or reset of one of the grants, or event of one of the subscriptions behind them, falls due.

        A grant that expires needs no renewal first: `counts_at` leaves it out.
        """
        events = self._events_of_subscriptions() + [
            event
            for grant in self.grants.values()
            for event in grant.due_events()
            if event.kind in (DueKind.RESET, DueKind.START)
        ]
        return min((event.at for event in events), default=None)

    def renewal_before_usage(self, at: datetime, now: datetime, grace: timedelta) -> datetime | None:
        """Until when the customer must be renewed before usage at `at` is recorded; None if there is no need.

        See `billing.rules.moments`. A subscription that ends between the usage and the clock has no next invoice, so its
        end is not applied before the usage.
        """
        until = renewal_before_usage(at, self.next_due(), now, grace)
        if until is None or until <= at:
            return until
        ends = (event.at for event in self._events_of_subscriptions() if event.kind is DueKind.END)
        return None if any(end <= until for end in ends) else until

    def _events_of_subscriptions(self) -> list[DueEvent]:
        subscriptions = {
            grant.subscription_id: grant.subscription for grant in self.grants.values() if grant.subscription
        }
        return [event for subscription in subscriptions.values() for event in subscription.due_events()]


def credit_costs_of(feature: Feature) -> dict[str, Decimal | None]:
    """Credits per unit of `feature`, by the ID of each credit system; also the ID of `feature` itself, with None."""
    costs: dict[str, Decimal | None] = {str(feature.pk): None}
    for cost in CreditCost.objects.filter(metered_feature=feature):
        costs[str(cost.credit_system_id)] = cost.credit_cost
    return costs


def drawable_balances_of(
    customer_id: str, costs: Mapping[str, Decimal | None], balances: Iterable[Balance]
) -> DrawableBalances:
    """Load what one customer can use; `balances` are its balances of the features in `costs`."""
    return drawable_balances_by_customer({customer_id: costs}, balances)[customer_id]


def drawable_balances_by_customer(
    costs: Mapping[str, Mapping[str, Decimal | None]], balances: Iterable[Balance]
) -> dict[str, DrawableBalances]:
    """Load what customers can use, by their keys, in three queries; `costs` are by customer."""
    found = {customer_id: DrawableBalances(each) for customer_id, each in costs.items()}
    by_balance: dict[str, DrawableBalances] = {}
    for balance in balances:
        drawable = found[balance.customer_id]
        drawable.balances[str(balance.pk)] = balance
        by_balance[str(balance.pk)] = drawable
    for grant in Grant.objects.filter(balance_id__in=by_balance, ended_at=None).select_related(
        "plan", "subscription", "purchase"
    ):
        by_balance[grant.balance_id].grants[str(grant.pk)] = grant
    for rollover in Rollover.objects.filter(balance_id__in=by_balance, ended_at=None).select_related("grant"):
        by_balance[rollover.balance_id].rollovers[str(rollover.pk)] = rollover
    controls = controls_of(costs)
    for customer_id, drawable in found.items():
        drawable.controls = controls[customer_id]
    return found


def is_usage_based(grant: Grant) -> bool:
    """Whether overage of the grant is billed."""
    return grant.billing_method == BillingMethod.USAGE_BASED


def drawable_grant(
    grant: Grant,
    balance: Balance,
    *,
    credit_cost: Decimal | None,
    is_sharing_overage: bool,
    may_exceed: bool | None = None,
) -> DrawableGrant:
    """A grant for `billing.rules.drawing`.

    In a balance that allows overage, the grants with a usage-based price have it. If none has such a price
    (`is_sharing_overage`), all grants do, together up to the balance's own limit. `may_exceed` is the customer's own
    control of overage, if there is one.
    """
    is_priced = is_usage_based(grant)
    return DrawableGrant(
        id=str(grant.pk),
        feature_id=balance.feature_id,
        balance_id=str(balance.pk),
        included_grant=grant.included_grant,
        prepaid_grant=grant.prepaid_grant,
        usage=grant.usage,
        unlimited=grant.unlimited,
        resets_at=grant.next_reset_at,
        created_at=grant.began_at,
        position=grant.position,
        entity_id=grant.entity_id,
        credit_cost=credit_cost,
        reset_interval=grant.reset_interval,
        reset_interval_count=grant.reset_interval_count or 1,
        expires_at=grant.expires_at,
        add_on=grant.is_add_on,
        overage_allowed=is_priced or (is_sharing_overage and (balance.overage_allowed or may_exceed is True)),
        overage_off=may_exceed is False,
        max_purchase=grant.max_purchase if is_priced else balance.max_purchase,
        shares_max_purchase=is_sharing_overage and not is_priced,
    )


def drawable_rollover(
    rollover: Rollover, *, feature_id: str = "", credit_cost: Decimal | None
) -> DrawableRollover:
    """A rollover for `billing.rules.drawing`."""
    figures = rollover.figures
    return DrawableRollover(
        id=str(rollover.pk),
        feature_id=feature_id,
        balance=figures.balance,
        usage=figures.usage,
        entity_id=rollover.grant.entity_id if rollover.grant else None,
        credit_cost=credit_cost,
        expires_at=rollover.expires_at,
    )
