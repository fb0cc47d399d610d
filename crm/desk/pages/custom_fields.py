"""The settings of custom fields: those that are defined, what sources sent, and the page of one field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from crm.custom_fields.define import BadDefinition, change_field, define_field, remove_field
from crm.custom_fields.keys import MOST_LOOKED_AT, received_keys
from crm.desk.segments.custom_filters import PREFIX
from crm.models import FieldDefinition
from customers.formats import counted, number, user_name, when

_SHOWN = 10
_VERBS = {"+": "defined", "~": "changed", "-": "removed"}
_FOLLOWS = "Lists and filters follow in the background."


@dataclass(frozen=True, slots=True)
class _Change:
    words: str
    when: SafeString | str


def fields_page(request: HttpRequest) -> HttpResponse:
    """All custom fields, the keys that sources sent, and the form of a new field. POST defines one."""
    _check(request, "crm.add_fielddefinition")
    problem = None
    if request.method == "POST":
        try:
            field = define_field(
                label=request.POST.get("label", ""),
                kind=request.POST.get("type", ""),
                origin=request.POST.get("origin", ""),
                key=request.POST.get("key", ""),
                options=_lines(request.POST),
                by=request.user,
            )
        except BadDefinition as bad:
            problem = bad
        else:
            messages.success(request, f"Added the custom field {field}. {_FOLLOWS}")
            return HttpResponseRedirect(reverse("custom-fields"))
    given = request.POST if request.method == "POST" else request.GET
    rows = FieldDefinition.objects.annotate(
        customers=Count("facts"), misfits=Count("facts", filter=Q(facts__fits=False))
    ).order_by("label")
    context = {
        "title": "Custom fields",
        "rows": [(row, number(row.customers), _misfit_url(row)) for row in rows],
        "keys": [
            (
                FieldDefinition.Origin(each.origin).label,
                each,
                counted(each.customers, "customer"),
                "?"
                + urlencode(
                    {"origin": each.origin, "key": each.key, "label": _as_label(each.key), "type": each.kind}
                ),
            )
            for each in received_keys()
        ],
        "most": number(MOST_LOOKED_AT),
        "form": _form(given, problem, is_new=True),
        "is_chosen": bool(given.get("key")),
        "history": _history(FieldDefinition.history.all()),
    }
    return TemplateResponse(
        request, "crm/custom_fields/fields.html", {**admin.site.each_context(request), **context}
    )


def field_page(request: HttpRequest, key: str) -> HttpResponse:
    """The form of one field. POST saves it."""
    _check(request)
    field = _found(key)
    problem = None
    if request.method == "POST":
        try:
            changed = change_field(
                field.pk,
                label=request.POST.get("label", ""),
                kind=request.POST.get("type", ""),
                options=_lines(request.POST),
                by=request.user,
            )
        except BadDefinition as bad:
            problem = bad
        else:
            messages.success(request, f"Saved the custom field {changed}. {_FOLLOWS}")
            return HttpResponseRedirect(reverse("custom-fields"))
    given = QueryDict(mutable=True)
    given.update({"label": field.label, "type": field.type, "options": "\n".join(field.options)})
    entered = field.values.count()
    context = {
        "title": field.label,
        "field": field,
        "form": _form(request.POST if request.method == "POST" else given, problem, is_new=False),
        "entered": counted(entered, "entered value") if entered else "",
        "history": _history(FieldDefinition.history.filter(id=field.pk)),
        "parameter": f"{PREFIX}{field.name}",
    }
    return TemplateResponse(
        request, "crm/custom_fields/field.html", {**admin.site.each_context(request), **context}
    )


def remove_page(request: HttpRequest, key: str) -> HttpResponse:
    """Remove a field and the values that users entered, by POST."""
    if not request.user.has_perm("crm.delete_fielddefinition"):
        raise PermissionDenied
    if request.method != "POST":
        raise Http404
    label = remove_field(_found(key).pk, by=request.user)
    messages.success(request, f"Removed the custom field {label}.")
    return HttpResponseRedirect(reverse("custom-fields"))


def _check(request: HttpRequest, *more: str) -> None:
    """Refuse who may not change custom fields, and a POST of who lacks one of `more`."""
    needed = ["crm.change_fielddefinition", *(more if request.method == "POST" else ())]
    if not request.user.has_perms(needed):
        raise PermissionDenied


def _found(key: str) -> FieldDefinition:
    try:
        field = FieldDefinition.objects.filter(pk=key).first()
    except ValidationError:
        field = None
    if field is None:
        raise Http404("There is no such custom field.")
    return field


def _form(given: Any, problem: BadDefinition | None, *, is_new: bool) -> dict[str, Any]:
    """What the form shows: its values, its choices, and what is wrong with a column."""
    return {
        "is_new": is_new,
        "label": given.get("label", ""),
        "key": given.get("key", ""),
        "options": given.get("options", ""),
        "type": given.get("type") or FieldDefinition.Type.TEXT.value,
        "origin": given.get("origin") or FieldDefinition.Origin.OURS.value,
        "types": FieldDefinition.Type.choices,
        "origins": FieldDefinition.Origin.choices,
        "problems": {problem.column: str(problem)} if problem else {},
    }


def _lines(given: QueryDict) -> list[str]:
    return given.get("options", "").splitlines()


def _as_label(key: str) -> str:
    return " ".join(key.replace("_", " ").replace("-", " ").split()).capitalize()[:60]


def _misfit_url(row: Any) -> tuple[str, str] | None:
    """How many customers have a value that doesn't fit, and the list of them."""
    if not row.misfits:
        return None
    query = urlencode({f"{PREFIX}{row.name}_is": "misfit"})
    fit = "doesn't fit" if row.misfits == 1 else "don't fit"
    return f"{number(row.misfits)} {fit}", f"{reverse('desk-customers')}?{query}"


def _history(rows: Any) -> list[_Change]:
    found = rows.select_related("history_user").order_by("-history_date", "-history_id")[:_SHOWN]
    return [
        _Change(
            f"{user_name(row.history_user) or 'Clientele'} {_VERBS[row.history_type]} {row.label}"
            f" ({row.get_type_display()}, {row.get_origin_display()})",
            when(row.history_date),
        )
        for row in found
    ]
