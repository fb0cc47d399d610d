"""Notes for the merge preview on what the merge means for balances, plans, invoices and identifiers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from billing.formats import money
from billing.ledger.balance_figures import counted_rows
from billing.models import Balance, Invoice, Subscription
from billing.rules.figures import Figures, figures_of
from customers import clock
from customers.formats import counted, number
from customers.models import Customer


def notes_on_money(survivor: Customer, others: Sequence[Customer]) -> list[str]:
    """Notes to read before merging `others` into `survivor`. None of them prevents the merge."""
    customers = [survivor, *others]
    return [
        *_balances(customers),
        *_subscriptions(customers),
        *_invoices(customers),
        *_identifiers(customers),
    ]


def _balances(customers: Sequence[Customer]) -> Iterator[str]:
    """Balances of one feature, which stay side by side, and their sum."""
    at = clock.now()
    balances = list(Balance.objects.filter(customer__in=customers).select_related("feature"))
    by_feature: dict[str, list[Balance]] = defaultdict(list)
    for balance in balances:
        by_feature[balance.feature_id].append(balance)
    joined = {key: rows for key, rows in by_feature.items() if len(rows) > 1}
    if not joined:
        return
    rows_of = counted_rows([str(row.pk) for rows in joined.values() for row in rows], at)
    order = [str(customer.pk) for customer in customers]
    for rows in sorted(joined.values(), key=lambda rows: str(rows[0].feature)):
        rows.sort(key=lambda row: order.index(row.customer_id))
        of_each = [rows_of[str(row.pk)] for row in rows]
        parts = " and ".join(_remaining(figures_of(*each)) for each in of_each)
        combined = figures_of(
            [grant for grants, _ in of_each for grant in grants],
            [rollover for _, rollovers in of_each for rollover in rollovers],
        )
        yield f"{rows[0].feature}: {parts} remain, side by side, {_remaining(combined)} in all."


def _remaining(figures: Figures) -> str:
    return "unlimited" if figures.unlimited else number(figures.remaining)


def _subscriptions(customers: Sequence[Customer]) -> Iterator[str]:
    """Plans that several of the customers have, and plans of a group that allows one at a time."""
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
                f"{rows[0].plan}: {len(rows)} subscriptions to the same plan. All of them continue and are billed, so"
                " cancel those that you don't need."
            )
    for group, rows in of_group.items():
        if _of_several(rows) and len({row.plan.plan_id for row in rows}) > 1:
            plans = " and ".join(dict.fromkeys(str(row.plan) for row in rows))
            yield (
                f"{plans}: plans of the group {group}, which allows one plan at a time. All of them continue, so"
                " cancel those that you don't need."
            )


def _of_several(rows: Sequence[Subscription | Invoice]) -> bool:
    return len({row.customer_id for row in rows}) > 1


def _invoices(customers: Sequence[Customer]) -> Iterator[str]:
    """Unpaid invoices that move to the survivor, and invoices that several of the customers have."""
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
            yield f"{stripe_id}: {len(rows)} of the customers have this invoice, and all copies are kept."


def _identifiers(customers: Sequence[Customer]) -> Iterator[str]:
    for column, name in (("stripe_id", "Stripe IDs"), ("external_id", "external IDs")):
        held = [value for value in (getattr(customer, column) for customer in customers) if value]
        if len(held) > 1:
            yield f"{len(held)} {name} ({', '.join(held)}): the primary record keeps one, and you can search for it by all of them."
