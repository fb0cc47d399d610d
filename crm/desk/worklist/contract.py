"""Contracts that differ from what is billed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from billing.formats import unit_price
from billing.models import Subscription
from billing.revenue.monthly import revenue_of
from billing.rules.exact import EXACT
from billing.rules.money import from_minor, is_known
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule
from crm.models import Relationship
from customers.configuration.table import WORKLIST_CONTRACT_PERCENT
from customers.configuration.values import value_of
from customers.formats import customer_url, number

MISMATCH = WorklistRule(
    "contract_mismatch",
    "Contract mismatch",
    "The amount billed per year differs from the contract.",
    "billing.view_subscription",
)

_WEIGHT, _MOST_FOR_GAP = 20, 20
_HUNDRED = Decimal(100)


def contract_mismatches(batch: WorklistBatch) -> Iterator[Reason]:
    """Contracts that differ from the ARR in the contract's currency. A fixed number of queries.

    Customers that are billed only in other currencies, or whose subscription brings no revenue yet, are
    skipped.
    """
    relationships = list(
        Relationship.objects.filter(
            customer_id__in=batch.customer_ids, contract_annual_revenue__gt=0, came_with=None
        ).only("customer_id", "contract_annual_revenue", "currency")
    )
    keys = [str(each.customer_id) for each in relationships]
    revenue = revenue_of(keys, batch.at)
    starting = {
        str(key)
        for key in (
            Subscription.objects.running()
            .filter(customer_id__in=[key for key in keys if key not in revenue])
            .values_list("customer_id", flat=True)
        )
    }
    for relationship in relationships:
        key, currency = str(relationship.customer_id), relationship.currency
        billed = revenue.get(key, {}).get(currency)
        if (billed is None and (key in starting or key in revenue)) or not is_known(currency):
            continue
        agreed: Decimal = relationship.contract_annual_revenue or Decimal(0)
        rate = from_minor(billed.arr, currency) if billed else Decimal(0)
        gap = EXACT.divide(EXACT.multiply(EXACT.subtract(agreed, rate).copy_abs(), _HUNDRED), agreed)
        if gap < value_of(WORKLIST_CONTRACT_PERCENT) or not gap:
            continue
        contract = f"against a {unit_price(agreed, currency)}/yr contract"
        yield Reason(
            customer_id=key,
            rule=MISMATCH.name,
            key=f"{_figure(agreed)}:{_figure(rate)}:{currency}",
            words=f"billed {unit_price(rate, currency)}/yr {contract}"
            if rate
            else f"nothing billed {contract}",
            weight=_WEIGHT + min(int(gap) * _MOST_FOR_GAP // 100, _MOST_FOR_GAP),
            link=customer_url(key),
        )


def _figure(value: Decimal) -> str:
    whole = value.to_integral_value()
    return number(whole if whole == value else value)


RULES = (MISMATCH,)
FINDERS = (contract_mismatches,)
