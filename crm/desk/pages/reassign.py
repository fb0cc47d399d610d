"""The page on which accounts are handed over: it shows how many first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget

from crm.desk.bulk.reassign import CannotReassign, Reassigned, accounts_of, preview, reassign
from crm.desk.form_fields import people_who_act
from crm.desk.segments.filter import BadValue
from crm.desk.segments.saved import customers_of
from crm.models import Segment

PERMISSIONS = ("customers.view_customer", "crm.change_relationship", "crm.change_task", "crm.add_note")
_SHOWN = 10


class ReassignForm(forms.Form):
    """From whom, to whom, and of which customers."""

    from_user: Any = forms.ModelChoiceField(label="From", queryset=None, widget=UnfoldAdminSelectWidget)
    to_user: Any = forms.ModelChoiceField(label="To", queryset=None, widget=UnfoldAdminSelectWidget)
    segment: Any = forms.ModelChoiceField(
        label="Only those in the segment",
        queryset=None,
        required=False,
        empty_label="All accounts",
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, user: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        # Somebody who has left still has accounts to hand over.
        fields["from_user"].queryset = (
            get_user_model()
            ._default_manager.filter(accounts_owned__isnull=False)
            .distinct()
            .order_by("username")
        )
        fields["to_user"].queryset = people_who_act()
        fields["segment"].queryset = Segment.objects.usable_by(user)


def reassign_page(request: HttpRequest) -> HttpResponse:
    """Ask, show what would be done, do it. What is done is what was shown: if that has changed, it is shown again."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    form = ReassignForm(request.user, request.POST or None, initial={"from_user": request.user.pk})
    planned: Reassigned | None = None
    planned_text = ""
    first: Any = ()
    if request.method == "POST" and form.is_valid():
        from_user, to_user, segment = (
            form.cleaned_data[name] for name in ("from_user", "to_user", "segment")
        )
        try:
            among = customers_of(segment, request.user, request.user.has_perm) if segment else None
            planned = preview(from_user, to_user, among)
            asked = (from_user.pk, to_user.pk, segment.pk if segment else "", planned.accounts, planned.tasks)
            planned_text = " ".join(map(str, asked))
            if request.POST.get("planned") == planned_text:
                done = reassign(from_user, to_user, among, by=request.user)
                messages.success(request, f"Handed over from {from_user} to {to_user}: {done}.")
                return HttpResponseRedirect(reverse("desk-reassign"))
            if request.POST.get("planned"):
                messages.warning(
                    request, "Meanwhile it is not the same. Nothing was handed over: look again."
                )
            first = accounts_of(from_user, among)[:_SHOWN]
        except (CannotReassign, BadValue) as problem:
            form.add_error(None, str(problem))
            planned = None
    context = {
        **admin.site.each_context(request),
        "title": "Hand over accounts",
        "form": form,
        "planned": planned,
        "planned_text": planned_text,
        "first": first,
        "more": max(planned.accounts - _SHOWN, 0) if planned else 0,
    }
    return TemplateResponse(request, "crm/desk/reassign.html", context)
