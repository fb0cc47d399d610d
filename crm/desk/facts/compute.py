"""Compute the facts of many customers at a moment, in a number of queries that doesn't depend on how many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db.models import Case, F, Min, Q, Sum, Value, When
from django.utils.timezone import localdate

from billing.explain.burn_rate import pace_of
from billing.ledger.balance_figures import figures_of_balances, recent_usage
from billing.models import Balance, Invoice, Subscription
from billing.rates.convert import Rates, installation_currency
from billing.revenue.monthly import revenue_of
from billing.rules.exact import EXACT
from billing.rules.figures import Figures
from billing.rules.money import LARGEST_MINOR
from crm.contacts import last_contacts
from crm.desk.health.queries import scores_of
from crm.models import BalanceFacts, CurrencyFacts, CustomerFacts
from customers.json_types import DECIMALS

_HUNDRED = Decimal(100)
#: The largest percentage that is stored; all larger ones are shown and compared as this one.
_MOST_PERCENT = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class ComputedFacts:
    """Unsaved rows: one per customer, one per customer and currency with an amount, one per balance."""

    customers: dict[str, CustomerFacts]
    currencies: list[CurrencyFacts]
    balances: list[BalanceFacts]


def compute_facts(customer_ids: Sequence[str], at: datetime) -> ComputedFacts:
    """The facts of these customers at `at`, without `due_at`. They must not be merged."""
    rows = {key: CustomerFacts(customer_id=key, plans=[], computed_at=at) for key in customer_ids}
    _add_subscriptions(rows, at)
    currencies = _currencies(rows, at)
    _add_sort_figures(rows, currencies, at)
    balances = _balances(rows, at)
    for key, contact_at in last_contacts(rows, at).items():
        rows[key].last_contact_at = contact_at
    for key, score in scores_of(list(rows)).items():
        rows[key].health_score = score
    return ComputedFacts(rows, currencies, balances)


def _add_subscriptions(rows: dict[str, CustomerFacts], at: datetime) -> None:
    found = Subscription.objects.running().filter(customer_id__in=rows).select_related("plan")
    for each in found.order_by("position", "pk"):
        row = rows[str(each.customer_id)]
        if each.plan.plan_id not in row.plans:
            row.plans.append(each.plan.plan_id)
        if each.status == Subscription.Status.SCHEDULED:
            row.is_scheduled = True
            continue
        row.is_active = True
        row.is_past_due |= each.past_due
        row.is_ending |= each.canceled_at is not None
        if each.trial_ends_at is not None and each.trial_ends_at > at:
            row.trial_ends_at = max(each.trial_ends_at, row.trial_ends_at or each.trial_ends_at)
        renews_at = each.current_period_end
        if renews_at is not None and renews_at > at and each.canceled_at is None and each.expires_at is None:
            row.renews_at = min(renews_at, row.renews_at or renews_at)


def _currencies(rows: dict[str, CustomerFacts], at: datetime) -> list[CurrencyFacts]:
    """MRR, and what is due and past due on unpaid invoices; also sets the oldest due date on `rows`."""
    found: dict[tuple[str, str], CurrencyFacts] = {}

    def row_of(customer_id: str, currency: str) -> CurrencyFacts:
        return found.setdefault(
            (customer_id, currency), CurrencyFacts(customer_id=customer_id, currency=currency)
        )

    for key, of_customer in revenue_of(rows, at).items():
        for currency, revenue in of_customer.items():
            row_of(key, currency).mrr = revenue.mrr
    is_late = Case(When(Q(due_at__lte=at), then=Value(True)), default=Value(False))
    unpaid: Any = Invoice.objects.unpaid().filter(customer_id__in=rows).with_amount_due().order_by()
    groups = unpaid.values_list("customer_id", "currency", is_late)
    for customer_id, currency, late, due, oldest in groups.annotate(
        total=Sum(F("amount_due")), oldest=Min("due_at")
    ):
        key, amount = str(customer_id), min(int(due), LARGEST_MINOR)
        row = row_of(key, currency)
        row.due = min(row.due + amount, LARGEST_MINOR)
        if late:
            row.past_due = amount
        if oldest is not None:
            rows[key].oldest_due_at = min(oldest, rows[key].oldest_due_at or oldest)
    return [row for row in found.values() if row.mrr or row.due]


def _add_sort_figures(rows: dict[str, CustomerFacts], currencies: list[CurrencyFacts], at: datetime) -> None:
    """Set what lists sort by: MRR and amounts due in one currency. Amounts without a rate don't count."""
    mrr: dict[str, dict[str, int]] = defaultdict(dict)
    due: dict[str, dict[str, int]] = defaultdict(dict)
    for each in currencies:
        if each.mrr:
            mrr[str(each.customer_id)][each.currency] = each.mrr
        if each.due:
            due[str(each.customer_id)][each.currency] = each.due
    rates = Rates(localdate(at), installation_currency())
    for key, amounts in mrr.items():
        rows[key].mrr_sort = min(rates.convert(amounts).minor, LARGEST_MINOR)
    for key, amounts in due.items():
        rows[key].due_sort = min(rates.convert(amounts).minor, LARGEST_MINOR)


def _balances(rows: dict[str, CustomerFacts], at: datetime) -> list[BalanceFacts]:
    """The figures and pace of each balance; also sets the lowest balance and the first to run out on `rows`."""
    balances = list(
        Balance.objects.filter(customer_id__in=rows, removed_at=None)
        .exclude(feature__type="boolean")
        .order_by("position", "pk")
    )
    figures = figures_of_balances([str(each.pk) for each in balances], at)
    limited = [key for key, each in figures.items() if not each.unlimited and each.granted > 0]
    lately = recent_usage(list(rows), limited, at)
    found = []
    for balance in balances:
        key = str(balance.pk)
        facts = _facts_of(balance, figures[key])
        row = rows[str(balance.customer_id)]
        if key in lately:
            pace = pace_of(figures[key], (), lately[key].amount, lately[key].since, at)
            facts.per_day, facts.runs_out_at = pace.per_day, pace.runs_out_at
            percent = _percent_left(figures[key])
            if row.lowest_percent is None or percent < row.lowest_percent:
                row.lowest_percent, row.lowest_balance_id = percent, key
            ends, resets = facts.runs_out_at, facts.resets_at
            if ends is not None and (resets is None or ends < resets):
                row.runs_out_at = min(ends, row.runs_out_at or ends)
        found.append(facts)
    return found


def _facts_of(balance: Balance, figures: Figures) -> BalanceFacts:
    used = figures.usage_percent
    return BalanceFacts(
        balance_id=balance.pk,
        customer_id=balance.customer_id,
        feature_id=balance.feature_id,
        unlimited=figures.unlimited,
        granted=figures.granted,
        remaining=figures.remaining,
        usage=figures.usage,
        used_percent=None
        if used is None
        else max(min(used, _MOST_PERCENT), -_MOST_PERCENT).quantize(DECIMALS, ROUND_CEILING, context=EXACT),
        resets_at=figures.next_reset_at,
    )


def _percent_left(figures: Figures) -> int:
    share = EXACT.divide(EXACT.multiply(figures.remaining, _HUNDRED), figures.granted)
    # An imported balance can have more left than was granted.
    return int(min(share, _HUNDRED))


def currencies_by_customer(rows: Sequence[CurrencyFacts]) -> dict[str, list[CurrencyFacts]]:
    """The rows of each customer, by currency code."""
    found: dict[str, list[CurrencyFacts]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.currency):
        found[str(row.customer_id)].append(row)
    return found
