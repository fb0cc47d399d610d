"""The two reads that the billing platform's public client makes, in that client's own envelope.

The client names no environment. So its list has the customers of both, each with its `env`, and a customer
asked for by id may be of either, a live one first; `?env=` in the address narrows both reads to one. Versions of
the client differ: 1.0 pages by `offset` and reads counts, 1.2 pages by `start_cursor`. The answer has what both
need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from msgspec import Meta, structs

from billing.document.api import shown
from billing.document.examples import CUSTOMER
from billing.document.filters import NEWEST_FIRST, OLDEST_FIRST, RUNNING, billed_customers, subscribed
from billing.document.schema import EXPANDABLE, BillingCustomer
from billing.document.schema.scalars import Count, Identifier, Whole
from customers.api.bodies import read_body
from customers.api.endpoints import Endpoint, known_customer, read_values
from customers.api.http import Problem, json_response
from customers.api.paging import BadCursor, page_of
from customers.api.parameters import ENV, Parameter, chosen_among
from customers.api.schemas import Body, Components, Schema
from customers.document.filters import named_like
from customers.json_types import EpochMs, JsonDocument
from customers.models import Source
from customers.models.customer import CustomerQuerySet

#: Pages of the client's list, when it does not say: as its versions expect.
PAGE_BY_OFFSET = 10
PAGE_BY_CURSOR = 50
PAGE_MOST = 5000
_MOST_PLANS = 100

#: The first version of the client's interface that pages by cursor.
_CURSOR_VERSION = (2, 3)
_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})")


class PageSize(Count):
    """How many customers a page has at most."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": PAGE_MOST}

    @classmethod
    def from_json(cls, value: object) -> Self:
        size = super().from_json(value)
        if size > PAGE_MOST:
            raise ValueError(f"Expected at most {PAGE_MOST}, got {size}")
        return size


class PlanChoice(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """A plan, in any of some versions or, without any, in every version."""

    id: Identifier
    versions: Annotated[list[Whole], Meta(max_length=_MOST_PLANS)] | None = None


class CreatedAtRange(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """A range of time; both ends belong to it."""

    start: EpochMs | None = None
    end: EpochMs | None = None


class ClientListRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """What the client's list may be asked; null counts as absent."""

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
    """A page of the client's list. `total` counts the page, `total_filtered_count` what the filters let through."""

    list: Sequence[BillingCustomer]
    has_more: bool
    offset: int
    limit: int
    total: int
    total_count: int
    total_filtered_count: int
    next_cursor: str | None


class ClientGetRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """Which customer the client wants, and what of it beside the usual."""

    customer_id: str
    expand: list[Annotated[str, Meta(extra_json_schema={"enum": sorted(EXPANDABLE)})]] | None = None


class ClientRead(Endpoint):
    """A read that the client makes with POST."""

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
    """Customers for the billing platform's public client, in its own envelope; archived ones are left out."""

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
        """A page of the client's list."""
        asked, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientListRequest)
        everybody = billed_customers().filter(archived_at=None)
        if "env" in asked:
            everybody = everybody.filter(env=asked["env"])
        rows = _narrowed(everybody, wanted)
        limit = wanted.limit or _usual_limit(request, wanted)
        offset = wanted.offset or 0
        if wanted.start_cursor and offset:
            raise Problem(400, "invalid_body", "Page by start_cursor or by offset, not by both.", "offset")
        order = OLDEST_FIRST if wanted.sort_order == "asc" else NEWEST_FIRST
        try:
            page = page_of(rows, order, limit, wanted.start_cursor or None, skip=offset)
        except BadCursor as problem:
            raise Problem(400, "invalid_body", f"“start_cursor” {problem}", "start_cursor") from None
        filtered_count = rows.count()
        documents = shown(page.rows, ())
        return json_response(
            ClientListAnswer(
                list=documents,
                has_more=page.next_cursor is not None,
                offset=offset,
                limit=limit,
                total=len(documents),
                total_count=filtered_count if rows is everybody else everybody.count(),
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
        """The customer's document."""
        asked, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientGetRequest)
        try:
            expand = chosen_among(sorted(EXPANDABLE), wanted.expand or ())
        except ValueError as problem:
            raise Problem(400, "invalid_body", f"“expand” {problem}", "expand") from None
        customer = known_customer(wanted.customer_id, asked.get("env"), Source.BILLING)
        return json_response(shown([customer], expand)[0])


@method_decorator(csrf_exempt, name="dispatch")
class ClientElse(View):
    """Everything else that the client may call: its writes, and reads that are not served."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """404 for a read, 405 for what may be a write."""
        served = "Clientele is read-only: it serves POST /v1/customers.list and POST /v1/customers.get."
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return Problem(404, "not_found", f"There is nothing here. {served}").response
        return Problem(405, "read_only", served, headers={"Allow": ""}).response


def _narrowed(everybody: CustomerQuerySet, wanted: ClientListRequest) -> CustomerQuerySet:
    """Those of `everybody` that the client wants; the very same rows if it wants all."""
    rows = everybody
    if wanted.plans or wanted.subscription_status:
        statuses = [wanted.subscription_status] if wanted.subscription_status else RUNNING
        rows = rows.filter(subscribed(statuses, _any_plan(wanted.plans) if wanted.plans else None))
    if wanted.search and wanted.search.strip():
        rows = rows.filter(named_like(wanted.search.strip()))
    if wanted.processors:
        # Stripe is the only payment processor of which we hold anything.
        rows = rows.exclude(stripe_id=None) if "stripe" in wanted.processors else rows.none()
    if wanted.created_at_range and wanted.created_at_range.start:
        rows = rows.filter(Q(billing_created_at__gte=wanted.created_at_range.start))
    if wanted.created_at_range and wanted.created_at_range.end:
        rows = rows.filter(Q(billing_created_at__lte=wanted.created_at_range.end))
    return rows


def _any_plan(plans: Sequence[PlanChoice]) -> Q:
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
