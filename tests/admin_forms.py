"""What a browser would send for a form of the admin, and its pages without their looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.template import Context, Template
from django.template.response import SimpleTemplateResponse
from django.test.signals import template_rendered


@contextmanager
def without_templates() -> Iterator[None]:
    """Views answer as ever, but no template and no sidebar is filled in, which is most of the time of a page.

    For what is decided before that: who may, which rows, in which order.
    """

    def unrendered(response: Any) -> str:
        # As if it were rendered, tell the test client what the template would have been filled with.
        context = Context(response.context_data)
        context.template = template = Template("")
        template_rendered.send(sender=response, template=template, context=context)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimpleTemplateResponse, "rendered_content", property(unrendered))
        # On the class: `admin.site` is lazy, and what is patched on it can't be undone within another patch.
        patch.setattr(admin.site.__class__, "each_context", lambda site, request: {})
        yield


def form_data(response: Any, **changes: Any) -> dict[str, Any]:
    """The fields of the change form in `response` as they stand, with `changes`; it may be one of `without_templates`."""
    if not response.content:
        return {**field_data(response.context_data), **changes}
    reader = _FormReader()
    reader.feed(response.content.decode())
    return {**reader.found, **changes}


def field_data(context: dict[str, Any]) -> dict[str, Any]:
    """The same, from what the template of a change form would be filled with; a page of another kind has none."""
    if "adminform" not in context:
        return {}
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    forms = [
        context["adminform"].form,
        *(form for each in formsets for form in (each.management_form, *each)),
    ]
    reader = _FormReader()
    reader.feed(f'<form id="shown_form">{"".join(str(field) for form in forms for field in form)}</form>')
    return reader.found


class _FormReader(HTMLParser):
    """Collects the fields of the form whose id ends in `_form`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}
        self._is_inside = False
        self._textarea = ""
        self._select = ""
        self._is_multiple = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag == "form":
            self._is_inside = (held.get("id") or "").endswith("_form")
        name = held.get("name") or ""
        if not self._is_inside or (tag != "option" and not name):
            return
        if tag == "input":
            is_box = held.get("type") in {"checkbox", "radio"}
            if held.get("type") not in {"submit", "button"} and (not is_box or "checked" in held):
                self.found[name] = held.get("value") or ("on" if is_box else "")
        elif tag == "textarea":
            self._textarea = name
            self.found[name] = ""
        elif tag == "select":
            self._select = name
            self._is_multiple = "multiple" in held
            if not self._is_multiple:
                self.found.setdefault(name, "")
        elif tag == "option" and self._select and "selected" in held:
            value = held.get("value") or ""
            if self._is_multiple:
                self.found.setdefault(self._select, []).append(value)
            else:
                self.found[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            # A browser drops the line break that follows the tag.
            self.found[self._textarea] += data if self.found[self._textarea] else data.removeprefix("\n")
