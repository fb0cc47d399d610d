"""The tables on the page of a subscription."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from billing.catalog.currencies import NoPrice, base_price_in, item_price_in
from billing.formats import (
    INVOICE_STATES,
    every,
    invoice_state,
    money,
    unit_price,
)
from billing.models import Discount, Feature, Invoice, Plan, PlanItem, Subscription, SubscriptionPhase
from billing.subscriptions.upcoming import UpcomingInvoice
from crm.desk.pages.records.shell import (
    CHIP_COLORS,
)
from crm.desk.pages.records.tables import Cell, Table, cells
from customers.formats import day, number, page_of

#: Rows of each table that the page shows, and invoices.
SHOWN = 20
INVOICES_SHOWN = 12


def prices_table(row: Subscription) -> Table:
    plan, currency = row.plan, row.billing_currency
    rows = []
    base = _stated(lambda: base_price_in(plan, currency))
    if base is not None:
        rows.append(
            cells(
                Cell(text="Base price"),
                number(row.quantity),
                unit_price(base, currency),
                _how_often(plan.price_interval, plan.price_interval_count),
            )
        )
    prepaid = row.prepaid_quantities
    for item in plan.items.select_related("feature").order_by("position", "pk")[:SHOWN]:
        bought = prepaid.get(item.feature.feature_id)
        is_flag = item.feature.type == Feature.Type.BOOLEAN
        amount = "Unlimited" if item.unlimited else f"{number(item.included)} included"
        included = "Included" if is_flag else amount
        resets = (
            f"resets every {every(item.reset_interval, item.reset_interval_count)}"
            if item.reset_interval
            else ""
        )
        rows.append(
            cells(
                Cell(text=str(item.feature), detail=", ".join(filter(None, (included, resets)))),
                number(Decimal(bought)) if bought else "",
                _price_of(item, plan, currency),
                _how_often(item.price_interval, item.price_interval_count) if item.billing_method else "",
            )
        )
    return Table(
        key="prices",
        title="Prices",
        headings=("Item", "Quantity", "Price", "Billed"),
        rows=rows,
        figures=frozenset({1, 2}),
    )


def _price_of(item: PlanItem, plan: Plan, currency: str) -> str:
    if item.price_tiers:
        return "By tiers"
    amount = _stated(lambda: item_price_in(item, plan, currency).amount)
    if amount is None:
        return ""
    price = unit_price(amount, currency)
    units = item.billing_units
    return price if units in (None, 1) else f"{price} per {number(units)}"


def _stated(price: Callable[[], Decimal | None]) -> Decimal | None:
    """The price; None if the plan has none in the currency, which the doctor reports."""
    try:
        return price()
    except NoPrice:
        return None


def _how_often(interval: str, count: int | None) -> str:
    if not interval:
        return ""
    return "Once" if interval == "one_off" else f"Every {every(interval, count)}"


def upcoming_lines_table(upcoming: UpcomingInvoice) -> Table:
    currency = upcoming.currency
    return Table(
        key="upcoming",
        title="Upcoming invoice",
        headings=("Line", "Quantity", "Amount"),
        rows=[
            *(
                cells(line.description, number(line.quantity), money(line.amount, currency))
                for line in upcoming.lines
            ),
            cells("Total", "", money(upcoming.total, currency)),
        ],
        figures=frozenset({1, 2}),
        about=f"On {day(upcoming.at)}, if nothing more is used until then.",
        has_total=True,
    )


def invoices_table(invoices: list[Invoice]) -> Table:
    return Table(
        key="invoices",
        title="Invoices",
        headings=("Invoice", "Status", "Date", "Due", "Total"),
        rows=[
            cells(
                Cell(text=str(invoice), url=page_of(invoice)),
                Cell(
                    text=invoice_state(invoice),
                    chip=CHIP_COLORS[INVOICE_STATES.get(invoice_state(invoice), "default")],
                ),
                day(invoice.created_at),
                day(invoice.due_at),
                money(invoice.total, invoice.currency),
            )
            for invoice in invoices
        ],
        figures=frozenset({4}),
        wide=frozenset({2}),
        more=f"The last {INVOICES_SHOWN} invoices." if len(invoices) == INVOICES_SHOWN else "",
    )


def discounts_table(row: Subscription, now: datetime) -> Table:
    """The discounts of this subscription, and those of the customer that count for each."""
    found = Discount.objects.filter(
        Q(subscription_id=row.subscription_id) | Q(subscription_id=None) | Q(subscription_id=""),
        Q(end=None) | Q(end__gt=now),
        customer=row.customer_id,
    )
    return Table(
        key="discounts",
        title="Discounts",
        headings=("Discount", "Worth", "Duration", "Until"),
        rows=[
            cells(
                Cell(
                    text=each.name,
                    detail="Of this subscription" if each.subscription_id else "Of the customer",
                ),
                _worth(each),
                each.get_duration_type_display()
                if each.duration_value is None
                else f"{number(each.duration_value)} months",
                day(each.end),
            )
            for each in found.order_by("position", "pk")[:SHOWN]
        ],
        figures=frozenset({1}),
    )


def _worth(discount: Discount) -> str:
    if discount.type == Discount.Type.PERCENTAGE:
        return f"{number(discount.discount_value)}%"
    if discount.type == Discount.Type.FREE_PRODUCT:
        return "Free"
    return unit_price(discount.discount_value, (discount.currency or "").upper())


def phases_table(phases: list[SubscriptionPhase]) -> Table:
    return Table(
        key="phases",
        title="Phases",
        headings=("From", "Plan", "Quantity", "Prepaid", "Reason"),
        rows=[
            cells(
                day(phase.starts_at),
                str(phase.plan),
                number(phase.quantity),
                packs(phase.prepaid_quantities),
                phase.reason,
            )
            for phase in phases
        ],
        figures=frozenset({2}),
        wide=frozenset({3}),
    )


def packs(prepaid: dict[str, str]) -> str:
    return ", ".join(f"{number(Decimal(units))} {feature}" for feature, units in prepaid.items())
