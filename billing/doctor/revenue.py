"""MRR against what invoices charge: two computations that must agree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from billing.doctor.findings import Advance, Finding
from billing.formats import unit_price
from billing.models import Subscription
from billing.revenue.monthly import UnusablePrice, charges_of, earning, with_charges
from billing.rules.exact import EXACT, total
from billing.rules.money import is_known
from billing.rules.monthly_value import yearly
from billing.subscriptions import CannotBill
from billing.subscriptions.charges import yearly_cost
from billing.subscriptions.unit_of_work import PlanItems
from customers import clock

_PIECE = 500
_A_YEAR = Decimal(12)


def check_revenue(advance: Advance) -> Iterator[Finding]:
    """Subscriptions whose next invoices charge another amount than their MRR, discounts, tax and overage aside."""
    items = PlanItems()
    billed = with_charges(earning(clock.now()).filter(billed_here=True)).select_related("customer")
    for subscription in billed.order_by("pk").iterator(chunk_size=_PIECE):
        problem = _difference(items, subscription)
        if problem:
            yield Finding(
                str(subscription.pk),
                f"{subscription.plan} of {subscription.customer}",
                problem,
                "Compare its prepaid packs with what its balances were granted, and change the subscription.",
            )


def _difference(items: PlanItems, subscription: Subscription) -> str | None:
    currency = subscription.billing_currency
    try:
        charged = yearly_cost(items, subscription)
        earned = total(yearly(charges_of(subscription)).values())
    except (CannotBill, UnusablePrice):
        return None  # The check of prices names it.
    if charged == earned or not is_known(currency):
        return None
    invoiced, mrr = (
        unit_price(EXACT.divide(year, _A_YEAR).quantize(Decimal("0.01"), context=EXACT), currency)
        for year in (charged, earned)
    )
    return f"its invoices charge {invoiced}/month, but its MRR is {mrr}"
