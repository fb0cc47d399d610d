"""The contract compared with billing, subscriptions, purchases, invoices and discounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, QuerySet
from django.urls import reverse

from billing.formats import (
    INVOICE_STATES,
    SUBSCRIPTION_STATES,
    every,
    invoice_state,
    money,
    subscription_state,
    unit_price,
)
from billing.models import Discount, Invoice, Purchase, Subscription
from billing.revenue.monthly import UnusablePrice, charges_of, revenue_of_subscription, with_charges
from billing.rules.exact import EXACT
from billing.rules.money import is_known, round_to_minor
from billing.rules.monthly_value import RecurringCharge, RecurringRevenue
from crm.desk.pages.overview.bars import BalanceBar, bars_of
from crm.desk.pages.overview.section import SHOWN, Section, SectionLine, first_rows, list_of, list_section
from crm.models import Relationship
from customers.formats import PLAIN, day, number, page_of, percent
from customers.models import Customer

#: Balances that the rail of the overview shows.
_BARS = 4


def contract_section(customer: Customer, billed: dict[str, RecurringRevenue]) -> Section | None:
    """The yearly contract value compared with ARR; `billed` is by currency."""
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
    elif not billed:
        return None
    return Section(key="contract", title="Contract and billing", sentences=tuple(sentences))


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


def subscriptions_section(customer: Customer, now: datetime) -> Section | None:
    """Running subscriptions with their MRR and what happens next."""
    rows = Subscription.objects.running().filter(customer=customer).order_by("add_on", "position", "pk")
    found = first_rows(with_charges(rows))
    return list_section(
        "subscriptions",
        "Subscriptions",
        found,
        lambda row: _subscription(row, now),
        more_url=list_of(Subscription, customer),
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


def invoices_section(customer: Customer) -> Section | None:
    """Unpaid invoices, then the newest."""
    rows: QuerySet[Invoice] = Invoice.objects.filter(customer=customer, removed_at=None)
    unpaid = first_rows(rows.unpaid().order_by(F("due_at").asc(nulls_last=True), "pk"))  # type: ignore[attr-defined]
    latest = first_rows(rows.order_by("-created_at", "-pk"))
    found = list({row.pk: row for row in (*unpaid, *latest)}.values())
    return list_section("invoices", "Invoices", found, _invoice, more_url=list_of(Invoice, customer))


def discounts_section(customer: Customer) -> Section | None:
    rows = Discount.objects.filter(customer=customer).order_by("position", "pk")
    return list_section(
        "discounts", "Discounts", first_rows(rows), _discount, more_url=list_of(Discount, customer)
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


def _subscription(row: Subscription, now: datetime) -> SectionLine:
    state = subscription_state(row)
    revenue = revenue_of_subscription(row, now)
    return SectionLine(
        text=f"{number(row.quantity)} {row.plan}" if row.quantity != 1 else str(row.plan),
        url=page_of(row),
        details=tuple(_coming(row, now)),
        label=(state, SUBSCRIPTION_STATES.get(state, PLAIN)),
        value=", ".join(f"{money(each.mrr, currency)}/month" for currency, each in revenue.items()),
    )


def _subscription_in_brief(row: Subscription, now: datetime, *, has_accounts: bool) -> SectionLine:
    state = subscription_state(row)
    line = _subscription(row, now)
    account = [str(row.came_with) if row.came_with else "Main account"] if has_accounts else []
    return SectionLine(
        text=line.text,
        details=(
            *account,
            "billed here" if row.billed_here else "billed by the platform",
            *_coming(row, now)[:1],
        ),
        label=None if state == "active" else (state, line.label[1] if line.label else PLAIN),
        value=line.value,
    )


def _coming(row: Subscription, now: datetime) -> list[str]:
    """What happens next to a subscription, in words."""
    coming = []
    if row.status == Subscription.Status.SCHEDULED:
        return [f"Starts {day(row.started_at)}"]
    if row.trial_ends_at is not None and row.trial_ends_at > now:
        coming.append(f"Trial ends {day(row.trial_ends_at)}")
    if row.expires_at is not None:
        coming.append(f"Ends {day(row.expires_at)}")
    elif row.current_period_end is not None:
        coming.append(f"Renews {day(row.current_period_end)}{_next_invoice(row)}")
    return coming


def _next_invoice(row: Subscription) -> str:
    """The fixed charges of the next renewal; overage is billed on top."""
    plan = row.plan
    if plan.price_amount is None or not plan.price_interval or not is_known(plan.currency):
        return ""
    interval = plan.price_interval, plan.price_interval_count or 1
    try:
        charges = [each for each in charges_of(row) if (each.interval, each.interval_count) == interval]
        billed = round_to_minor(_sum(charges), plan.currency)
    except (UnusablePrice, ValueError):
        return ""
    return f" for {money(billed, plan.currency)} every {every(*interval)}, plus overage" if billed else ""


def _sum(charges: list[RecurringCharge]) -> Decimal:
    total = Decimal(0)
    for charge in charges:
        total = EXACT.add(total, charge.amount)
    return total


def _invoice(row: Invoice) -> SectionLine:
    state = invoice_state(row)
    is_open = row.status == Invoice.Status.OPEN
    due = f"{money(row.due, row.currency)} due" if is_open and row.due != row.total else ""
    until = f"Due {day(row.due_at)}" if row.due_at and is_open else ""
    return SectionLine(
        text=str(row),
        url=page_of(row),
        details=tuple(part for part in (day(row.created_at), until, due) if part),
        label=(state, INVOICE_STATES.get(state, PLAIN)),
        value=money(row.total, row.currency),
    )


def _discount(row: Discount) -> SectionLine:
    worth = {
        Discount.Type.PERCENTAGE.value: f"{number(row.discount_value)}%",
        Discount.Type.FREE_PRODUCT.value: "Free product",
    }.get(row.type, unit_price(row.discount_value, (row.currency or "").upper()))
    duration = row.get_duration_type_display()
    if row.duration_type == Discount.Duration.MONTHS and row.duration_value is not None:
        duration = f"For {number(row.duration_value)} months"
    return SectionLine(
        text=row.name, url=page_of(row), details=(duration, _until("Until", row.end)), value=worth
    )


def _until(words: str, at: datetime | None) -> str:
    return f"{words} {day(at)}" if at else ""
