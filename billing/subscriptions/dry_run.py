"""Previews: a verb is run and rolled back, and its effects are reported."""

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
    """What a verb did, or would do.

    `subscriptions` are pairs of before and after, if either is running; a new one has no before. `balances` are the
    figures of the features that changed, before and after. `invoices` have their lines. `digest` is the version
    token: equal for equal effects, whatever IDs and numbers were given out, and whatever unbilled usage was recorded
    in between.
    """

    messages: tuple[str, ...]
    subscriptions: tuple[tuple[Subscription | None, Subscription], ...]
    balances: tuple[tuple[str, Figures, Figures], ...]
    invoices: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...]
    digest: str


def preview_of(customer: Customer, act: Act) -> Preview:
    """What `act` would do to the customer. Rolls it back, and raises what the verb raises."""
    with rolled_back():
        return _watched(customer, act)


def apply_previewed(customer: Customer, act: Act, token: str) -> tuple[Preview, bool]:
    """Run `act`, and keep it if its effects still have the version token `token` of the preview.

    Returns the effects and whether they were kept. Raises what the verb raises.
    """
    with transaction.atomic():
        found = _watched(customer, act)
        is_kept = found.digest == token
        if not is_kept:
            transaction.set_rollback(True)
    return found, is_kept


def _watched(customer: Customer, act: Act) -> Preview:
    # The lock keeps the customer the same between reading it and running the verb.
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
    """Name and figures of each balance of the customer, by the balance's key."""
    rows = Balance.objects.filter(customer=customer, removed_at=None).select_related("feature")
    balances = list(rows.order_by("position", "pk"))
    figures = figures_of_balances([str(balance.pk) for balance in balances], clock.now())
    return {str(balance.pk): (str(balance.feature), figures[str(balance.pk)]) for balance in balances}


def _digest(
    result: Result,
    subscriptions: tuple[tuple[Subscription | None, Subscription], ...],
    balances: tuple[tuple[str, Figures, Figures], ...],
    invoices: tuple[tuple[Invoice, tuple[InvoiceLine, ...]], ...],
) -> str:
    effects = [
        result.messages,
        [_state(row) for _, row in subscriptions],
        [(name, _plain(then.granted), then.unlimited) for name, _, then in balances],
        [
            (
                invoice.currency,
                invoice.total,
                [(line.kind, line.description, line.amount, _plain(line.quantity)) for line in lines],
            )
            for invoice, lines in invoices
        ],
    ]
    return hashlib.sha256(json.dumps(effects, default=str).encode()).hexdigest()[:32]


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
