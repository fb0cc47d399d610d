"""Renders entities with what they may use: the customer's rows and their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType, structs

from billing.document.lists.documents import ListedEntity, ScopedPurchase, ScopedSubscription
from billing.document.lists.render import integrators_id, items_of
from billing.document.renderer import render_customer
from billing.document.renderer.controls import render_controls
from billing.document.renderer.rows import CONTROLS_OF_ENTITIES, BillingRows, fetch_rows
from billing.document.schema import BillingControls, expanded
from billing.models import Entity, Grant
from customers.models import Customer


def render_entities(rows: Sequence[Entity], at: datetime) -> list[ListedEntity]:
    """Entities with their subscriptions, purchases and balances at a moment, in a fixed number of queries."""
    customers = Customer.objects.in_bulk({str(row.customer_id) for row in rows})
    billing = fetch_rows(list(customers.values()), (), at)
    documents = items_of(customers, "entities", rows, {"entities"})
    return [
        _entity(row, document, customers[str(row.customer_id)], billing)
        for row, document in zip(rows, documents, strict=True)
    ]


def _entity(row: Entity, document: Any, customer: Customer, billing: BillingRows) -> ListedEntity:
    rows = rows_of_entity(billing, customer, row)
    used: Any = expanded(render_customer(customer, rows), ())
    return ListedEntity(
        **{**structs.asdict(document), "customer_id": integrators_id(customer)},
        subscriptions=_scoped(ScopedSubscription, rows.subscriptions[customer.pk], used.subscriptions),
        purchases=_scoped(ScopedPurchase, rows.purchases[customer.pk], used.purchases),
        balances=used.balances,
        flags=used.flags,
        billing_controls=_controls(row, customer, billing),
    )


def _controls(entity: Entity, customer: Customer, billing: BillingRows) -> BillingControls | UnsetType:
    """The entity's own controls, without the entity's ID in each."""
    own: dict[str, Any] = {
        name: {
            customer.pk: [
                row for row in getattr(billing, name).get(customer.pk, ()) if row.entity_id == entity.pk
            ]
        }
        for name in CONTROLS_OF_ENTITIES
    }
    if not any(rows[customer.pk] for rows in own.values()):
        return UNSET
    rendered = render_controls(customer, replace(billing, auto_topups={customer.pk: []}, **own))
    lists = {
        name: [structs.replace(each, entity_id=UNSET) for each in getattr(rendered, name)] or UNSET
        for name in CONTROLS_OF_ENTITIES
    }
    return BillingControls(**lists)


def rows_of_entity(billing: BillingRows, customer: Customer, entity: Entity | None) -> BillingRows:
    """Of the customer's rows, those without an entity and those of `entity`."""
    key = customer.pk
    is_shown = _belongs_to(None if entity is None else entity.pk)
    balances = [str(balance.pk) for balance in billing.balances.get(key, ())]
    grants = {each: list(filter(is_shown, billing.grants.get(each, ()))) for each in balances}
    entity_of_grant = {str(grant.pk): grant for each in balances for grant in billing.grants.get(each, ())}
    rollovers = {
        each: [
            rollover
            for rollover in billing.rollovers.get(each, ())
            if _is_shown_grant(entity_of_grant.get(str(rollover.grant_id)), is_shown)
        ]
        for each in balances
    }
    return replace(
        billing,
        subscriptions={key: list(filter(is_shown, billing.subscriptions.get(key, ())))},
        purchases={key: list(filter(is_shown, billing.purchases.get(key, ())))},
        balances={
            key: [
                balance
                for balance in billing.balances.get(key, ())
                if grants[str(balance.pk)] or rollovers[str(balance.pk)]
            ]
        },
        grants=grants,
        rollovers=rollovers,
    )


def _belongs_to(entity_id: Any) -> Callable[[Any], bool]:
    return lambda row: row.entity_id is None or row.entity_id == entity_id


def _is_shown_grant(grant: Grant | None, is_shown: Callable[[Any], bool]) -> bool:
    """Whether a rollover of this grant is shown; one without a grant is the customer's."""
    return grant is None or is_shown(grant)


def _scoped(kind: Any, rows: Iterable[Any], documents: Iterable[Any]) -> list[Any]:
    return [
        kind(**structs.asdict(document), scope="entity" if row.entity_id else "customer")
        for row, document in zip(rows, documents, strict=True)
    ]
