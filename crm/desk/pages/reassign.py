"""The page that reassigns accounts, with a preview first."""

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
from customers.formats import counted

PERMISSIONS = ("customers.view_customer", "crm.change_relationship", "crm.change_task", "crm.add_note")
_SHOWN = 10


class ReassignForm(forms.Form):
    """The two account managers, and which accounts."""

    from_user: Any = forms.ModelChoiceField(label="From", queryset=None, widget=UnfoldAdminSelectWidget)
    to_user: Any = forms.ModelChoiceField(label="To", queryset=None, widget=UnfoldAdminSelectWidget)
    segment: Any = forms.ModelChoiceField(
        label="Segment",
        queryset=None,
        required=False,
        empty_label="All accounts",
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, user: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        # A deactivated user may still have accounts.
        fields["from_user"].queryset = (
            get_user_model()
            ._default_manager.filter(accounts_owned__isnull=False)
            .distinct()
            .order_by("username")
        )
        fields["to_user"].queryset = people_who_act()
        fields["segment"].queryset = Segment.objects.usable_by(user)


def reassign_page(request: HttpRequest) -> HttpResponse:
    """Preview, then reassign. If the accounts changed since the preview, show a new preview instead."""
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
            plan = (from_user.pk, to_user.pk, segment.pk if segment else "", planned.accounts, planned.tasks)
            planned_text = " ".join(map(str, plan))
            if request.POST.get("planned") == planned_text:
                done = reassign(from_user, to_user, among, by=request.user)
                messages.success(request, f"Reassigned {done} from {from_user} to {to_user}.")
                return HttpResponseRedirect(reverse("desk-reassign"))
            if request.POST.get("planned"):
                messages.warning(
                    request, "The selection changed. Nothing was reassigned. Review and confirm again."
                )
            first = accounts_of(from_user, among)[:_SHOWN]
        except (CannotReassign, BadValue) as problem:
            form.add_error(None, str(problem))
            planned = None
    context = {
        **admin.site.each_context(request),
        "title": "Reassign accounts",
        "form": form,
        "planned": planned,
        "planned_text": planned_text,
        "first": first,
        "more": max(planned.accounts - _SHOWN, 0) if planned else 0,
        "button": f"Reassign {counted(planned.accounts, 'account')}" if planned else "",
    }
    return TemplateResponse(request, "crm/desk/reassign.html", context)
