"""Serves the client's reads of the catalog: plans and features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from billing.document.autumn_api import ClientRead, client_customer
from billing.document.lists.examples import FEATURE, PLAN
from billing.document.lists.filters import sold_plans
from billing.document.lists.render import render_features, render_plans
from billing.document.schema import Feature, Plan
from billing.document.schema.scalars import Whole
from billing.models import Feature as FeatureRow
from billing.models import Plan as PlanRow
from customers.api.bodies import read_body
from customers.api.endpoints import read_values
from customers.api.http import Problem, json_response
from customers.api.schemas import Components, Schema
from customers.json_types import JsonDocument

_SHOWN = 100
_ERRORS = (400, 401, 403, 404, 405, 406, 413)


class ClientPlansListRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """Which plans to list. Null counts as absent. `customer_id` must be known, and changes nothing."""

    customer_id: str | None = None
    entity_id: str | None = None
    include_archived: bool | None = None
    all_versions: bool | None = None


class ClientPlanRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The plan to read, in its newest version unless another one is named."""

    plan_id: str
    version: Whole | None = None


class ClientFeaturesRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """All features are listed: there are no filters."""


class ClientFeatureRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The feature to read."""

    feature_id: str


class ClientPlanPage(JsonDocument):
    """The client's list of plans."""

    list: Sequence[Plan]


class ClientFeaturePage(JsonDocument):
    """The client's list of features."""

    list: Sequence[Feature]


class ClientPlanList(ClientRead):
    """The plans of the catalog, for the billing platform's public client."""

    summary = "List plans for the billing client"
    permission = "billing.view_plan"
    errors = _ERRORS
    body = ClientPlansListRequest
    body_example = {"include_archived": True}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(ClientPlanPage), {"list": [PLAN]}

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientPlansListRequest)
        if wanted.customer_id is not None:
            client_customer(wanted.customer_id, query.get("env"))
        plans = PlanRow.objects.filter(**query).order_by("plan_id", "-version", "pk")
        sold = sold_plans(
            plans, archived=bool(wanted.include_archived), all_versions=bool(wanted.all_versions)
        )
        return json_response(ClientPlanPage(list=render_plans(list(sold))))


class ClientPlanGet(ClientRead):
    """One plan, for the billing platform's public client. Without `?env=`, live plans come first."""

    summary = "Read a plan for the billing client"
    permission = "billing.view_plan"
    errors = _ERRORS
    body = ClientPlanRequest
    body_example = {"plan_id": "pro"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(Plan), PLAN

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientPlanRequest)
        plans = PlanRow.objects.filter(plan_id=wanted.plan_id, is_stub=False, **query)
        if wanted.version is not None:
            plans = plans.filter(version=wanted.version)
        # Live comes before sandbox in the alphabet too.
        found = plans.order_by("env", "-version").first()
        if found is None:
            raise _unknown("plan", wanted.plan_id)
        return json_response(render_plans([found])[0])


class ClientFeatureList(ClientRead):
    """The features of the catalog, for the billing platform's public client."""

    summary = "List features for the billing client"
    permission = "billing.view_feature"
    errors = (400, 401, 403, 405, 406, 413)
    body = ClientFeaturesRequest
    body_example: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(ClientFeaturePage), {"list": [FEATURE]}

    def post(self, request: HttpRequest) -> HttpResponse:
        read_values(request, self.parameters())
        read_body(request, ClientFeaturesRequest)
        features = FeatureRow.objects.filter(is_stub=False).order_by("feature_id")
        return json_response(ClientFeaturePage(list=render_features(list(features))))


class ClientFeatureGet(ClientRead):
    """One feature, for the billing platform's public client."""

    summary = "Read a feature for the billing client"
    permission = "billing.view_feature"
    errors = _ERRORS
    body = ClientFeatureRequest
    body_example = {"feature_id": "api_calls"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(Feature), FEATURE

    def post(self, request: HttpRequest) -> HttpResponse:
        read_values(request, self.parameters())
        wanted = read_body(request, ClientFeatureRequest)
        found = FeatureRow.objects.filter(feature_id=wanted.feature_id, is_stub=False).first()
        if found is None:
            raise _unknown("feature", wanted.feature_id)
        return json_response(render_features([found])[0])


def _unknown(kind: str, identifier: str) -> Problem:
    message = f"No {kind} has the ID “{identifier[:_SHOWN]}”."
    return Problem(404, f"{kind}_not_found", message, f"{kind}_id")
