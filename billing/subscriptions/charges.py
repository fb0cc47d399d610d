"""The invoice lines of a subscription for base prices and packs, in minor units of the currency that it is billed in.

`billing.subscriptions.usage_lines` has those for what was used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.utils.timezone import override

from billing.catalog.currencies import ItemPrice, NoPrice, base_price_in, item_price_in
from billing.invoices.issue import InvoiceRequest
from billing.invoices.unused import UnusedTime, unused_of_subscription
from billing.models import Feature, Grant, Plan, PlanItem, Purchase, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rules.exact import EXACT, total
from billing.rules.intervals import NEVER_RESETS
from billing.rules.invoice_totals import BilledLine, GivenBack, LineKind
from billing.rules.money import round_to_minor
from billing.rules.monthly_value import annual
from billing.rules.prices import Price, base_cost, prepaid_cost, proration
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.unit_of_work import PlanItems, UnitOfWork
from customers.formats import day

#: How often something is charged: an interval and its count.
Rhythm = tuple[str, int]
#: Intervals and amounts in major units, by the key of the feature; None is the base price.
RecurringCharges = dict[str | None, list[tuple[Rhythm, Decimal]]]

_NOT_RECURRING = ("", Interval.ONE_OFF)


def price_of(grant: Grant) -> Price | None:
    """The price of a grant, in the currency that it is billed in, if it has one."""
    return _price(grant, ItemPrice(grant.price_amount, grant.price_tiers))


def item_price_of(item: PlanItem, plan: Plan, currency: str) -> Price | None:
    """The price of an item of the plan in a currency, if it has one."""
    return _price(item, stored_price(item, plan, currency))


def stored_price(item: PlanItem, plan: Plan, currency: str) -> ItemPrice:
    """The price of an item of the plan in a currency, as a grant stores it."""
    try:
        return item_price_in(item, plan, currency)
    except NoPrice as missing:
        raise CannotBill(f"{missing}.") from None


def _price(priced: PlanItem | Grant, price: ItemPrice) -> Price | None:
    if not priced.billing_method or (price.amount is None and not price.tiers):
        return None
    try:
        return Price.from_stored(price.amount, price.tiers, priced.price_tier_behavior, priced.billing_units)
    except ValueError as problem:
        raise CannotBill(f"The price of {priced} can't be charged: {problem}.") from None


def _base_price(plan: Plan, currency: str) -> Decimal | None:
    try:
        return base_price_in(plan, currency)
    except NoPrice as missing:
        raise CannotBill(f"{missing}.") from None


def interval_of(plan: Plan, items: list[PlanItem]) -> Rhythm | None:
    """How long the periods of a subscription to the plan are; None if no price recurs.

    The base price decides, or else the first item with a recurring price.
    """
    if plan.price_interval and plan.price_interval != Interval.ONE_OFF:
        return plan.price_interval, plan.price_interval_count or 1
    return next((rhythm for item in items if (rhythm := rhythm_of(item)) is not None), None)


def cycles_of(plan: Plan, items: list[PlanItem]) -> list[Rhythm]:
    """The other intervals at which the plan charges prepaid packs, and overage that no reset bills."""
    own = interval_of(plan, items)
    rhythms = [rhythm_of(item) for item in items if is_billed_by_period(item)]
    return [rhythm for rhythm in dict.fromkeys(rhythms) if rhythm is not None and rhythm != own]


def recurring_lines(
    work: UnitOfWork,
    subscription: Subscription,
    period: tuple[datetime, datetime],
    part: tuple[datetime, datetime] | None = None,
    *,
    rhythm: Rhythm | None = None,
    unchanged: Collection[str | None] = (),
) -> list[BilledLine]:
    """The base price and prepaid packs for a period, or prorated for a `part` of it.

    They are those charged at `rhythm`, or else at the interval of the subscription's own periods. `unchanged` are left
    out: keys of features, and None for the base price.
    """
    plan = subscription.plan
    span = part or period
    lines = []
    for kind, feature, whole, quantity in _recurring(work.plan_items, subscription, rhythm):
        key = None if feature is None else str(feature.pk)
        if key in unchanged:
            continue
        amount = whole if part is None else proration(whole, *period, *part)
        minor = round_to_minor(amount, subscription.billing_currency)
        if not minor and part is not None:
            continue
        lines.append(
            BilledLine(
                kind="proration" if part is not None else kind,
                description=f"{_name(plan, feature)}, {_span(*span)}",
                amount=minor,
                quantity=quantity,
                subscription_id=subscription.subscription_id,
                plan_id=plan.plan_id,
                feature=key,
                period=span,
            )
        )
    return lines


def monthly_cost(plan_items: PlanItems, subscription: Subscription) -> Decimal:
    """What a subscription costs per month by its recurring prices, in major units. Overage is not known in advance."""
    return EXACT.divide(yearly_cost(plan_items, subscription), Decimal(12))


def yearly_cost(plan_items: PlanItems, subscription: Subscription) -> Decimal:
    """What the invoices of a year charge for a subscription by its recurring prices, in major units."""
    charges = recurring_charges(plan_items, subscription).values()
    return total(annual(whole, *rhythm) for of_feature in charges for rhythm, whole in of_feature)


def recurring_charges(plan_items: PlanItems, subscription: Subscription) -> RecurringCharges:
    """The recurring charges of a subscription for whole periods."""
    found: RecurringCharges = defaultdict(list)
    for rhythm in _rhythms(plan_items, subscription):
        for _, feature, whole, _ in _recurring(plan_items, subscription, rhythm):
            found[None if feature is None else str(feature.pk)].append((rhythm, whole))
    return found


def unused_lines(
    subscription: Subscription, at: datetime, *, unchanged: Collection[str | None] = ()
) -> list[tuple[str, BilledLine]]:
    """The lines that give back what was billed for the time after `at`, each with its currency.

    Everything billed for the subscription must be stored, so save the unit of work first. What is `unchanged` is left out:
    keys of features, and None for the base price.
    """
    return [
        (unused.line.invoice.currency, _given_back(subscription, unused, at))
        for unused in unused_of_subscription(subscription, at)
        if unused.line.feature_id not in unchanged
    ]


def once_lines(
    work: UnitOfWork,
    source: Subscription | Purchase,
    quantity: Decimal,
    prepaid: dict[str, str],
) -> list[BilledLine]:
    """The one-time charges for a quantity and packs that start: a one-off base price, and packs with a one-off price."""
    plan, currency = source.plan, source.billing_currency
    base = _base_price(plan, currency)
    lines = []
    if base is not None and plan.price_interval in _NOT_RECURRING and quantity > 0:
        amount = round_to_minor(base_cost(base, quantity), currency)
        lines.append(_once_line(source, "base", plan.name, amount, quantity))
    for item in work.plan_items.of(str(plan.pk)):
        price = item_price_of(item, plan, currency)
        bought = Decimal(prepaid.get(item.feature.feature_id, 0))
        is_once = item.billing_method == BillingMethod.PREPAID and item.price_interval in _NOT_RECURRING
        if price is not None and bought > 0 and is_once:
            amount = round_to_minor(prepaid_cost(price, bought, item.included * source.quantity), currency)
            lines.append(
                _once_line(source, "prepaid", _name(plan, item.feature), amount, bought, str(item.feature_id))
            )
    return lines


def request_invoice(
    work: UnitOfWork,
    source: Subscription | Purchase,
    at: datetime,
    lines: list[BilledLine],
    period: tuple[datetime | None, datetime | None] = (None, None),
    *,
    currency: str = "",
) -> None:
    """Bill the lines when the unit of work is saved, unless the billing platform bills this subscription.

    They are in `currency`, or else in that in which the source is billed.
    """
    if not lines or (isinstance(source, Subscription) and not source.billed_here):
        return
    work.invoice_requests.append(
        InvoiceRequest(
            customer_id=work.key,
            came_with_id=source.came_with_id,
            subscription_id=str(source.pk) if isinstance(source, Subscription) else None,
            plan_ids=(source.plan.plan_id,),
            plans=(str(source.plan_id),),
            currency=currency or source.billing_currency,
            at=at,
            period_start=period[0],
            period_end=period[1],
            lines=tuple(lines),
        )
    )


def _rhythms(plan_items: PlanItems, subscription: Subscription) -> list[Rhythm]:
    items = plan_items.of(str(subscription.plan_id))
    own = interval_of(subscription.plan, items)
    return [*([own] if own else []), *cycles_of(subscription.plan, items)]


def rhythm_of(item: PlanItem) -> Rhythm | None:
    """How often the price of an item is charged; None if it has none that recurs."""
    is_priced = item.billing_method and (item.price_amount is not None or item.price_tiers)
    if not is_priced or item.price_interval in _NOT_RECURRING:
        return None
    return item.price_interval, item.price_interval_count or 1


def is_billed_by_period(item: PlanItem) -> bool:
    """Whether the end of a period bills the item: packs, what is in use, and overage of what is never reset."""
    if item.billing_method == BillingMethod.PREPAID:
        return True
    is_reset = item.feature.consumable and item.reset_interval not in NEVER_RESETS
    return item.billing_method == BillingMethod.USAGE_BASED and not is_reset


def _recurring(
    plan_items: PlanItems, subscription: Subscription, rhythm: Rhythm | None
) -> list[tuple[LineKind, Feature | None, Decimal, Decimal]]:
    """Kind, feature, amount in major units and quantity of each charge for a whole period."""
    plan, currency = subscription.plan, subscription.billing_currency
    items = plan_items.of(str(plan.pk))
    own = interval_of(plan, items)
    rhythm = rhythm or own
    base = _base_price(plan, currency)
    found: list[tuple[LineKind, Feature | None, Decimal, Decimal]] = []
    if base is not None and plan.price_interval not in _NOT_RECURRING and rhythm == own:
        amount = base_cost(base, subscription.quantity)
        found.append(("base", None, amount, subscription.quantity))
    for item in items:
        price = item_price_of(item, plan, currency)
        bought = Decimal(subscription.prepaid_quantities.get(item.feature.feature_id, 0))
        is_charged = item.billing_method == BillingMethod.PREPAID and rhythm_of(item) == rhythm
        if price is not None and bought and is_charged:
            amount = prepaid_cost(price, bought, item.included * subscription.quantity)
            found.append(("prepaid", item.feature, amount, bought))
    return found


def _given_back(subscription: Subscription, unused: UnusedTime, at: datetime) -> BilledLine:
    line = unused.line
    begins, ends = max(at, line.period_start or at), line.period_end or at
    plan = line.plan or subscription.plan
    return BilledLine(
        kind="proration",
        description=f"Unused time of {_name(plan, line.feature)}, {_span(begins, ends)}",
        amount=-unused.amount,
        quantity=line.quantity,
        subscription_id=subscription.subscription_id,
        plan_id=plan.plan_id,
        feature=line.feature_id,
        period=(begins, ends),
        gives_back=GivenBack(line=str(line.pk), tax_rate=unused.tax_rate),
    )


def _once_line(
    source: Subscription | Purchase,
    kind: LineKind,
    description: str,
    amount: int,
    quantity: Decimal,
    feature: str | None = None,
) -> BilledLine:
    return BilledLine(
        kind=kind,
        description=description,
        amount=amount,
        quantity=quantity,
        subscription_id=source.subscription_id if isinstance(source, Subscription) else None,
        plan_id=source.plan.plan_id,
        feature=feature,
    )


def _name(plan: Plan, feature: Feature | None) -> str:
    return plan.name if feature is None else f"{feature}, prepaid"


def _span(from_: datetime, to: datetime) -> str:
    # An invoice must not depend on who causes it, so its days are in the installation's time zone, not the user's.
    with override(None):
        return f"{day(from_)} to {day(to)}"
