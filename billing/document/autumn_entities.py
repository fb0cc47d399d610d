"""Serves the client's reads of entities, and its check of what a customer may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from msgspec import Meta

from billing.document.autumn_api import (
    PAGE_BY_CURSOR,
    ClientRead,
    PageSize,
    PlanChoice,
    any_plan,
    client_customer,
    client_page,
)
from billing.document.filters import RUNNING
from billing.document.lists.documents import ListedEntity
from billing.document.lists.entities import render_entities
from billing.document.lists.examples import ENTITY
from billing.models import Entity, Subscription
from customers import clock
from customers.api.bodies import read_body
from customers.api.endpoints import read_values
from customers.api.http import Problem, json_response
from customers.api.paging import orders_by_id
from customers.api.schemas import Components, Schema
from customers.json_types import JsonDocument

_, _NEWEST_FIRST = orders_by_id()
_SHOWN = 100
_MOST_PLANS = 100


class ClientEntitiesRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's list of entities. Null counts as absent.

    Plans are those of the entity or of its customer as a whole.
    """

    start_cursor: str | None = None
    limit: PageSize | None = None
    plans: Annotated[list[PlanChoice], Meta(max_length=_MOST_PLANS)] | None = None
    subscription_status: Literal["active", "scheduled"] | None = None
    search: Annotated[str, Meta(max_length=255)] | None = None
    processors: list[Literal["stripe", "revenuecat", "vercel"]] | None = None
    customer_id: str | None = None


class ClientEntityRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The entity to read. Without `customer_id`, only one customer may have such an entity."""

    entity_id: str
    customer_id: str | None = None


class ClientEntities(JsonDocument):
    """A page of the client's list of entities."""

    list: Sequence[ListedEntity]
    has_more: bool
    next_cursor: str | None


class ClientEntityList(ClientRead):
    """Entities of one customer or of all, with what they may use, for the billing platform's public client."""

    summary = "List entities for the billing client"
    permission = "billing.view_entity"
    errors = (400, 401, 403, 404, 405, 406, 413)
    body = ClientEntitiesRequest
    body_example = {"customer_id": "acme-42"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(ClientEntities), {"list": [ENTITY], "has_more": False, "next_cursor": None}

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientEntitiesRequest)
        rows = _narrowed(_entities(wanted.customer_id, query.get("env")), wanted)
        page = client_page(rows, _NEWEST_FIRST, wanted.limit or PAGE_BY_CURSOR, wanted.start_cursor)
        return json_response(
            ClientEntities(
                list=render_entities(page.rows, clock.now()),
                has_more=page.next_cursor is not None,
                next_cursor=page.next_cursor,
            )
        )


class ClientEntityGet(ClientRead):
    """One entity with what it may use, for the billing platform's public client."""

    summary = "Read an entity for the billing client"
    permission = "billing.view_entity"
    errors = (400, 401, 403, 404, 405, 406, 413)
    body = ClientEntityRequest
    body_example = {"customer_id": "acme-42", "entity_id": "seat-1"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(ListedEntity), ENTITY

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientEntityRequest)
        entity = client_entity(wanted.entity_id, _entities(wanted.customer_id, query.get("env")))
        return json_response(render_entities([entity], clock.now())[0])


def client_entity(entity_id: str, rows: QuerySet[Entity]) -> Entity:
    """The one entity of `rows` with this ID. Raises `Problem`."""
    found = list(rows.filter(entity_id=entity_id).order_by("pk")[:2])
    if not found:
        message = f"No entity has the ID “{entity_id[:_SHOWN]}”."
        raise Problem(404, "entity_not_found", message, "entity_id")
    if len(found) > 1:
        message = f"Several entities have the ID “{entity_id[:_SHOWN]}”. Send the customer_id too."
        raise Problem(400, "ambiguous_identifier", message, "entity_id")
    return found[0]


def _entities(customer_id: str | None, env: str | None) -> QuerySet[Entity]:
    """The entities of a customer, or of all that aren't archived. Raises `Problem`."""
    entities = Entity.objects.filter(removed_at=None)
    if customer_id is not None:
        return entities.filter(customer=client_customer(customer_id, env))
    entities = entities.filter(customer__archived_at=None)
    return entities if env is None else entities.filter(customer__env=env)


def _narrowed(rows: QuerySet[Entity], wanted: ClientEntitiesRequest) -> QuerySet[Entity]:
    if wanted.plans or wanted.subscription_status:
        statuses = [wanted.subscription_status] if wanted.subscription_status else RUNNING
        subscriptions = Subscription.objects.filter(
            Q(entity=None) | Q(entity=OuterRef("pk")), customer=OuterRef("customer"), status__in=statuses
        )
        if wanted.plans:
            subscriptions = subscriptions.filter(any_plan(wanted.plans))
        rows = rows.filter(Exists(subscriptions))
    if wanted.search and wanted.search.strip():
        text = wanted.search.strip()
        rows = rows.filter(Q(entity_id__icontains=text) | Q(name__icontains=text))
    if wanted.processors:
        # Stripe is the only payment processor that customers have an ID of.
        is_wanted = "stripe" in wanted.processors
        rows = rows.exclude(customer__stripe_id=None) if is_wanted else rows.none()
    return rows
