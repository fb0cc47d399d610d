"""What merging customers means in money, in sentences: balances, plans, invoices, identifiers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from billing.formats import money
from billing.ledger.drawable_balances import DrawableBalances, drawable_balances_by_customer
from billing.models import Balance, Invoice, Subscription
from billing.rules.figures import Figures, figures_of
from customers import clock
from customers.formats import counted, number
from customers.models import Customer


def notes_on_money(survivor: Customer, others: Sequence[Customer]) -> list[str]:
    """What somebody should know before merging `others` into `survivor`: nothing of it hinders them."""
    customers = [survivor, *others]
    return [
        *_balances(customers),
        *_subscriptions(customers),
        *_invoices(customers),
        *_identifiers(customers),
    ]


def _balances(customers: Sequence[Customer]) -> Iterator[str]:
    """Balances that are joined, before and after."""
    at = clock.now()
    balances = list(Balance.objects.filter(customer__in=customers).select_related("feature"))
    by_feature: dict[str, list[Balance]] = defaultdict(list)
    for balance in balances:
        by_feature[balance.feature_id].append(balance)
    joined = {key: rows for key, rows in by_feature.items() if len(rows) > 1}
    if not joined:
        return
    costs: dict[str, Any] = {str(customer.pk): dict.fromkeys(joined) for customer in customers}
    holdings = drawable_balances_by_customer(costs, [row for rows in joined.values() for row in rows])
    order = [str(customer.pk) for customer in customers]
    for rows in sorted(joined.values(), key=lambda rows: str(rows[0].feature)):
        rows.sort(key=lambda row: order.index(row.customer_id))
        holders = [holdings[row.customer_id] for row in rows]
        each = [_figures(holder, [row], at) for holder, row in zip(holders, rows, strict=True)]
        whole = figures_of(
            [line for holder, row in zip(holders, rows, strict=True) for line in _grants(holder, row, at)],
            [line for holder, row in zip(holders, rows, strict=True) for line in _rollovers(holder, row, at)],
        )
        parts = " and ".join(_remaining(figures) for figures in each)
        yield f"{rows[0].feature}: {parts} remain, {_remaining(whole)} after the merge."
        yield from _overage(rows)


def _overage(rows: Sequence[Balance]) -> Iterator[str]:
    own, *others = rows
    if not own.overage_allowed and any(other.overage_allowed for other in others):
        yield f"{own.feature}: one of them may be used beyond what remains, so the whole balance may be."


def _grants(holding: DrawableBalances, balance: Balance, at: Any) -> list[Any]:
    return [row for row in holding.drawable_grants(at) if row.feature_id == balance.feature_id]


def _rollovers(holding: DrawableBalances, balance: Balance, at: Any) -> list[Any]:
    return [
        row for row in holding.drawable_rollovers(at) if holding.rollovers[row.id].balance_id == balance.pk
    ]


def _figures(holding: DrawableBalances, rows: Sequence[Balance], at: Any) -> Figures:
    return figures_of(
        [line for row in rows for line in _grants(holding, row, at)],
        [line for row in rows for line in _rollovers(holding, row, at)],
    )


def _remaining(figures: Figures) -> str:
    return "without limit" if figures.unlimited else number(Decimal(figures.remaining))


def _subscriptions(customers: Sequence[Customer]) -> Iterator[str]:
    """Plans that two of them have, and plans of which a customer has one at a time."""
    running = Subscription.objects.running().filter(customer__in=customers).select_related("plan", "customer")
    of_plan: dict[str, list[Subscription]] = defaultdict(list)
    of_group: dict[str, list[Subscription]] = defaultdict(list)
    for row in running.order_by("position", "pk"):
        of_plan[row.plan.plan_id].append(row)
        if row.plan.group and not row.add_on and not row.plan.add_on:
            of_group[row.plan.group].append(row)
    for rows in of_plan.values():
        if _of_several(rows):
            yield (
                f"{rows[0].plan}: {len(rows)} subscriptions to the same plan. All go on, and all are billed: cancel"
                " what is too much."
            )
    for group, rows in of_group.items():
        if _of_several(rows) and len({row.plan.plan_id for row in rows}) > 1:
            plans = " and ".join(dict.fromkeys(str(row.plan) for row in rows))
            yield (
                f"{plans}: plans of one group ({group}), of which a customer has one at a time. All go on: cancel what"
                " is too much."
            )


def _of_several(rows: Sequence[Subscription | Invoice]) -> bool:
    return len({row.customer_id for row in rows}) > 1


def _invoices(customers: Sequence[Customer]) -> Iterator[str]:
    """What waits to be paid, and invoices that came twice."""
    others = customers[1:]
    due: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts = Counter[str]()
    for invoice in Invoice.objects.unpaid().filter(customer__in=others):
        due[invoice.customer_id][invoice.currency] += invoice.due
        counts[invoice.customer_id] += 1
    for customer in others:
        if count := counts[str(customer.pk)]:
            sums = " and ".join(money(minor, code) for code, minor in sorted(due[str(customer.pk)].items()))
            yield f"{customer}: {counted(count, 'unpaid invoice')} of {sums} {'moves' if count == 1 else 'move'} to the primary record."
    same: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in Invoice.objects.filter(customer__in=customers, removed_at=None).exclude(stripe_id=""):
        same[invoice.stripe_id].append(invoice)
    for stripe_id, rows in sorted(same.items()):
        if _of_several(rows):
            yield f"{stripe_id}: the same invoice is held by {len(rows)} of them, and stays there as often."


def _identifiers(customers: Sequence[Customer]) -> Iterator[str]:
    for column, name in (("stripe_id", "Stripe ids"), ("external_id", "external ids")):
        held = [value for value in (getattr(customer, column) for customer in customers) if value]
        if len(held) > 1:
            yield f"{len(held)} {name} ({', '.join(held)}): each finds the survivor, and one of them is its own."
