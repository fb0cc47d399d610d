"""Serves reads of customers by the billing platform's public client, in that client's own response format.

The client sends no environment. Its list has the customers of both environments, each with its `env`, and a customer
is looked up in both, live first. `?env=` in the URL limits a request to one. Client 1.0 pages by `offset` and reads
the counts, client 1.2 pages by `start_cursor`, so the response has what both need. The modules `autumn_…` serve its
other reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from msgspec import Meta, structs

from billing.document.api import read_view, render_account, render_views
from billing.document.examples import CUSTOMER
from billing.document.filters import NEWEST_FIRST, OLDEST_FIRST, RUNNING, billed_customers, subscribed
from billing.document.schema import EXPANDABLE, BillingCustomer
from billing.document.schema.scalars import Count, Identifier, Whole
from customers.api.bodies import read_body
from customers.api.endpoints import Endpoint, account_named, known_customer, read_values
from customers.api.http import Problem, json_response
from customers.api.paging import BadCursor, KeysetPage, Order, page_of
from customers.api.parameters import ENV, Parameter, chosen_among
from customers.api.schemas import Body, Components, Schema
from customers.document.filters import named_like
from customers.json_types import AnyEpochMs, JsonDocument
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

M = TypeVar("M", bound=Model)

#: The default page sizes of the client's versions.
PAGE_BY_OFFSET = 10
PAGE_BY_CURSOR = 50
PAGE_MOST = 5000
_MOST_PLANS = 100

#: The first version of the client's interface that pages by cursor.
_CURSOR_VERSION = (2, 3)
#: The names of the client's reads.
_READ = re.compile(r"\.(get|list|search|verify|(preview|get)_(?!or_)\w+)\Z")
_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})")


class PageSize(Count):
    """The most customers on a page."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": PAGE_MOST}

    @classmethod
    def from_json(cls, value: object) -> Self:
        size = super().from_json(value)
        if size > PAGE_MOST:
            raise ValueError(f"Expected at most {PAGE_MOST}, got {size}")
        return size


class PlanChoice(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """A plan, in these versions or, without `versions`, in any version."""

    id: Identifier
    versions: Annotated[list[Whole], Meta(max_length=_MOST_PLANS)] | None = None


class CreatedAtRange(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """A range of time, both ends included."""

    start: AnyEpochMs | None = None
    end: AnyEpochMs | None = None


class ClientListRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's list. Null counts as absent."""

    start_cursor: str | None = None
    offset: Whole | None = None
    limit: PageSize | None = None
    plans: Annotated[list[PlanChoice], Meta(max_length=_MOST_PLANS)] | None = None
    subscription_status: Literal["active", "scheduled"] | None = None
    search: Annotated[str, Meta(max_length=255)] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    processors: list[Literal["stripe", "revenuecat", "vercel"]] | None = None
    created_at_range: CreatedAtRange | None = None


class ClientListAnswer(JsonDocument):
    """A page of the client's list. `total` counts the page, `total_filtered_count` all customers that match the filters."""

    list: Sequence[BillingCustomer]
    has_more: bool
    offset: int
    limit: int
    total: int
    total_count: int
    total_filtered_count: int
    next_cursor: str | None


class ClientGetRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The customer to read, and what to include."""

    customer_id: str
    expand: list[Annotated[str, Meta(extra_json_schema={"enum": sorted(EXPANDABLE)})]] | None = None


class ClientRead(Endpoint):
    """A request of the client that reads with POST."""

    tag = "Billing client"
    permission = "billing.view_billingaccount"
    body: ClassVar[type[JsonDocument]]
    body_example: ClassVar[Mapping[str, Any]]

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        return (ENV,)

    @classmethod
    def describe_body(cls, components: Components) -> Body:
        is_required = any(field.required for field in structs.fields(cls.body))
        return Body(components.add(cls.body), cls.body_example, is_required)


class ClientList(ClientRead):
    """Customers for the billing platform's public client, in its response format. Archived customers are left out."""

    summary = "List customers for the billing client"
    errors = (400, 401, 403, 405, 406, 413)
    body = ClientListRequest
    body_example = {"start_cursor": "", "limit": 50, "plans": [{"id": "pro"}]}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        counts = {"has_more": False, "total": 1, "total_count": 1, "total_filtered_count": 1}
        page = {"list": [CUSTOMER], "offset": 0, "limit": 50, **counts, "next_cursor": None}
        return components.add(ClientListAnswer), page

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientListRequest)
        customers = billed_customers().filter(archived_at=None)
        if "env" in query:
            customers = customers.filter(env=query["env"])
        rows = _narrowed(customers, wanted)
        limit = wanted.limit or _usual_limit(request, wanted)
        offset = wanted.offset or 0
        order = OLDEST_FIRST if wanted.sort_order == "asc" else NEWEST_FIRST
        page = client_page(rows, order, limit, wanted.start_cursor, skip=offset)
        filtered_count = rows.count()
        documents = render_views(page.rows, ())
        return json_response(
            ClientListAnswer(
                list=documents,
                has_more=page.next_cursor is not None,
                offset=offset,
                limit=limit,
                total=len(documents),
                total_count=filtered_count if rows is customers else customers.count(),
                total_filtered_count=filtered_count,
                next_cursor=page.next_cursor,
            )
        )


class ClientGet(ClientRead):
    """One customer for the billing platform's public client, by any identifier."""

    summary = "Read a customer for the billing client"
    errors = (400, 401, 403, 404, 405, 406, 413)
    body = ClientGetRequest
    body_example = {"customer_id": CUSTOMER["id"], "expand": ["invoices"]}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(BillingCustomer), CUSTOMER

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientGetRequest)
        try:
            expand = chosen_among(sorted(EXPANDABLE), wanted.expand or ())
        except ValueError as problem:
            raise Problem(400, "invalid_body", f"“expand” {problem}", "expand") from None
        customer = client_customer(wanted.customer_id, query.get("env"))
        account = account_named(wanted.customer_id, customer, Source.BILLING)
        if account is not None:
            return json_response(render_account(account, expand))
        return json_response(read_view(customer, expand))


