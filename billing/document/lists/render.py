"""Renders pages of rows with their customers, in a fixed number of queries.

An item looks as it does in its customer's billing document: it is taken from one with only these rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from msgspec import UNSET, structs

from billing.document.lists.documents import (
    InvoiceItem,
    ListedBalance,
    ListedGrant,
    ListedInvoice,
    ListedPurchase,
    ListedSubscription,
)
from billing.document.renderer import render_catalog, render_customer
from billing.document.renderer.balances import render_balance, render_breakdown_row, render_rollover
from billing.document.renderer.rows import BillingRows, arrange_rows
from billing.document.renderer.scalars import choice, moment, nullable_moment
from billing.document.schema import BillingCustomer, Feature, Plan, expanded
from billing.models import Balance, Entity, Grant, Invoice, InvoiceLine, Purchase, Rollover, Subscription
from billing.models import Feature as FeatureRow
from billing.models import Plan as PlanRow
from billing.rules.money import from_minor
from customers import clock
from customers.document.customer_rows import summary_of
from customers.json_types import EpochMs, Number
from customers.models import Customer
from customers.typed_ids import created_at

#: What a list calls a customer.
NameOf = Callable[[Customer], str]

_GROUPS = tuple(field.name for field in fields(BillingRows) if str(field.type).startswith("Grouped"))


def typed_id(customer: Customer) -> str:
    """The name of a customer in our own lists."""
    return str(customer.pk)


def integrators_id(customer: Customer) -> str:
    """The name of a customer for the billing client: its external ID, or the typed ID if it has none."""
    return customer.external_id or str(customer.pk)


def render_invoices(
    rows: Sequence[Invoice], expand: Collection[str], name_of: NameOf = typed_id
) -> list[ListedInvoice]:
    """Invoices with their customers; with their lines if `items` is expanded."""
    customers = _customers_of(rows)
    entities = _entity_ids(row.subscription for row in rows)
    lines = _lines_of(rows) if "items" in expand else None
    subscriptions = {row.pk: row.subscription for row in rows}
    shown = []
    for row, document in zip(rows, items_of(customers, "invoices", rows, {"invoices"}), strict=True):
        customer = customers[str(row.customer_id)]
        subscription = subscriptions[row.pk]
        shown.append(
            ListedInvoice(
                **_fields(document),
                id=str(row.pk),
                customer_id=name_of(customer),
                entity_id=entities.get(subscription.entity_id) if subscription else None,
                subscription_id=subscription.subscription_id if subscription else None,
                number=row.number or None,
                amount_paid=_paid(row),
                amount_credited=_major(row, row.credited),
                amount_due=_major(row, max(0, row.due) if row.status == Invoice.Status.OPEN else 0),
                refunded_amount=Number(0),
                processor_type="stripe" if row.stripe_id else UNSET,
                period_start=nullable_moment(row.period_start),
                period_end=nullable_moment(row.period_end),
                issued_at=nullable_moment(row.issued_at),
                due_at=nullable_moment(row.due_at),
                closed_at=nullable_moment(row.closed_at),
                items=UNSET if lines is None else [_item(row, line) for line in lines[str(row.pk)]],
                customer=_summary(customer, expand),
            )
        )
    return shown


def render_subscriptions(
    rows: Sequence[Subscription], expand: Collection[str], name_of: NameOf = typed_id
) -> list[ListedSubscription]:
    """Subscriptions with their customers; with their plans if `plan` is expanded."""
    customers = _customers_of(rows)
    entities = _entity_ids(rows)
    names = {"subscriptions.plan"} if "plan" in expand else set()
    shown = []
    for row, document in zip(rows, items_of(customers, "subscriptions", rows, names), strict=True):
        customer = customers[str(row.customer_id)]
        is_over = row.status == Subscription.Status.ENDED
        shown.append(
            ListedSubscription(
                **{**_fields(document), "status": "expired" if is_over else row.status},
                customer_id=name_of(customer),
                entity_id=entities.get(row.entity_id),
                scope="entity" if row.entity_id else "customer",
                created_at=_added(row),
                customer=_summary(customer, expand),
            )
        )
    return shown


def render_purchases(rows: Sequence[Purchase], at: datetime, name_of: NameOf) -> list[ListedPurchase]:
    """Purchases with their customers, and whether they are active or expired at `at`."""
    customers = _customers_of(rows)
    entities = _entity_ids(rows)
    return [
        ListedPurchase(
            **_fields(document),
            id=str(row.pk),
            status="expired" if row.expires_at is not None and row.expires_at <= at else "active",
            customer_id=name_of(customers[str(row.customer_id)]),
            entity_id=entities.get(row.entity_id),
            scope="entity" if row.entity_id else "customer",
            created_at=_added(row),
        )
        for row, document in zip(rows, items_of(customers, "purchases", rows, ()), strict=True)
    ]


def render_balances(rows: Sequence[Balance], expand: Collection[str]) -> list[ListedBalance]:
    """Balances with their customers, with what counts now; with their features if `feature` is expanded.

    A balance that its source no longer lists is left out if nothing counts in it, as in the billing document.
    """
    customers = _customers_of(rows)
    at = clock.now()
    found: dict[str, Sequence[Any]] = {
        "balances": rows,
        "grants": _in_order(Grant.objects.counted(at).filter(balance__in=rows)),
        "rollovers": _in_order(Rollover.objects.counted(at).filter(balance__in=rows)),
        # A grant of a plan counts while the customer has the plan.
        "subscriptions": _in_order(Subscription.objects.active().filter(customer__in=customers.values())),
        "purchases": _in_order(Purchase.objects.begun().filter(customer__in=customers.values())),
    }
    names = {"balances.feature"} if "feature" in expand else set()
    billing = _arranged(found, names, at)
    shown = []
    for row in rows:
        customer = customers[str(row.customer_id)]
        document = render_balance(customer, row, billing)
        if document is not None:
            shown.append(
                ListedBalance(
                    **_fields(document),
                    id=str(row.pk),
                    customer_id=str(customer.pk),
                    customer=_summary(customer, expand),
                )
            )
    return shown


def render_grants(rows: Sequence[Grant], at: datetime, name_of: NameOf) -> list[ListedGrant]:
    """Grants with their customers and rollovers, and whether they are active or expired at `at`."""
    balances = Balance.objects.select_related("customer", "feature").in_bulk([row.balance_id for row in rows])
    entities = _entity_ids(rows)
    rollovers: dict[str, list[Rollover]] = defaultdict(list)
    for rollover in _in_order(Rollover.objects.counted(at).filter(grant__in=rows)):
        rollovers[str(rollover.grant_id)].append(rollover)
    billing = _arranged({"grants": rows}, (), at)
    return [
        ListedGrant(
            **_fields(render_breakdown_row(row, billing)),
            feature_id=balances[row.balance_id].feature.feature_id,
            status="active" if row.counts_at(at) else "expired",
            rollovers=[render_rollover(each) for each in rollovers[str(row.pk)]],
            customer_id=name_of(balances[row.balance_id].customer),
            entity_id=entities.get(row.entity_id),
            created_at=moment(row.created_at),
            source="entity" if row.entity_id else "customer",
        )
        for row in rows
    ]


def render_plans(rows: Sequence[PlanRow], *, with_features: bool = False) -> list[Plan]:
    """Plan versions that aren't stubs; `with_features` describes the features of their items too."""
    shown = render_catalog((), rows).plans
    plans = [shown[row.pk] for row in rows]
    return plans if with_features else [without_item_features(plan) for plan in plans]


