"""The changes feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from customers.api.endpoints import Endpoint, read_values
from customers.api.http import Problem, bad_parameter, json_response, token_of
from customers.api.parameters import Parameter, whole_number
from customers.api.schemas import Components, Schema
from customers.changes import Change, ChangeKind, Expired, Position, changes_after, present
from customers.json_types import to_iso
from customers.models import Customer
from customers.typed_ids import to_typed_id, uuid_of

_LIMIT_DEFAULT = 200
_LIMIT_MOST = 1000

#: The value of `after` that begins at the present. Cursors contain a colon.
_NOW = "now"

_LIMIT = Parameter(
    "limit",
    "The maximum number of changes to return.",
    {"type": "integer", "minimum": 1, "maximum": _LIMIT_MOST, "default": _LIMIT_DEFAULT},
    whole_number(1, _LIMIT_MOST),
)
_AFTER = Parameter(
    "after",
    "The `next_cursor` of the previous response. Without it, the oldest change that is kept is the first. `now` returns"
    " no changes, only the cursor to begin with.",
    {"type": "string", "minLength": 1},
)
_CURSOR_SCHEMA = {"type": "string", "description": "The `after` of the next request, now or later."}
_EXAMPLE_CURSOR = "WzgxMiwiMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAiXQ:3k0Qd0yV1b9rXhZ0cQ2mJt5u8w7e6f4g"
_EXAMPLE = {
    "customer": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "kind": "changed",
    "merged_into": None,
    "at": "2026-11-29T09:30:00Z",
}
_CHANGE: Schema = {
    "type": "object",
    "required": ["customer", "kind", "merged_into", "at"],
    "properties": {
        "customer": {"type": "string", "description": "The typed ID of the customer."},
        "kind": {
            "type": "string",
            "enum": list(ChangeKind),
            "description": "The customer's state now: `changed` means to read its documents again, `merged` and"
            " `erased` to remove them.",
        },
        "merged_into": {
            "type": ["string", "null"],
            "description": "The typed ID of the primary record that a merged customer is now part of.",
        },
        "at": {"type": "string", "format": "date-time", "description": "The time of the change."},
    },
}


class ChangeFeed(Endpoint):
    """Customers that changed since a cursor, in the order of the transactions.

    Poll with `after` set to the last `next_cursor`. A customer may appear more than once. Read its documents once,
    after its last appearance. A change appears when all transactions before it have ended.

    If the changes after a cursor are no longer kept, the status is 410 (`cursor_expired`): read every document again,
    then continue with the `next_cursor` of that response.
    """

    tag = "Changes"
    summary = "List changes"
    errors = (*Endpoint.errors, 410)
    permission = "customers.view_customer"

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        return (_LIMIT, _AFTER)

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        schema = {
            "type": "object",
            "required": ["data", "has_more", "next_cursor"],
            "properties": {
                "data": {"type": "array", "items": components.put("CustomerChange", _CHANGE)},
                "has_more": {"type": "boolean", "description": "Whether there are more changes."},
                "next_cursor": _CURSOR_SCHEMA,
            },
        }
        return schema, {"data": [_EXAMPLE], "has_more": False, "next_cursor": _EXAMPLE_CURSOR}

    def get(self, request: HttpRequest) -> HttpResponse:
        asked, _ = read_values(request, self.parameters())
        after = asked.get("after")
        if after == _NOW:
            return json_response({"data": [], "has_more": False, "next_cursor": _cursor(present())})
        try:
            page = changes_after(
                None if after is None else _read_cursor(after), asked.get("limit", _LIMIT_DEFAULT)
            )
        except Expired as expired:
            raise Problem(
                410,
                "cursor_expired",
                "The changes after this cursor are no longer kept. Read every document again, then continue with the"
                " next_cursor of this response.",
                "after",
                extra={"next_cursor": _cursor(expired.now)},
            ) from None
        return json_response(
            {
                "data": [_rendered(change) for change in _readable(request, page.changes)],
                "has_more": page.has_more,
                "next_cursor": _cursor(page.next),
            }
        )


def _readable(request: HttpRequest, changes: Sequence[Change]) -> Sequence[Change]:
    """The changes without those of customers of the other mode, if the token has one. Erased customers have none."""
    token = token_of(request)
    if token is None or not token.env:
        return changes
    named = {change.customer_id for change in changes}
    others = Customer.objects.filter(pk__in=named).exclude(env=token.env).values_list("pk", flat=True)
    hidden = {str(key) for key in others}
    return [change for change in changes if change.customer_id not in hidden]


def _rendered(change: Change) -> dict[str, Any]:
    return {
        "customer": change.customer_id,
        "kind": change.kind,
        "merged_into": change.merged_into_id,
        "at": to_iso(change.at),
    }


_signer = Signer(salt=__name__)


def _cursor(position: Position) -> str:
    return _signer.sign_object([position.number, uuid_of(position.customer_id).hex])


def _read_cursor(cursor: str) -> Position:
    try:
        number, customer = _signer.unsign_object(cursor)
    except BadSignature:
        raise bad_parameter(
            "after",
            "is not a cursor of the changes. Leave it out to start with the oldest change that is kept.",
        ) from None
    return Position(number, to_typed_id(UUID(customer), "cus"))