@method_decorator(csrf_exempt, name="dispatch")
class ClientElse(View):
    """Refuses every other request of the client: writes, and reads of what Clientele doesn't hold."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Answer with 404 for a read, and with 405 for anything that may be a write."""
        if request.method == "POST" and _READ.search(request.path):
            message = "Clientele doesn't hold what this reads. It stays with the billing platform."
            return Problem(404, "not_found", message).response
        served = "Clientele is read-only: it serves the client's reads, such as POST /v1/customers.get. See /api/v1/."
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return Problem(404, "not_found", f"Not found. {served}").response
        return Problem(405, "read_only", served, headers={"Allow": ""}).response


def client_customer(identifier: str, env: str | None) -> Customer:
    """The customer that a request names as `customer_id`. Raises `Problem`."""
    return known_customer(identifier, env, Source.BILLING, param="customer_id")


def client_page(
    rows: QuerySet[M], order: Order, limit: int, cursor: str | None, *, skip: int = 0
) -> KeysetPage[M]:
    """A page of `rows` after the `start_cursor` of a request, of which null and empty mean the first page.

    Raises `Problem`, also for a cursor together with rows to skip.
    """
    if cursor and skip:
        raise Problem(400, "invalid_body", "Send start_cursor or offset, not both.", "offset")
    try:
        return page_of(rows, order, limit, cursor or None, skip=skip)
    except BadCursor as problem:
        raise Problem(400, "invalid_body", f"“start_cursor” {problem}", "start_cursor") from None


def _narrowed(customers: CustomerQuerySet, wanted: ClientListRequest) -> CustomerQuerySet:
    """The `customers` that match the filters; the same queryset if there are none."""
    rows = customers
    if wanted.plans or wanted.subscription_status:
        statuses = [wanted.subscription_status] if wanted.subscription_status else RUNNING
        rows = rows.filter(subscribed(statuses, any_plan(wanted.plans) if wanted.plans else None))
    if wanted.search and wanted.search.strip():
        rows = rows.filter(named_like(wanted.search.strip()))
    if wanted.processors:
        # Stripe is the only payment processor that customers have an ID of.
        rows = rows.exclude(stripe_id=None) if "stripe" in wanted.processors else rows.none()
    if wanted.created_at_range and wanted.created_at_range.start:
        rows = rows.filter(Q(billing_created_at__gte=wanted.created_at_range.start))
    if wanted.created_at_range and wanted.created_at_range.end:
        rows = rows.filter(Q(billing_created_at__lte=wanted.created_at_range.end))
    return rows


def any_plan(plans: Sequence[PlanChoice]) -> Q:
    condition = Q()
    for plan in plans:
        chosen = Q(plan__plan_id=plan.id)
        if plan.versions:
            chosen &= Q(plan__version__in=plan.versions)
        condition |= chosen
    return condition


def _usual_limit(request: HttpRequest, wanted: ClientListRequest) -> int:
    version = _VERSION.match(request.headers.get("x-api-version", ""))
    pages_by_cursor = version is not None and (int(version[1]), int(version[2])) >= _CURSOR_VERSION
    return PAGE_BY_CURSOR if pages_by_cursor or wanted.start_cursor is not None else PAGE_BY_OFFSET
