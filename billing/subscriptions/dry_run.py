"""What a verb would do, found out by doing it and undoing it: so that it can be looked at before it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from billing.ledger.balance_figures import figures_of_balances
from billing.models import Balance, Invoice, InvoiceLine, Subscription
from billing.rules.figures import Figures, figures_of
from billing.subscriptions.result import Result
from customers import clock
from customers.ingest.engine import rolled_back
from customers.models import Customer

#: A verb with its arguments.
Act = Callable[[], Result]

_NOTHING = figures_of([])


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What came, or would come, of a verb.

    `subscriptions` are before and after it, as far as one of both runs; a new one has no before. `balances` are
    the figures of the features that changed, before and after. `invoices` have their lines. `digest` is the same
    for the same preview, whatever ids and numbers it gives, and whatever was used meanwhile but is not billed.
    """

    messages: tuple[str, ...]
    subscriptions: tuple[tuple[Subscription | None, Subscription], ...]
    balances: tuple[tuple[str, Figures, Figures], ...]
    invoices: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...]
    digest: str


def preview_of(customer: Customer, act: Act) -> Preview:
    """What `act` would do to the customer; nothing of it is kept. Raises what the verb raises."""
    with rolled_back():
        return _watched(customer, act)


def apply_previewed(customer: Customer, act: Act, seen: str) -> tuple[Preview, bool]:
    """Do `act` if its preview has the digest `seen`; answers the preview, and whether it is kept.

    Raises what the verb raises.
    """
    with transaction.atomic():
        found = _watched(customer, act)
        is_kept = found.digest == seen
        if not is_kept:
            transaction.set_rollback(True)
    return found, is_kept


def _watched(customer: Customer, act: Act) -> Preview:
    # Nobody changes the customer between looking and acting.
    list(Customer.objects.filter(pk=customer.pk).select_for_update(no_key=True).values_list("pk"))
    subscriptions, figures = _subscriptions(customer), _figures(customer)
    result = act()
    after, then = _subscriptions(customer), _figures(customer)
    pairs = tuple(
        (subscriptions.get(key), row)
        for key, row in after.items()
        if row.status != Subscription.Status.ENDED
        or (key in subscriptions and subscriptions[key].status != Subscription.Status.ENDED)
        or key not in subscriptions
    )
    balances = tuple(
        (name, figures[key][1] if key in figures else _NOTHING, new)
        for key, (name, new) in then.items()
        if key not in figures or figures[key][1] != new
    )
    invoices = tuple(
        (invoice, tuple(invoice.lines.order_by("position", "pk"))) for invoice in result.invoices
    )
    return Preview(
        messages=tuple(result.messages),
        subscriptions=pairs,
        balances=balances,
        invoices=invoices,
        digest=_digest(result, pairs, balances, invoices),
    )


def _subscriptions(customer: Customer) -> dict[str, Subscription]:
    rows = Subscription.objects.filter(customer=customer).select_related("plan", "entity")
    return {str(row.pk): row for row in rows}


def _figures(customer: Customer) -> dict[str, tuple[str, Figures]]:
    """The names and the figures of the customer's features, by their keys."""
    rows = Balance.objects.filter(customer=customer, removed_at=None).select_related("feature")
    balances = list(rows.order_by("position", "pk"))
    figures = figures_of_balances([str(balance.pk) for balance in balances], clock.now())
    return {str(balance.feature_id): (str(balance.feature), figures[str(balance.pk)]) for balance in balances}


def _digest(
    result: Result,
    subscriptions: tuple[tuple[Subscription | None, Subscription], ...],
    balances: tuple[tuple[str, Figures, Figures], ...],
    invoices: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...],
) -> str:
    what = [
        result.messages,
        [_state(row) for _, row in subscriptions],
        [(name, _plain(then.granted), then.unlimited) for name, _, then in balances],
        [
            (
                invoice.currency,
                invoice.total,
                invoice.due_at,
                [(line.kind, line.description, line.amount, _plain(line.quantity)) for line in lines],
            )
            for invoice, lines in invoices
        ],
    ]
    return hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:32]


def _state(row: Subscription) -> list[object]:
    return [
        row.plan_id,
        row.entity_id,
        row.status,
        _plain(row.quantity),
        row.started_at,
        row.trial_ends_at,
        row.current_period_start,
        row.current_period_end,
        row.canceled_at,
        row.expires_at,
        row.prepaid_quantities,
    ]


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"
