"""Usage by feature and plan, kept by month from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.timezone import localdate

from billing.ledger.usage_months import first_use_recorded, usage_by_month
from billing.models import Feature, Plan
from billing.rules.exact import EXACT, ZERO
from crm.models import UsageMonth
from crm.reports.chart import Chart, ChartSeries
from crm.reports.formats import compact
from crm.reports.months import first_of, months_between, shifted, start_of
from crm.reports.report import Choices, ReportFact, ReportPage
from crm.reports.scope import ReportScope
from crm.reports.table import ReportTable, figure, ratio, share, words
from customers import clock
from customers.formats import counted, month, number
from customers.models import Customer

#: How many months are computed at the first time.
_HISTORY = 24
#: A transaction may commit this long after the moment that its ledger entries have.
_LONGEST_TRANSACTION = timedelta(days=1)
_BATCH = 500
_NO_PLAN = "Standalone grants"


def refresh_usage(customer_ids: Sequence[str], since: datetime | None) -> int:
    """Compute the months again in which usage was recorded since `since` (None: all), and return for how many accounts.

    Customers come with those merged into them, because ledger entries keep the customer that they were made for.
    """
    done = 0
    for first in range(0, len(customer_ids), _BATCH):
        done += _refresh_batch(customer_ids[first : first + _BATCH], since)
    return done


@transaction.atomic
def _refresh_batch(customer_ids: Sequence[str], since: datetime | None) -> int:
    accounts = _accounts(customer_ids)
    oldest = shifted(first_of(localdate(clock.now())), 1 - _HISTORY)
    first = oldest
    if since is not None:
        used_at = first_use_recorded(list(accounts), since - _LONGEST_TRANSACTION)
        if used_at is None:
            return 0
        first = max(oldest, first_of(localdate(used_at)))
    used = usage_by_month(list(accounts), start_of(first))
    UsageMonth.objects.filter(account__in=list(accounts), month__gte=first).delete()
    rows = [
        UsageMonth(
            account_id=key.account_id,
            env=accounts[key.account_id],
            feature_id=key.feature_id,
            plan_id=key.plan_id,
            month=key.month,
            amount=amount,
        )
        for key, amount in used.items()
        if amount
    ]
    UsageMonth.objects.bulk_create(rows, batch_size=1000)
    return len({key.account_id for key in used})


def _accounts(customer_ids: Sequence[str]) -> dict[str, str]:
    """The environment of these customers and of those merged into them. In two queries."""
    keys: Any = list(customer_ids)
    found: dict[str, str] = {}
    for rows in (Customer.objects.filter(pk__in=keys), Customer.objects.filter(merged_into__in=keys)):
        found |= {str(pk): env for pk, env in rows.order_by().values_list("pk", "env")}
    return found


@dataclass(slots=True)
class UsageOfPlan:
    """The usage of one feature by plan and month, and by how many customers in the last month."""

    feature_id: str
    plan_id: str | None
    by_month: dict[date, Decimal]
    customers: int = 0

    def total(self, months: Sequence[date]) -> Decimal:
        """The usage of all these months."""
        return sum((self.by_month.get(each, ZERO) for each in months), ZERO)


def usage_of_plans(scope: ReportScope, months: Sequence[date]) -> Sequence[UsageOfPlan]:
    """Usage by feature and plan in these months. One query."""
    rows = scope.rows_of(UsageMonth.objects.filter(month__gte=months[0], month__lte=months[-1]))
    found: dict[tuple[str, str | None], UsageOfPlan] = {}
    for feature_id, plan_id, of_month, amount, customers in _sums(rows):
        key = str(feature_id), str(plan_id) if plan_id else None
        each = found.setdefault(key, UsageOfPlan(*key, {}))
        each.by_month[of_month] = EXACT.add(each.by_month.get(of_month, ZERO), amount)
        if of_month == months[-1]:
            each.customers += customers
    return list(found.values())


def _sums(rows: Any) -> Iterator[tuple[Any, ...]]:
    keys = ("feature", "plan", "month")
    if connection.vendor == "sqlite":
        # It adds in floating point.
        for *key, amount in rows.order_by().values_list(*keys, "amount").iterator():
            yield (*key, amount, 1)
        return
    yield from rows.order_by().values_list(*keys).annotate(total=Sum("amount"), count=Count("*"))


def usage_page(choices: Choices) -> ReportPage:
    """Usage of one feature by month and plan, and of every feature in the table. Three queries."""
    last = first_of(choices.today)
    months = months_between(shifted(last, 1 - choices.months), last)
    found = usage_of_plans(choices.scope, months)
    if not found:
        return ReportPage()
    features = Feature.objects.in_bulk(list({each.feature_id for each in found}))
    plans = Plan.objects.in_bulk(list({each.plan_id for each in found if each.plan_id}))
    names = {each: str(features[each]) for each in {each.feature_id for each in found}}
    most_used = max(names, key=lambda key: (sum(u.customers for u in found if u.feature_id == key), key))
    chosen = choices.feature if choices.feature in names else most_used
    of_feature = [each for each in found if each.feature_id == chosen]
    by_month = [sum((each.by_month.get(of_month, ZERO) for each in of_feature), ZERO) for of_month in months]
    total, this_month = sum(by_month, ZERO), by_month[-1]
    users = sum(each.customers for each in of_feature)
    period = f"{month(months[0])} to {month(last)}" if len(months) > 1 else month(last)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        totals[each.feature_id] = EXACT.add(totals[each.feature_id], each.total(months))

    def plan_of(each: UsageOfPlan) -> str:
        return str(plans[each.plan_id]) if each.plan_id else _NO_PLAN

    ordered = sorted(found, key=lambda each: (names[each.feature_id], -each.total(months), plan_of(each)))
    return ReportPage(
        facts=[
            ReportFact("Used this month", number(this_month), names[chosen]),
            ReportFact("Used", number(total), period),
            ReportFact("Balances used this month", number(users), names[chosen]),
            ReportFact("Plans", number(len(of_feature)), "With usage in the period"),
        ],
        chart=Chart(
            sentence=f"Usage of {names[chosen]} by month, {period}: {number(total)}"
            f" from {counted(len(of_feature), 'plan')}.",
            labels=[month(each) for each in months],
            series=[ChartSeries(names[chosen], "cl-b1", by_month)],
            text_of=number,
            tick_text=compact,
        ),
        table=ReportTable(
            [
                ("Feature", False),
                ("Plan", False),
                (month(last), True),
                (month(shifted(last, -1)), True),
                ("Period", True),
                ("Share of feature", True),
            ],
            [
                [
                    words(names[each.feature_id]),
                    words(plan_of(each)),
                    figure(each.by_month.get(last, ZERO)),
                    figure(each.by_month.get(shifted(last, -1), ZERO)),
                    figure(each.total(months)),
                    share(ratio(each.total(months), totals[each.feature_id])),
                ]
                for each in ordered
            ],
        ),
        option=chosen,
        options=sorted(names.items(), key=lambda each: each[1]),
    )
