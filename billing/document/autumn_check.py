"""Serves the client's check of whether a customer may use a feature, without recording a usage."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Meta, UnsetType

from billing.document.autumn_api import ClientRead, client_customer
from billing.document.autumn_entities import client_entity
from billing.document.lists.entities import rows_of_entity
from billing.document.lists.examples import BALANCE
from billing.document.lists.render import integrators_id
from billing.document.renderer import render_customer
from billing.document.renderer.rows import fetch_rows
from billing.document.schema import Balance, Flag, expanded
from billing.document.schema.scalars import NonNegative
from billing.explain.balance import CannotExplain, explain
from billing.models import Entity, Feature
from customers import clock
from customers.api.bodies import read_body
from customers.api.endpoints import account_named, read_values
from customers.api.http import Problem, json_response
from customers.api.schemas import Components, Schema
from customers.json_types import LARGEST, JsonDocument
from customers.models import Customer, Source

_SHOWN = 100


#: Free-form, described more narrowly than it is read: the reader refuses numbers that no document may have.
_FreeForm = Annotated[dict[str, Any], Meta(extra_json_schema={"additionalProperties": {"type": "string"}})]


class RequiredBalance(NonNegative):
    """An amount of a feature."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "number", "minimum": 0, "maximum": int(LARGEST) - 1}


class ClientCheckRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """Who wants to use how much of what: one unit unless `required_balance` says otherwise. Null counts as absent.

    `properties` and `with_preview` are accepted and change nothing. A check that records a usage is refused.
    """

    customer_id: str
    feature_id: str
    entity_id: str | None = None
    required_balance: RequiredBalance | None = None
    properties: _FreeForm | None = None
    send_event: bool | None = None
    lock: _FreeForm | None = None
    with_preview: bool | None = None


class ClientCheckAnswer(JsonDocument, kw_only=True):
    """Whether the usage is allowed now, and the balance or flag that decides."""

    allowed: bool
    customer_id: str
    entity_id: str | UnsetType = UNSET
    required_balance: NonNegative
    balance: Balance | None
    flag: Flag | None


class ClientCheck(ClientRead):
    """Whether a customer, or one of its entities, may use so much of a feature now. Nothing is recorded.

    The balance is that of the feature or, without one, that of the credits that pay for it.
    """

    summary = "Check for the billing client what a customer may use"
    permission = "billing.view_balance"
    errors = (400, 401, 403, 404, 405, 406, 413)
    body = ClientCheckRequest
    body_example = {"customer_id": "acme-42", "feature_id": "api_calls", "required_balance": 20}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        balance = {key: value for key, value in BALANCE.items() if key not in ("id", "customer_id")}
        answer = {"allowed": True, "customer_id": "acme-42", "required_balance": 20, "balance": balance}
        return components.add(ClientCheckAnswer), answer | {"flag": None}

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientCheckRequest)
        customer = client_customer(wanted.customer_id, query.get("env"))
        if wanted.send_event or wanted.lock:
            message = "Clientele is read-only: check without send_event and lock, which would record a usage."
            param = "send_event" if wanted.send_event else "lock"
            raise Problem(405, "read_only", message, param, {"Allow": ""})
        feature = Feature.objects.filter(feature_id=wanted.feature_id).first()
        if feature is None:
            message = f"No feature has the ID “{wanted.feature_id[:_SHOWN]}”."
            raise Problem(404, "feature_not_found", message, "feature_id")
        entity = None
        if wanted.entity_id is not None:
            entity = client_entity(
                wanted.entity_id, Entity.objects.filter(removed_at=None, customer=customer)
            )
        required = NonNegative(1) if wanted.required_balance is None else wanted.required_balance
        account = account_named(wanted.customer_id, customer, Source.BILLING)
        return json_response(_answer(customer, account, feature, entity, required))


def _answer(
    customer: Customer,
    account: Customer | None,
    feature: Feature,
    entity: Entity | None,
    required: NonNegative,
) -> ClientCheckAnswer:
    at = clock.now()
    shown = account or customer
    rows = rows_of_entity(fetch_rows([shown], (), at, apart=account is not None), shown, entity)
    document: Any = expanded(render_customer(shown, rows), ())
    use = None if feature.type == Feature.Type.BOOLEAN or not required else required
    try:
        explained = explain(
            customer,
            feature,
            at=at,
            use=use,
            entity=entity,
            account_id=None if account is None else str(account.pk),
        )
    except CannotExplain as problem:
        raise Problem(400, "invalid_body", str(problem), "required_balance") from None
    paying = [balance.feature_id for balance in explained.balances]
    balance = next((document.balances[key] for key in paying if key in document.balances), None)
    if explained.use is not None:
        is_allowed = explained.use.outcome == "drawn"
    else:
        is_allowed = balance is not None or (explained.flag is not None and explained.flag.is_on)
    return ClientCheckAnswer(
        allowed=is_allowed,
        customer_id=integrators_id(shown),
        entity_id=UNSET if entity is None else entity.entity_id or str(entity.pk),
        required_balance=required,
        balance=balance,
        flag=document.flags.get(feature.feature_id),
    )
