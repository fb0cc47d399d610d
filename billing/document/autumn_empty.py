"""Serves the client's lists of what Clientele doesn't hold: settings of the billing platform. They are always empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from billing.document.autumn_api import ClientRead
from billing.document.schema.scalars import Whole
from customers.api.bodies import read_body
from customers.api.endpoints import read_values
from customers.api.http import json_response
from customers.api.schemas import Components, Schema
from customers.json_types import JsonDocument, to_plain


class ClientNoFilters(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """An empty object."""


class ClientTemplatesRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The paging of an empty list. Null counts as absent."""

    offset: Whole | None = None
    limit: Whole | None = None


class ClientNothing(JsonDocument):
    """An empty list."""

    list: Sequence[str]


class ClientNoRewards(JsonDocument):
    """Empty lists of rewards."""

    coupons: list[str]
    feature_grants: list[str]


class ClientNoTemplates(JsonDocument):
    """A page of an empty list."""

    list: Sequence[str]
    total: int
    limit: int
    offset: int
    has_more: bool


class EmptyClientList(ClientRead):
    """A list that is always empty."""

    errors = (400, 401, 403, 405, 406, 413)
    body: ClassVar[type[JsonDocument]] = ClientNoFilters
    body_example: ClassVar[Mapping[str, Any]] = {}
    answer: ClassVar[JsonDocument] = ClientNothing(list=[])

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(type(cls.answer)), to_plain(cls.answer)

    def post(self, request: HttpRequest) -> HttpResponse:
        read_values(request, self.parameters())
        read_body(request, self.body)
        return json_response(self.answer)


class ClientTemplateList(EmptyClientList):
    """Always empty: Clientele has no invoice templates. For the billing platform's public client."""

    summary = "List invoice templates for the billing client"
    body = ClientTemplatesRequest
    body_example: ClassVar[Mapping[str, Any]] = {"limit": 10}
    answer = ClientNoTemplates([], 0, 0, 0, False)


class ClientRewardList(EmptyClientList):
    """Always empty: Clientele knows the discounts of customers, not the coupons that they come from.

    For the billing platform's public client.
    """

    summary = "List rewards for the billing client"
    answer = ClientNoRewards([], [])


class ClientProgramList(EmptyClientList):
    """Always empty: Clientele knows referrals, not the programs behind them. For the billing platform's public client."""

    summary = "List referral programs for the billing client"


class ClientSandboxList(EmptyClientList):
    """Always empty: Clientele has no sandboxes of its own. For the billing platform's public client."""

    summary = "List sandboxes for the billing client"


class ClientWebhookList(EmptyClientList):
    """Always empty: Clientele sends no webhooks. For the billing platform's public client."""

    summary = "List webhooks for the billing client"
