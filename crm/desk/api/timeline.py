"""The list of everything that happened to a customer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from billing.ledger.totals import customer_ids_with_merged
from crm.desk.api.documents import TimelineDocument
from crm.desk.api.examples import TIMELINE_ENTRY
from crm.desk.api.render import render_timeline
from crm.desk.timeline.entry import EntryKind, Position, TimelineQuery
from crm.desk.timeline.stream import read_page
from customers.api.endpoints import CustomerEndpoint, PageEndpoint, known_customer, read_values
from customers.api.filtersets import TextFilter
from customers.api.http import bad_parameter, permission_check
from customers.api.parameters import AFTER, ENV, LIMIT, LIMIT_DEFAULT, Parameter, instant, set_of
from customers.document.customer_rows import VIEW_CUSTOMER

_SIGNER = Signer(salt=__name__)
_TEXT = TextFilter().schema
_TIME = {"type": "string", "format": "date-time"}
_LONGEST = 255


def _text(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(f"is too long. Use at most {_LONGEST} characters.")
    return text.strip()


_KIND = Parameter(
    "kind",
    f"The kinds of entries, separated by commas: {', '.join(EntryKind.values)}.",
    {"type": "array", "items": {"type": "string", "enum": EntryKind.values}, "minItems": 1},
    set_of(EntryKind.values),
)
_BY = Parameter("by", "The exact user name of the user who did it.", _TEXT, _text)
_Q = Parameter("q", "Text in the entry, ignoring case.", _TEXT, _text)
_SINCE = Parameter("happened_after", "Happened at or after this time.", _TIME, instant)
_UNTIL = Parameter("happened_before", "Happened before this time.", _TIME, instant)


class Timeline(PageEndpoint):
    """Everything that happened to a customer, newest first: notes, calls, tasks, changes, billing, imports, merges.

    Only the kinds that you may see are returned. A page may have fewer entries than `limit` although there are more.
    """

    tag = "Desk"
    summary = "List what happened to a customer"
    errors = CustomerEndpoint.errors
    permission = VIEW_CUSTOMER
    document = TimelineDocument
    example = TIMELINE_ENTRY

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        return (LIMIT, AFTER, ENV, _KIND, _BY, _SINCE, _UNTIL, _Q)

    def get(self, request: HttpRequest, identifier: str) -> HttpResponse:
        asked, _ = read_values(request, self.parameters())
        before = _position(asked["after"]) if "after" in asked else None
        customer = known_customer(identifier, asked.get("env"))
        person: Any = None
        if "by" in asked:
            person = get_user_model()._default_manager.filter(username=asked["by"]).first()
            if person is None:
                return self.page([], None)
        query = TimelineQuery(
            customer_ids=customer_ids_with_merged(str(customer.pk)),
            limit=asked.get("limit", LIMIT_DEFAULT),
            before=before,
            since=asked.get("happened_after"),
            until=asked.get("happened_before"),
            person=person,
            text=asked.get("q", ""),
        )
        kinds = [kind for kind in EntryKind if kind.value in asked.get("kind", EntryKind.values)]
        page = read_page(query, permission_check(request), kinds)
        cursor = None if page.older is None else _SIGNER.sign_object(str(page.older))
        return self.page(render_timeline(page.entries), cursor)


def _position(cursor: str) -> Position:
    """The position after which the page begins. Raises `Problem`."""
    try:
        position = Position.read(_SIGNER.unsign_object(cursor))
    except BadSignature:
        position = None
    if position is None:
        raise bad_parameter("after", "is not a cursor of this list. Leave it out to start at the beginning.")
    return position