def without_item_features(plan: Plan) -> Plan:
    """A copy without the descriptions of features, which the billing client can't parse."""
    return structs.replace(plan, items=[structs.replace(item, feature=UNSET) for item in plan.items])


def render_features(rows: Sequence[FeatureRow]) -> list[Feature]:
    """Features that aren't stubs."""
    shown = render_catalog(rows, ()).features
    return [shown[row.pk] for row in rows]


def items_of(
    customers: Mapping[str, Customer], name: str, rows: Sequence[Any], expand: Collection[str]
) -> Iterator[Any]:
    """The items of the list `name` of the billing documents, in the order of `rows`."""
    documents = _documents(customers, {name: rows}, expand, clock.now())
    left = {key: iter(getattr(document, name)) for key, document in documents.items()}
    return (next(left[str(row.customer_id)]) for row in rows)


def _customers_of(rows: Sequence[Any]) -> dict[str, Customer]:
    return Customer.objects.in_bulk([str(row.customer_id) for row in rows])


def _documents(
    customers: Mapping[str, Customer],
    found: Mapping[str, Sequence[Any]],
    expand: Collection[str],
    at: datetime,
) -> dict[str, BillingCustomer]:
    """The billing documents of `customers` with nothing but the rows `found`."""
    rows = _arranged(found, expand, at)
    return {key: expanded(render_customer(customer, rows), expand) for key, customer in customers.items()}


def _arranged(found: Mapping[str, Sequence[Any]], expand: Collection[str], at: datetime) -> BillingRows:
    return arrange_rows({**dict.fromkeys(_GROUPS, ()), **found}, (), expand, at)


def _in_order(rows: Any) -> list[Any]:
    return list(rows.order_by("position", "pk"))


def _fields(document: Any) -> dict[str, Any]:
    return structs.asdict(document)


def _summary(customer: Customer, expand: Collection[str]) -> Any:
    return summary_of(customer) if "customer" in expand else UNSET


def _entity_ids(rows: Any) -> dict[Any, str | None]:
    """The IDs of the entities of rows in documents, by key."""
    keys = {row.entity_id for row in rows if row is not None and row.entity_id}
    return {key: entity.entity_id or str(key) for key, entity in Entity.objects.in_bulk(keys).items()}


def _added(row: Any) -> EpochMs:
    return moment(created_at(str(row.pk)))


def _major(invoice: Invoice, minor: int) -> Number:
    return Number(from_minor(minor, invoice.currency))


def _paid(row: Invoice) -> Number | None:
    """What was paid: our own figure if there is one, all of an imported invoice that is paid, else unknown."""
    if row.number or row.paid:
        return _major(row, row.paid)
    return _major(row, row.total) if row.status == Invoice.Status.PAID else None


def _lines_of(rows: Sequence[Invoice]) -> dict[str, list[InvoiceLine]]:
    lines: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in InvoiceLine.objects.filter(invoice__in=rows).select_related("plan", "feature"):
        lines[str(line.invoice_id)].append(line)
    return lines


def _item(invoice: Invoice, line: InvoiceLine) -> InvoiceItem:
    return InvoiceItem(
        id=str(line.pk),
        description=line.description,
        kind=choice(line.kind),
        period_start=nullable_moment(line.period_start),
        period_end=nullable_moment(line.period_end),
        plan_id=line.plan.plan_id if line.plan else None,
        feature_id=line.feature.feature_id if line.feature else None,
        feature_name=line.feature.name if line.feature else None,
        quantity=Number(line.quantity),
        amount=_major(invoice, line.amount),
        entities=[],
    )
