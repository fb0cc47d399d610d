"""The page to map the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.imports.columns import Column, explain
from crm.imports.fields import CUSTOM, IGNORE, Field, known_fields
from crm.imports.pages.access import steps, wanted
from crm.imports.run import WrongState, start_preview
from crm.imports.table_reader import DELIMITERS
from crm.imports.unpack import NotImportable
from crm.imports.uploads import look_again, remember, source_name
from crm.models import FileImport
from customers.formats import counted, number
from customers.models.source import FILE_SOURCE

_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
}
_DELIMITERS = {",": "Commas", ";": "Semicolons", "\t": "Tabs", "|": "Vertical bars"}
_ORDERS = (("", "As the column shows"), ("dmy", "Day first"), ("mdy", "Month first"))
_MARKS = (("", "As the column shows"), (".", "Point"), (",", "Comma"))
_LONGEST_NAME = 80
_EDITABLE = (FileImport.State.UPLOADED, FileImport.State.READY, FileImport.State.FAILED)


def mapping_page(request: HttpRequest, import_id: str) -> HttpResponse:
    """Show how each column is read, and save what the user corrects."""
    file_import = wanted(request, import_id)
    if not file_import.is_table or file_import.state not in _EDITABLE or file_import.started_at:
        return HttpResponseRedirect(reverse("import", args=[file_import.pk]))
    if request.method == "POST":
        return _save(request, file_import)
    return _show(request, file_import)


def _show(request: HttpRequest, file_import: FileImport) -> HttpResponse:
    known = known_fields()
    lines = [
        _line(place, Column(**each), file_import, known) for place, each in enumerate(file_import.columns)
    ]
    mapped = sum(bool(line["field"]) for line in lines)
    layout = file_import.layout
    sentence = [
        counted(file_import.total, "row"),
        counted(len(lines), "column"),
        f"{number(mapped)} mapped",
        f"{number(len(lines) - mapped)} not imported",
    ]
    context = {
        **admin.site.each_context(request),
        "title": file_import.name,
        "import": file_import,
        "steps": steps("Map columns"),
        "sentence": " · ".join(sentence),
        "told_by": file_import.options.get("preset")
        or (file_import.mapping.name if file_import.mapping else ""),
        "lines": lines,
        "groups": _groups(known),
        "layout": layout,
        "encoding": _ENCODINGS.get(layout.get("encoding", ""), layout.get("encoding", "").upper()),
        "delimiters": [(each, _DELIMITERS[each]) for each in DELIMITERS],
        "orders": _ORDERS,
        "marks": _MARKS,
        "order": file_import.options.get("order", ""),
        "mark": file_import.options.get("mark", ""),
        "source": file_import.source.removeprefix(FILE_SOURCE),
        "replaces_owners": file_import.options.get("replaces_owners", False),
        "mapping_name": file_import.mapping.name if file_import.mapping else "",
    }
    return TemplateResponse(request, "crm/imports/map.html", context)


def _line(place: int, column: Column, file_import: FileImport, known: Mapping[str, Field]) -> dict[str, Any]:
    name = file_import.fields.get(column.heading, IGNORE)
    text, is_wrong = explain(column, name, file_import.options, known)
    return {
        "place": place,
        "heading": column.heading,
        "samples": " · ".join(column.samples),
        "field": name,
        "check": text,
        "is_wrong": is_wrong,
    }


def _groups(known: Mapping[str, Field]) -> list[tuple[str, list[tuple[str, str]]]]:
    grouped = groupby(known.values(), key=lambda field: field.group)
    groups = [(group, [(field.name, field.label) for field in own]) for group, own in grouped]
    return [*groups, ("Other", [(CUSTOM, "Custom data under its heading")])]


def _save(request: HttpRequest, file_import: FileImport) -> HttpResponse:
    here = HttpResponseRedirect(reverse("import-map", args=[file_import.pk]))
    posted = request.POST
    if "look-again" in posted:
        try:
            look_again(file_import, **_layout(posted, file_import))
        except NotImportable as problem:
            messages.error(request, str(problem))
        return here
    name = source_name(posted.get("source", ""))
    if not name:
        messages.error(request, "Enter a name for the source, with letters or digits.")
        return here
    known = known_fields()
    allowed = {*known, CUSTOM}
    chosen = {
        column["heading"]: field
        for place, column in enumerate(file_import.columns)
        if (field := posted.get(f"field-{place}", IGNORE)) in allowed
    }
    twice = [
        known[field].label
        for field in dict.fromkeys(chosen.values())
        if field != CUSTOM and list(chosen.values()).count(field) > 1
    ]
    file_import.fields = chosen
    file_import.source = FILE_SOURCE + name
    file_import.options = {
        **file_import.options,
        "order": _one_of(posted.get("order", ""), _ORDERS),
        "mark": _one_of(posted.get("mark", ""), _MARKS),
        "replaces_owners": posted.get("owners") == "replace",
    }
    _use_what_columns_show(file_import, known)
    saved_as = posted.get("mapping", "").strip()[:_LONGEST_NAME]
    if saved_as:
        remember(file_import, saved_as, request.user)
    file_import.save()
    if twice:
        messages.error(request, f"Choose one column for {twice[0]}.")
        return here
    if "save" in posted:
        messages.success(request, "Saved the mapping.")
        return here
    try:
        start_preview(file_import, request.user)
    except WrongState as problem:
        messages.error(request, str(problem))
    return HttpResponseRedirect(reverse("import", args=[file_import.pk]))


def _use_what_columns_show(file_import: FileImport, known: Mapping[str, Field]) -> None:
    """Where the user leaves it to the columns, read days and amounts as the mapped ones show."""
    columns = [Column(**each) for each in file_import.columns]
    for option, holds in (("order", ("day", "founding")), ("mark", ("amount", "number"))):
        if not file_import.options[option]:
            shown = (
                getattr(column, option)
                for column in columns
                if (field := known.get(file_import.fields.get(column.heading, ""))) and field.holds in holds
            )
            file_import.options[option] = next(filter(None, shown), "")


def _layout(posted: Any, file_import: FileImport) -> dict[str, Any]:
    layout: dict[str, Any] = {}
    if posted.get("sheet") in file_import.layout.get("sheets", ()):
        layout["sheet"] = posted["sheet"]
    if posted.get("delimiter") in DELIMITERS:
        layout["delimiter"] = posted["delimiter"]
    header = posted.get("header", "")
    if header.isdecimal() and len(header) < 8:
        layout["header"] = int(header)
    return layout


def _one_of(value: str, choices: tuple[tuple[str, str], ...]) -> str:
    return value if value in dict(choices) else ""
