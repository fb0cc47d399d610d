"""The head that the pages of an invoice, a subscription, a balance, a company and a person share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from crm.desk.pages.actions import Action, actions_of
from crm.desk.pages.crumbs import Crumb, came_from
from crm.desk.pages.overview.key_facts import KeyFact
from customers.formats import page_of

M = TypeVar("M", bound=Model)

#: The colors of chips, by the colors of the statuses.
CHIP_COLORS = {"success": "good", "warning": "warn", "danger": "bad", "info": "info", "default": "neutral"}


@dataclass(frozen=True, slots=True)
class Meta:
    """A word of the line under the name, with the URL that it leads to, if any."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above the content: the name with its chips (word, color), a line about it, and its facts.

    `kind` names the record's kind in a sentence; `icon` is a Material symbol.
    """

    kind: str
    name: str
    icon: str
    chips: Sequence[tuple[str, str]] = ()
    meta: Sequence[Meta] = ()
    facts: Sequence[KeyFact] = ()
    buttons: Sequence[Action] = ()
    actions: Sequence[tuple[str, Sequence[Action]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of the facts beside the content. `detail` has a color; a `copied` value has a button that copies it."""

    label: str
    value: str
    url: str = ""
    detail: str = ""
    color: str = ""
    copied: bool = False


def requested_row(request: HttpRequest, rows: QuerySet[M], key: str, permission: str) -> M:
    """The row with this ID. Raises `PermissionDenied` without the permission, `Http404` if there is no such row."""
    if not (request.user.has_perm(permission) and request.user.has_perm("customers.view_customer")):
        raise PermissionDenied
    try:
        found = rows.filter(pk=key).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404("There is no such record.")
    return found


def mail_link(email: str) -> str:
    """The address of a link that writes to `email`."""
    return f"mailto:{quote(email, safe='@')}"


def record_page(
    request: HttpRequest, template: str, head: Head, crumbs: Sequence[Crumb], context: dict[str, Any]
) -> HttpResponse:
    """The page of a record: `head` above what the template shows of `context`."""
    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "title": head.name,
            "head": head,
            "key_facts": head.facts,
            "crumbs": crumbs,
            "came_from": came_from(request),
            "recent": {"name": head.name, "url": request.path, "icon": head.icon},
            **context,
        },
    )


def form_actions(request: HttpRequest, row: Model) -> list[Action]:
    """*Edit* and *History* of a row, as far as the user may open them."""
    shown: Any = admin.site.get_model_admin(type(row))
    found = []
    if shown.has_change_permission(request, row):
        found.append(Action("Edit", page_of(row, "change"), "edit"))
    if shown.has_view_permission(request, row):
        found.append(Action("History", page_of(row, "history"), "history"))
    return found


def acts_on(request: HttpRequest, row: Model) -> list[Action]:
    """What the user may do with a row now, most used first."""
    return [action for _, group in actions_of(row, request.user.has_perm) for action in group]


def menu_of(request: HttpRequest, row: Model, acts: Sequence[Action]) -> list[tuple[str, Sequence[Action]]]:
    """The menu of a record: `acts`, then *Edit* and *History*. Groups without an entry are left out."""
    return [group for group in (("", acts), ("Record", form_actions(request, row))) if group[1]]
