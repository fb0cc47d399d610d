"""The contract compared with billing, subscriptions, purchases, invoices and discounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.urls import reverse

from billing.formats import (
    SUBSCRIPTION_STATES,
    every,
    money,
    subscription_state,
    unit_price,
)
from billing.invoices.credits import left_of
from billing.models import Discount, License, Purchase, Subscription, TrialUsed
from billing.revenue.monthly import UnusablePrice, charges_of, revenue_of_subscription, with_charges
from billing.rules.exact import EXACT
from billing.rules.money import is_known, round_to_minor
from billing.rules.monthly_value import RecurringCharge, RecurringRevenue
from billing.sheets.credits import ReturnCredit
from crm.desk.pages.overview.bars import BalanceBar, bars_of
from crm.desk.pages.overview.section import SHOWN, Section, SectionLine, first_rows, list_of, list_section
from crm.models import Relationship
from customers.formats import PLAIN, day, number, page_of, percent
from customers.models import Customer
from customers.sheets import act_url

#: Balances that the rail of the overview shows.
_BARS = 4


def contract_words(customer: Customer, billed: dict[str, RecurringRevenue]) -> list[str]:
    """The yearly contract value compared with ARR; `billed` is by currency. Empty if neither is known."""
    relationship: Relationship | None = getattr(customer, "relationship", None)
    agreed = relationship.contract_annual_revenue if relationship else None
    sentences = []
    if agreed is not None and relationship is not None:
        sentences.append(f"Contract: {unit_price(agreed, relationship.currency)}/yr")
    sentences += [
        f"Billed: {money(each.arr, currency)}/yr ({money(each.mrr, currency)}/month)"
        for currency, each in billed.items()
    ]
    if agreed is not None and relationship is not None and is_known(relationship.currency):
        sentences.append(_compared(agreed, relationship.currency, billed))
    return [sentence for sentence in sentences if sentence]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSection(Section):
    """Subscriptions, and balances as bars."""

    bars: tuple[BalanceBar, ...] = ()


def billing_section(customer: Customer, now: datetime, may: Callable[[str], bool]) -> Section | None:
    """What the customer has: running subscriptions, and the balances that are used most."""
    found: list[Subscription] = []
    if may("billing.view_subscription"):
        rows = Subscription.objects.running().filter(customer=customer).select_related("came_with")
        found = first_rows(with_charges(rows.order_by("add_on", "position", "pk")))
    bars = bars_of(customer, now) if may("billing.view_balance") else []
    if not found and not bars:
        return None
    has_accounts = any(row.came_with_id for row in found)
    return BillingSection(
        key="billing",
        title="Billing",
        lines=tuple(_subscription_in_brief(row, now, has_accounts=has_accounts) for row in found[:SHOWN]),
        bars=tuple(bars[:_BARS]),
        more_url=reverse("desk-billing" if found else "desk-usage", args=[customer.pk]),
        template="crm/desk/overview/rail_billing.html",
    )


def purchases_section(customer: Customer) -> Section | None:
    rows = Purchase.objects.filter(customer=customer, removed_at=None).select_related("plan")
    return list_section(
        "purchases",
        "Purchases",
        first_rows(rows.order_by("-started_at", "-pk")),
        lambda row: SectionLine(
            text=str(row.plan),
            url=page_of(row),
            details=(f"Purchased {day(row.started_at)}", _until("Ends", row.expires_at)),
            value=number(row.quantity),
        ),
        more_url=list_of(Purchase, customer),
    )


def licenses_section(customer: Customer) -> Section | None:
    """The licenses that a plan of the customer gives out."""
    rows = License.objects.filter(customer=customer).select_related("license_plan")
    return list_section(
        "licenses",
        "Licenses",
        first_rows(rows.order_by("position", "pk")),
        lambda row: SectionLine(
            text=row.license_plan_name or str(row.license_plan),
            url=page_of(row),
            details=(f"{number(row.usage)} in use of {number(row.granted)}",),
            value=f"{number(row.remaining)} left",
        ),
        more_url=list_of(License, customer),
    )


def trials_section(customer: Customer) -> Section | None:
    """The trials that the customer had, by plan."""
    rows = TrialUsed.objects.filter(customer=customer).select_related("plan").order_by("position", "pk")
    return list_section(
        "trials",
        "Trials used",
        first_rows(rows),
        lambda row: SectionLine(text=str(row.plan), url=page_of(row)),
        more_url=list_of(TrialUsed, customer),
    )


def discounts_section(customer: Customer, *, may_return: bool) -> Section | None:
    """The customer's discounts and credits. What is left of a credit can be returned by users who may."""
    rows = Discount.objects.filter(customer=customer).order_by("position", "pk")
    return list_section(
        "discounts",
        "Discounts",
        first_rows(rows),
        partial(_discount, may_return=may_return),
        more_url=list_of(Discount, customer),
    )


