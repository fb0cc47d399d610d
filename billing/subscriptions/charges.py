"""The invoice lines of a subscription, in minor units of its plan's currency."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.timezone import override

from billing.invoices.issue import InvoiceRequest
from billing.models import Grant, Plan, PlanItem, Purchase, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rules.invoice_totals import BilledLine, LineKind
from billing.rules.money import round_to_minor
from billing.rules.prices import Price, base_cost, cost_of, prepaid_cost, proration
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.formats import day, number

_ZERO = Decimal(0)


def price_of(priced: PlanItem | Grant) -> Price | None:
    """The price of a plan's item or of a grant, if it has one."""
    if not priced.billing_method or (priced.price_amount is None and not priced.price_tiers):
        return None
    try:
        return Price.from_stored(
            priced.price_amount, priced.price_tiers, priced.price_tier_behavior, priced.billing_units
        )
    except ValueError as problem:
        raise CannotBill(f"The price of {priced} can't be charged: {problem}.") from None


def interval_of(plan: Plan, items: list[PlanItem]) -> tuple[str, int] | None:
    """How often a subscription to the plan is billed; None if no price recurs."""
    if plan.price_interval and plan.price_interval != Interval.ONE_OFF:
        return plan.price_interval, plan.price_interval_count or 1
    for item in items:
        if item.price_interval and item.price_interval != Interval.ONE_OFF and price_of(item) is not None:
            return item.price_interval, item.price_interval_count or 1
    return None


def recurring_lines(
    work: UnitOfWork,
    subscription: Subscription,
    period: tuple[datetime, datetime],
    part: tuple[datetime, datetime] | None = None,
    *,
    is_credit: bool = False,
) -> list[BilledLine]:
    """The base price and prepaid packs for a period, or prorated for a `part` of it; negative with `is_credit`."""
    plan = subscription.plan
    lines = []
    for kind, description, whole, quantity in _recurring(work, subscription):
        amount = whole if part is None else proration(whole, *period, *part)
        minor = round_to_minor(-amount if is_credit else amount, plan.currency)
        if not minor and part is not None:
            continue
        from_, to = part or period
        lines.append(
            BilledLine(
                kind="proration" if part is not None else kind,
                description=("Unused time of " if is_credit else "") + f"{description}, {_span(from_, to)}",
                amount=minor,
                quantity=quantity,
                subscription_id=subscription.subscription_id,
                plan_id=plan.plan_id,
            )
        )
    return lines


def once_lines(
    work: UnitOfWork, source: Subscription | Purchase, prepaid: dict[str, str]
) -> list[BilledLine]:
    """The one-time charges at the start: the price of a one-off plan, and packs with a one-off price."""
    plan = source.plan
    own_id = source.subscription_id if isinstance(source, Subscription) else None
    lines = []
    if plan.price_amount is not None and plan.price_interval in ("", Interval.ONE_OFF):
        amount = round_to_minor(base_cost(plan.price_amount, source.quantity), plan.currency)
        lines.append(
            BilledLine(
                kind="base",
                description=plan.name,
                amount=amount,
                quantity=source.quantity,
                subscription_id=own_id,
                plan_id=plan.plan_id,
            )
        )
    for item in work.plan_items.of(str(plan.pk)):
        if item.price_interval in ("", Interval.ONE_OFF):
            lines += _prepaid_line(item, source, prepaid, own_id)
    return lines


def usage_lines(
    grant: Grant, subscription: Subscription | Purchase | None, overage: Decimal
) -> list[BilledLine]:
    """The overage of a grant with a usage-based price."""
    price = price_of(grant)
    plan = grant.plan
    if price is None or plan is None or not overage:
        return []
    included = grant.figures.granted
    amount = round_to_minor(cost_of(price, overage, included), plan.currency)
    return [
        BilledLine(
            kind="usage",
            description=f"{grant.balance.feature}: {number(overage)} above {number(included)} included",
            amount=amount,
            quantity=overage,
            subscription_id=subscription.subscription_id if isinstance(subscription, Subscription) else None,
            plan_id=plan.plan_id,
        )
    ]


def request_invoice(
    work: UnitOfWork,
    source: Subscription | Purchase,
    at: datetime,
    lines: list[BilledLine],
    period: tuple[datetime | None, datetime | None] = (None, None),
) -> None:
    """Bill the lines when the unit of work is saved, unless the billing platform bills this subscription."""
    if not lines or (isinstance(source, Subscription) and not source.billed_here):
        return
    work.invoice_requests.append(
        InvoiceRequest(
            customer_id=work.key,
            came_with_id=source.came_with_id,
            subscription_id=str(source.pk) if isinstance(source, Subscription) else None,
            plan_ids=(source.plan.plan_id,),
            plans=(str(source.plan_id),),
            currency=source.plan.currency,
            at=at,
            period_start=period[0],
            period_end=period[1],
            lines=tuple(lines),
        )
    )


def _recurring(work: UnitOfWork, subscription: Subscription) -> list[tuple[LineKind, str, Decimal, Decimal]]:
    """Kind, description, amount in major units and quantity of each charge for a whole period."""
    plan = subscription.plan
    found: list[tuple[LineKind, str, Decimal, Decimal]] = []
    if plan.price_amount is not None and plan.price_interval not in ("", Interval.ONE_OFF):
        amount = base_cost(plan.price_amount, subscription.quantity)
        found.append(("base", plan.name, amount, subscription.quantity))
    for item in work.plan_items.of(str(plan.pk)):
        price = price_of(item)
        bought = Decimal(subscription.prepaid_quantities.get(item.feature.feature_id, 0))
        if (
            price is not None
            and bought
            and item.billing_method == BillingMethod.PREPAID
            and item.price_interval not in ("", Interval.ONE_OFF)
        ):
            amount = prepaid_cost(price, bought, item.included * subscription.quantity)
            found.append(("prepaid", f"{item.feature}, prepaid", amount, bought))
    return found


def _prepaid_line(
    item: PlanItem, source: Subscription | Purchase, prepaid: dict[str, str], own_id: str | None
) -> list[BilledLine]:
    price, bought = price_of(item), Decimal(prepaid.get(item.feature.feature_id, 0))
    if price is None or not bought or item.billing_method != BillingMethod.PREPAID:
        return []
    amount = round_to_minor(
        prepaid_cost(price, bought, item.included * source.quantity), source.plan.currency
    )
    return [
        BilledLine(
            kind="prepaid",
            description=f"{item.feature}, prepaid",
            amount=amount,
            quantity=bought,
            subscription_id=own_id,
            plan_id=source.plan.plan_id,
        )
    ]


def _span(from_: datetime, to: datetime) -> str:
    # An invoice must not depend on who causes it, so its days are in the installation's time zone, not the user's.
    with override(None):
        return f"{day(from_)} to {day(to)}"
