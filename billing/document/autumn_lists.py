"""Serves the client's lists of subscriptions, purchases, balances (its word for grants) and invoices.

A customer is named by its external ID, or by our typed ID if it has none. Archived customers' rows are left out unless
the request names the customer. The newest rows come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, UnsetType

from billing.document.autumn_api import PAGE_BY_CURSOR, ClientRead, PageSize, client_customer, client_page
from billing.document.lists.documents import ListedGrant, ListedInvoice, ListedPurchase, ListedSubscription
from billing.document.lists.examples import GRANT, INVOICE, INVOICE_ITEM, PURCHASE, SUBSCRIPTION
from billing.document.lists.render import (
    integrators_id,
    render_grants,
    render_invoices,
    render_purchases,
    render_subscriptions,
)
from billing.document.schema.scalars import Count
from billing.models import Grant, Invoice, Purchase, Subscription
from customers import clock
from customers.api.bodies import read_body
from customers.api.endpoints import read_values
from customers.api.http import json_response
from customers.api.paging import orders_by_id
from customers.api.schemas import Components, Schema
from customers.json_types import JsonDocument
from customers.typed_ids import to_uuid

PlanStatus = Literal["active", "scheduled", "past_due", "expired"]

_, _NEWEST_FIRST = orders_by_id()


class ShortPageSize(Count):
    """The most rows on a page."""

    MOST: ClassVar[int] = 200
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": MOST}

    @classmethod
    def from_json(cls, value: object) -> Self:
        size = super().from_json(value)
        if size > cls.MOST:
            raise ValueError(f"Expected at most {cls.MOST}, got {size}")
        return size


class ClientPlansRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's lists of subscriptions and purchases. Null counts as absent.

    Without `statuses`, active and scheduled ones are listed.
    """

    start_cursor: str | None = None
    limit: ShortPageSize | None = None
    customer_id: str | None = None
    entity_id: str | None = None
    statuses: list[PlanStatus] | None = None
    plan_id: str | None = None


class ClientBalancesRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's list of balances.

    Null counts as absent, except that a `plan_id` of null means standalone ones. Without `statuses`, active ones are
    listed.
    """

    start_cursor: str | None = None
    limit: ShortPageSize | None = None
    customer_id: str | None = None
    entity_id: str | None = None
    statuses: list[Literal["active", "expired"]] | None = None
    plan_id: str | UnsetType | None = UNSET
    feature_id: str | None = None


class ClientInvoicesRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's list of invoices. Null counts as absent."""

    start_cursor: str | None = None
    limit: PageSize | None = None
    customer_id: str | None = None
    entity_id: str | None = None
    invoice_id: str | None = None
    stripe_id: str | None = None
    status: list[Literal["draft", "open", "void", "paid", "uncollectible"]] | None = None
    processor_types: list[Literal["stripe", "revenuecat"]] | None = None


class _Answer(JsonDocument):
    has_more: bool
    next_cursor: str | None


class ClientSubscriptions(_Answer, kw_only=True):
    """A page of the client's list of subscriptions."""

    list: Sequence[ListedSubscription]


class ClientPurchases(_Answer, kw_only=True):
    """A page of the client's list of purchases."""

    list: Sequence[ListedPurchase]


class ClientBalances(_Answer, kw_only=True):
    """A page of the client's list of balances, each a grant of a feature."""

    list: Sequence[ListedGrant]


class ClientInvoices(_Answer, kw_only=True):
    """A page of the client's list of invoices."""

    list: Sequence[ListedInvoice]


class ClientRowList(ClientRead):
    """A list of rows of customers, by cursor."""

    errors = (400, 401, 403, 404, 405, 406, 413)
    answer: ClassVar[type[Any]]
    example: ClassVar[Mapping[str, Any]]
    body_example = {"customer_id": "acme-42", "limit": 50}
    #: The columns of the customer and of the entity that has the row.
    customer_column: ClassVar[str] = "customer"
    entity_column: ClassVar[str] = "entity"

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(cls.answer), {"list": [cls.example], "has_more": False, "next_cursor": None}

    def rows(self, wanted: Any, at: datetime) -> QuerySet[Any]:
        """The rows that match the filters, except those by customer and entity."""
        raise NotImplementedError

    def render(self, rows: Sequence[Any], at: datetime) -> Sequence[object]:
        """The documents of `rows`, in order."""
        raise NotImplementedError

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted: Any = read_body(request, self.body)
        at = clock.now()
        conditions: dict[str, Any] = {}
        if wanted.customer_id is not None:
            customer = client_customer(wanted.customer_id, query.get("env"))
            conditions[self.customer_column] = customer
        else:
            conditions[f"{self.customer_column}__archived_at"] = None
            if "env" in query:
                conditions[f"{self.customer_column}__env"] = query["env"]
        if wanted.entity_id is not None:
            conditions[f"{self.entity_column}__entity_id"] = wanted.entity_id
        rows = self.rows(wanted, at).filter(**conditions)
        page = client_page(rows, _NEWEST_FIRST, wanted.limit or PAGE_BY_CURSOR, wanted.start_cursor)
        return json_response(
            self.answer(
                list=self.render(page.rows, at),
                has_more=page.next_cursor is not None,
                next_cursor=page.next_cursor,
            )
        )