def _compared(agreed: Decimal, currency: str, billed: dict[str, RecurringRevenue]) -> str:
    contract = round_to_minor(agreed, currency)
    rate = billed[currency].arr if currency in billed else 0
    if contract <= 0:
        return ""
    if not rate:
        return f"No recurring billing in {currency}."
    share = EXACT.divide(Decimal(rate), Decimal(contract))
    if rate == contract:
        return "Billing matches the contract."
    gap = money(abs(contract - rate), currency)
    side = "below" if rate < contract else "above"
    return f"{gap}/yr {side} the contract, {percent(share)} of it is billed."


def name_of_subscription(row: Subscription) -> str:
    """The plan, and the quantity unless it is 1."""
    return (
        f"{row.plan} \N{MULTIPLICATION SIGN} {number(row.quantity)}" if row.quantity != 1 else str(row.plan)
    )


def _subscription_in_brief(row: Subscription, now: datetime, *, has_accounts: bool) -> SectionLine:
    state = subscription_state(row)
    account = [str(row.came_with) if row.came_with else "Main account"] if has_accounts else []
    by = "billed here" if row.billed_here else "billed by the platform"
    revenue = revenue_of_subscription(row, now)
    return SectionLine(
        text=name_of_subscription(row),
        url=page_of(row),
        details=(*account, by, *coming(row, now)[:1]),
        label=None if state == "Active" else (state, SUBSCRIPTION_STATES.get(state, PLAIN)),
        value=", ".join(f"{money(each.mrr, currency)}/month" for currency, each in revenue.items()),
    )


def coming(row: Subscription, now: datetime) -> list[str]:
    """What happens next to a subscription, in words."""
    found = []
    if row.status == Subscription.Status.SCHEDULED:
        return [f"Starts {day(row.started_at)}"]
    if row.trial_ends_at is not None and row.trial_ends_at > now:
        found.append(f"Trial ends {day(row.trial_ends_at)}")
    if row.expires_at is not None:
        found.append(f"Ends {day(row.expires_at)}")
    elif row.current_period_end is not None:
        found.append(f"Renews {day(row.current_period_end)}{_next_invoice(row)}")
    return found


def _next_invoice(row: Subscription) -> str:
    """The fixed charges of the next renewal; overage is billed on top."""
    plan = row.plan
    if plan.price_amount is None or not plan.price_interval or not is_known(row.billing_currency):
        return ""
    interval = plan.price_interval, plan.price_interval_count or 1
    try:
        charges = [each for each in charges_of(row) if (each.interval, each.interval_count) == interval]
        billed = round_to_minor(_sum(charges), row.billing_currency)
    except (UnusablePrice, ValueError):
        return ""
    return (
        f" for {money(billed, row.billing_currency)} every {every(*interval)}, plus overage" if billed else ""
    )


def _sum(charges: list[RecurringCharge]) -> Decimal:
    total = Decimal(0)
    for charge in charges:
        total = EXACT.add(total, charge.amount)
    return total


def _discount(row: Discount, *, may_return: bool) -> SectionLine:
    worth = {
        Discount.Type.PERCENTAGE.value: f"{number(row.discount_value)}%",
        Discount.Type.FREE_PRODUCT.value: "Free product",
    }.get(row.type, unit_price(row.discount_value, (row.currency or "").upper()))
    duration = row.get_duration_type_display()
    if row.duration_type == Discount.Duration.MONTHS and row.duration_value is not None:
        duration = f"For {number(row.duration_value)} months"
    return SectionLine(
        text=row.name,
        url=page_of(row),
        details=(duration, _until("Until", row.end)),
        value=worth,
        actions=((f"{ReturnCredit.title}…", act_url(ReturnCredit.name, row)),)
        if may_return and left_of(row)
        else (),
    )


def _until(words: str, at: datetime | None) -> str:
    return f"{words} {day(at)}" if at else ""
