"""A received document of a source record, and how it differs from another one."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget

from crm.desk.pages.crumbs import Crumb, crumbs_of
from customers.formats import BAD, GOOD, NEWS, customer_url, moment, page_of, preformatted
from customers.ingest.payload_diff import MOST, Difference, PayloadComparison, ValueChange, compare_texts
from customers.models import ReceivedPayload, SourceRecord

#: Documents to choose from, newest first.
CHOICES = 200
#: Values are cut after this many characters.
LONGEST = 400

_LABELS = {
    ValueChange.ADDED: ("Added", GOOD),
    ValueChange.REMOVED: ("Removed", BAD),
    ValueChange.CHANGED: ("Changed", NEWS),
}


class _TwoForm(forms.Form):
    old = forms.ChoiceField(label="Before", widget=UnfoldAdminSelectWidget)
    new = forms.ChoiceField(label="After", widget=UnfoldAdminSelectWidget)

    def __init__(self, payloads: list[ReceivedPayload], data: Any) -> None:
        super().__init__(data)
        choices = [(str(each.pk), _name(each)) for each in payloads]
        for name in ("old", "new"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]


def changes_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The document `?new=`, by default the last, and how it differs from `?old=`, by default the one before it."""
    if not all(map(request.user.has_perm, ("customers.view_sourcerecord", "customers.view_receivedpayload"))):
        raise PermissionDenied
    try:
        record = SourceRecord.objects.select_related("customer").get(pk=identifier)
    except (SourceRecord.DoesNotExist, ValidationError, ValueError):
        raise Http404("This source record doesn't exist.") from None
    payloads = list(record.payloads.defer("text", "remarks")[:CHOICES])
    chosen = _chosen([str(each.pk) for each in payloads], request)
    form = _TwoForm(payloads, chosen)
    is_single = len(payloads) < 2
    compared = PayloadComparison() if is_single else _compared(form)
    shown = next((each for each in payloads if str(each.pk) == chosen["new"]), None)
    context = {
        **admin.site.each_context(request),
        "title": f"{record}: changes",
        "crumbs": crumbs_of(
            record.customer, Crumb("Sources", page_of(record)), Crumb(f"Changes of {record}")
        ),
        "is_titled_by_crumb": True,
        "form": form,
        "is_single": is_single,
        "compared": compared,
        "rows": [_row(each) for each in compared.differences],
        "most": MOST,
        "received": _name(shown) if shown else "",
        "text": preformatted(shown.text) if shown else "",
        "links": [
            ("Customer", customer_url(record.customer_id)),
            ("Sources", page_of(record)),
        ],
    }
    return TemplateResponse(request, "crm/desk/payload_changes.html", context)


def _chosen(keys: list[str], request: HttpRequest) -> dict[str, str]:
    """The IDs that are asked for, of `keys` from new to old; of what is not asked for, the last, and the one before."""
    new = request.GET.get("new", keys[0] if keys else "")
    older = keys[keys.index(new) + 1 :] if new in keys else keys[1:]
    return {"old": request.GET.get("old", older[0] if older else new), "new": new}


def _compared(form: _TwoForm) -> PayloadComparison:
    if not form.is_valid():
        return PayloadComparison(refusal="Choose two imports of this source record.")
    chosen = [form.cleaned_data["old"], form.cleaned_data["new"]]
    texts = dict(ReceivedPayload.objects.filter(pk__in=chosen).values_list("pk", "text"))
    return compare_texts(*(texts[pk] for pk in chosen))


def _row(difference: Difference) -> dict[str, Any]:
    words, color = _LABELS[difference.change]
    return {
        "path": difference.path[:LONGEST],
        "words": words,
        "color": color,
        "old": _text(difference.old) if difference.change is not ValueChange.ADDED else None,
        "new": _text(difference.new) if difference.change is not ValueChange.REMOVED else None,
    }


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _name(payload: ReceivedPayload) -> str:
    return f"{moment(payload.received_at)}{f', {payload.origin}' if payload.origin else ''}"