class ClientSubscriptionList(ClientRowList):
    """Subscriptions of one customer or of all, for the billing platform's public client."""

    summary = "List subscriptions for the billing client"
    permission = "billing.view_subscription"
    body = ClientPlansRequest
    answer = ClientSubscriptions
    example = SUBSCRIPTION | {"customer_id": "acme-42"}

    def rows(self, wanted: ClientPlansRequest, at: datetime) -> QuerySet[Any]:
        status = {
            "active": Q(status=Subscription.Status.ACTIVE),
            "scheduled": Q(status=Subscription.Status.SCHEDULED),
            "past_due": Q(status=Subscription.Status.ACTIVE, past_due=True),
            "expired": Q(status=Subscription.Status.ENDED),
        }
        return _of_plan(Subscription.objects.filter(_any(status, wanted.statuses)), wanted.plan_id)

    def render(self, rows: Sequence[Any], at: datetime) -> Sequence[object]:
        return render_subscriptions(rows, (), integrators_id)


class ClientPurchaseList(ClientRowList):
    """Purchases of one customer or of all, for the billing platform's public client. None is scheduled or past due."""

    summary = "List purchases for the billing client"
    permission = "billing.view_purchase"
    body = ClientPlansRequest
    answer = ClientPurchases
    example = PURCHASE | {"customer_id": "acme-42"}

    def rows(self, wanted: ClientPlansRequest, at: datetime) -> QuerySet[Any]:
        is_over = Q(expires_at__lte=at)
        status = {"active": ~is_over, "scheduled": _NONE, "past_due": _NONE, "expired": is_over}
        purchases = Purchase.objects.begun().filter(_any(status, wanted.statuses))
        return _of_plan(purchases, wanted.plan_id)

    def render(self, rows: Sequence[Any], at: datetime) -> Sequence[object]:
        return render_purchases(rows, at, integrators_id)


class ClientBalanceList(ClientRowList):
    """The grants of one customer or of all, which the billing platform's public client calls balances.

    One is active while it counts toward the balance of its feature. The client knows none that are scheduled, so these
    are listed from their start on.
    """

    summary = "List balances for the billing client"
    permission = "billing.view_balance"
    body = ClientBalancesRequest
    answer = ClientBalances
    example = GRANT
    customer_column = "balance__customer"

    def rows(self, wanted: ClientBalancesRequest, at: datetime) -> QuerySet[Any]:
        counted = Q(pk__in=Grant.objects.counted(at).order_by().values("pk"))
        status = {"active": counted, "expired": ~counted}
        # A scheduled grant that was dropped has ended, but never began.
        begun = Grant.objects.filter(scheduled_amount=None)
        grants = begun.filter(_any(status, wanted.statuses, ["active"]))
        if wanted.plan_id is None:
            grants = grants.filter(plan=None)
        elif wanted.plan_id is not UNSET:
            grants = grants.filter(plan__plan_id=wanted.plan_id)
        if wanted.feature_id is not None:
            grants = grants.filter(balance__feature__feature_id=wanted.feature_id)
        return grants

    def render(self, rows: Sequence[Any], at: datetime) -> Sequence[object]:
        return render_grants(rows, at, integrators_id)


class ClientInvoiceList(ClientRowList):
    """Invoices of one customer or of all, for the billing platform's public client."""

    summary = "List invoices for the billing client"
    permission = "billing.view_invoice"
    body = ClientInvoicesRequest
    answer = ClientInvoices
    example = INVOICE | {"customer_id": "acme-42", "items": [INVOICE_ITEM]}
    entity_column = "subscription__entity"

    def rows(self, wanted: ClientInvoicesRequest, at: datetime) -> QuerySet[Any]:
        invoices = Invoice.objects.filter(removed_at=None).select_related("subscription")
        if wanted.invoice_id is not None:
            is_ours = to_uuid(wanted.invoice_id, ("inv",)) is not None
            invoices = invoices.filter(pk=wanted.invoice_id) if is_ours else invoices.none()
        if wanted.stripe_id is not None:
            invoices = invoices.filter(Q(stripe_id=wanted.stripe_id) | Q(number=wanted.stripe_id))
        if wanted.status:
            invoices = invoices.filter(status__in=wanted.status)
        if wanted.processor_types:
            is_wanted = "stripe" in wanted.processor_types
            invoices = invoices.exclude(stripe_id="") if is_wanted else invoices.none()
        return invoices

    def render(self, rows: Sequence[Any], at: datetime) -> Sequence[object]:
        return render_invoices(rows, ("items",), integrators_id)


_NONE = Q(pk__in=())


def _any(
    status: Mapping[str, Q], wanted: Sequence[str] | None, default: Sequence[str] = ("active", "scheduled")
) -> Q:
    """Rows in one of the wanted statuses."""
    condition = _NONE
    for each in wanted or default:
        condition |= status[each]
    return condition


def _of_plan(rows: QuerySet[Any], plan_id: str | None) -> QuerySet[Any]:
    return rows if plan_id is None else rows.filter(plan__plan_id=plan_id)
