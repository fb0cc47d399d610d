"""Customers with plans, brought to a moment, and what can be read of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.document.renderer import render_customers
from billing.ledger.entries import FigureChange, PostingDraft, locked_balances, post
from billing.models import Feature, Grant, Invoice, LedgerEntry, Plan, Posting, Rollover
from billing.subscriptions import renew
from customers.models import Customer
from tests.billing.payloads import sent
from tests.factories import make_feature, make_plan, make_plan_item


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def metered(feature_id: str, **fields: Any) -> Feature:
    return make_feature(feature_id=feature_id, name=feature_id, **fields)


def plan_of(plan_id: str, *items: tuple[Feature, dict[str, Any]], **fields: Any) -> Plan:
    """A plan with items; a free one unless it is given a price."""
    free: dict[str, Any] = {"price_amount": None, "price_interval": ""}
    plan = make_plan(plan_id=plan_id, name=plan_id, **{**free, **fields})
    for position, (feature, item) in enumerate(items):
        make_plan_item(plan=plan, feature=feature, position=position, **item)
    return plan


def run_until(moment: datetime) -> None:
    """Do what is due, as the command does."""
    for batch in renew(moment, done_by="test"):
        assert not batch.failures


def document(customer: Customer, moment: datetime, *expand: str) -> Any:
    """The customer's billing document."""
    [found] = render_customers([customer], expand, at=moment)
    return sent(found)


def figures(customer: Customer, moment: datetime, feature: str) -> tuple[Any, Any, Any]:
    """Granted, remaining and usage of a feature, as the billing document has them."""
    balance = document(customer, moment)["balances"][feature]
    return balance["granted"], balance["remaining"], balance["usage"]


def assert_adds_up() -> None:
    """Every figure of every grant and rollover is the sum of its ledger entries."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in LedgerEntry.objects.all():
        sums[str(entry.grant_id or entry.rollover_id), entry.figure] += entry.amount
    for model, names in (
        (Grant, ("included_grant", "prepaid_grant", "usage")),
        (Rollover, ("granted", "left")),
    ):
        for row in model._default_manager.all():
            for name in names:
                assert getattr(row, name) == sums[str(row.pk), name], (row, name)


def a_month_for(price: int | str, **fields: Any) -> dict[str, Any]:
    """The fields of a plan of the group `main` that is paid for by the month."""
    return {"price_amount": Decimal(price), "price_interval": "month", "group": "main", **fields}


def use(customer: Customer, feature: Feature, amount: int, moment: datetime) -> None:
    """Draw on the customer's only grant of the feature that counts."""
    draw(
        Grant.objects.get(balance__customer=customer, balance__feature=feature, ended_at=None), amount, moment
    )


def draw(grant: Grant, amount: int, moment: datetime) -> None:
    """Draw on a grant."""
    locked_balances([grant.balance.customer_id])
    post(
        PostingDraft(
            customer_id=grant.balance.customer_id,
            kind=Posting.Kind.USAGE,
            occurred_at=moment,
            done_by="test",
            changes=[FigureChange(grant, "usage", Decimal(amount))],
            feature_id=grant.balance.feature_id,
        )
    )


def set_figures(grant: Grant, moment: datetime, **figures: int) -> None:
    """Bring figures of a grant to these amounts by an entry, as the ledger wants it."""
    locked_balances([grant.balance.customer_id])
    post(
        PostingDraft(
            customer_id=grant.balance.customer_id,
            kind=Posting.Kind.ADJUSTMENT,
            occurred_at=moment,
            done_by="test",
            changes=[
                FigureChange(grant, name, Decimal(amount) - getattr(grant, name))
                for name, amount in figures.items()
            ],
            feature_id=grant.balance.feature_id,
        )
    )


def billed(invoice: Invoice) -> list[tuple[str, int]]:
    """The kinds and amounts of an invoice's lines."""
    return [(line.kind, line.amount) for line in invoice.lines.order_by("position")]
