"""Compute the facts of many customers at a moment, in a number of queries that doesn't depend on how many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from billing.explain.burn_rate import pace_of
from billing.ledger.balance_figures import figures_of_balances, recent_usage
from billing.models import Balance, Invoice, Subscription
from billing.revenue.monthly import earning, revenue_of_subscriptions, with_charges
from billing.rules.exact import EXACT
from billing.rules.figures import Figures
from billing.rules.money import LARGEST_MINOR
from crm.contacts import last_contacts
from crm.custom_fields.values import facts_of_fields
from crm.desk.facts.orders import add_customer_orders, feature_order, invoice_orders, subscription_orders
from crm.desk.health.queries import scores_of
from crm.models import (
    BalanceFacts,
    CurrencyFacts,
    CustomerFacts,
    FieldFacts,
    InvoiceFacts,
    SubscriptionFacts,
)
from customers.json_types import DECIMALS

_HUNDRED = Decimal(100)
#: The largest percentage that is stored; all larger ones are shown and compared as this one.
_MOST_PERCENT = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class ComputedFacts:
    """Unsaved rows: one per customer, per customer and currency with an amount, per balance, subscription and
    invoice, per customer and custom field with a value.
    """

    customers: dict[str, CustomerFacts]
    currencies: list[CurrencyFacts]
    balances: list[BalanceFacts]
    subscriptions: list[SubscriptionFacts]
    invoices: list[InvoiceFacts]
    fields: list[FieldFacts]

    def by_model(self) -> dict[Any, list[Any]]:
        """The rows of each table."""
        return {
            CustomerFacts: list(self.customers.values()),
            CurrencyFacts: self.currencies,
            BalanceFacts: self.balances,
            SubscriptionFacts: self.subscriptions,
            InvoiceFacts: self.invoices,
            FieldFacts: self.fields,
        }


def compute_facts(customer_ids: Sequence[str], at: datetime) -> ComputedFacts:
    """The facts of these customers at `at`, without `due_at`. They must not be merged."""
    rows = {key: CustomerFacts(customer_id=key, plans=[], computed_at=at) for key in customer_ids}
    subscriptions = list(
        Subscription.objects.filter(customer_id__in=rows).select_related("plan").order_by("position", "pk")
    )
    _add_subscriptions(rows, subscriptions, at)
    earners = list(with_charges(earning(at).filter(customer_id__in=rows), at))
    keys: Any = list(rows)
    invoices = list(Invoice.objects.filter(customer__in=keys, removed_at=None).order_by("pk"))
    currencies = _currencies(rows, earners, invoices, at)
    balances = _balances(rows, at)
    for key, contact_at in last_contacts(rows, at).items():
        rows[key].last_contact_at = contact_at
    for key, score in scores_of(list(rows)).items():
        rows[key].health_score = score
    add_customer_orders(rows, currencies, at)
    return ComputedFacts(
        rows,
        currencies,
        balances,
        subscription_orders(subscriptions, earners, at),
        invoice_orders(invoices, at),
        facts_of_fields(list(rows)),
    )


def _add_subscriptions(
    rows: dict[str, CustomerFacts], subscriptions: Sequence[Subscription], at: datetime
) -> None:
    for each in subscriptions:
        if each.status == Subscription.Status.ENDED:
            continue
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


def _currencies(
    rows: dict[str, CustomerFacts],
    earners: Sequence[Subscription],
    invoices: Sequence[Invoice],
    at: datetime,
) -> list[CurrencyFacts]:
    """MRR, and what is due and past due on unpaid invoices; also sets the oldest due date on `rows`."""
    found: dict[tuple[str, str], CurrencyFacts] = {}

    def row_of(customer_id: str, currency: str) -> CurrencyFacts:
        return found.setdefault(
            (customer_id, currency), CurrencyFacts(customer_id=customer_id, currency=currency)
        )

    of_customer: dict[str, list[Subscription]] = defaultdict(list)
    for each in earners:
        of_customer[str(each.customer_id)].append(each)
    for key, subscriptions in of_customer.items():
        for currency, revenue in revenue_of_subscriptions(subscriptions, at).items():
            row_of(key, currency).mrr = revenue.mrr
    for invoice in invoices:
        if invoice.status != Invoice.Status.OPEN:
            continue
        key, due_at = str(invoice.customer_id), invoice.due_at
        row, amount = row_of(key, invoice.currency), max(invoice.due, 0)
        row.due = min(row.due + amount, LARGEST_MINOR)
        if due_at is not None:
            if due_at <= at:
                row.past_due = min(row.past_due + amount, LARGEST_MINOR)
            rows[key].oldest_due_at = min(due_at, rows[key].oldest_due_at or due_at)
    return [row for row in found.values() if row.mrr or row.due]


def _balances(rows: dict[str, CustomerFacts], at: datetime) -> list[BalanceFacts]:
    """The figures and pace of each balance; also sets the lowest balance and the first to run out on `rows`."""
    balances = list(
        Balance.objects.filter(customer_id__in=rows, removed_at=None)
        .exclude(feature__type="boolean")
        .select_related("feature")
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
        feature_sort=feature_order(balance.feature),
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
