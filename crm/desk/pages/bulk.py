"""The pages that act on the customers selected in their list: account manager, tags, tasks, status, merge, export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crm.dedupe.merges.plan import PERMISSION as MERGE
from crm.desk.bulk.actions import add_tasks, change_tags, set_owner, set_status
from crm.desk.form_fields import TagNamesField, people_who_act
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.page import selected_rows
from crm.desk.pages.exports import PERMISSION as EXPORT
from crm.desk.pages.merge import MOST, merge_url
from crm.desk.spreadsheets.exports import TooMany, start_export
from crm.models import Export, Tag
from customers.formats import counted
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

_SHOWN = 10
_NO_ONE = "-"


class OwnerForm(forms.Form):
    """Set the account manager. Nothing is chosen before the user does."""

    title, verb, done = "Assign account manager", "Assign", "Assigned"
    permissions = ("crm.change_relationship", "crm.add_relationship")

    owner = forms.ChoiceField(label="Account manager", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        people = [(str(each.pk), str(each)) for each in people_who_act()]
        field: Any = self.fields["owner"]
        field.choices = [("", "Choose…"), *people, (_NO_ONE, "No account manager")]

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        key = self.cleaned_data["owner"]
        owner = None if key == _NO_ONE else people_who_act().get(pk=key)
        return set_owner(customers, owner, by=by)


class TagsForm(forms.Form):
    """Add tags, and remove one."""

    title, verb, done = "Change tags", "Change tags of", "Changed the tags of"
    permissions = ("crm.add_tag", "crm.add_customertag", "crm.delete_customertag")

    add = TagNamesField(label="Add", required=False, help_text="Separated by commas.")
    remove: Any = forms.ModelChoiceField(
        label="Remove",
        queryset=Tag.objects.all(),
        required=False,
        empty_label="None",
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Something must change."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not values.get("add") and not values.get("remove"):
            raise forms.ValidationError("Enter a tag to add, or choose one to remove.")
        return values

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        remove = [self.cleaned_data["remove"]] if self.cleaned_data["remove"] else []
        return change_tags(customers, add=self.cleaned_data["add"], remove=remove, by=by)


class StatusForm(forms.Form):
    """Set the status."""

    title, verb, done = "Set status", "Set status of", "Set the status of"
    permissions = ("customers.change_customer",)

    status = forms.ChoiceField(
        label="Status",
        choices=[("", "Choose…"), *Customer.Status.choices],
        widget=UnfoldAdminSelectWidget,
        help_text="Locked against imports.",
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        return set_status(customers, self.cleaned_data["status"], by=by)


class TasksForm(forms.Form):
    """Add a task to each customer."""

    title, verb, done = "Add task", "Add task for", "Added a task for"
    permissions = ("crm.add_task",)

    task = forms.CharField(label="Task", max_length=255, widget=UnfoldAdminTextInputWidget)
    due_on = forms.DateField(label="Due", required=False, widget=UnfoldAdminDateWidget)
    owner: Any = forms.ModelChoiceField(
        label="Assigned to",
        queryset=people_who_act(),
        required=False,
        empty_label="Each customer's account manager, otherwise me",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        values = self.cleaned_data
        return add_tasks(customers, values["task"], by=by, owner=values["owner"], due_on=values["due_on"])


_FORMS: dict[str, Any] = {"owner": OwnerForm, "tags": TagsForm, "status": StatusForm, "tasks": TasksForm}


def bulk_page(request: HttpRequest, name: str) -> HttpResponse:
    """Ask what to do with the selected customers, and do it if the selection is still what the page showed."""
    form_class = _FORMS.get(name)
    if form_class is None:
        raise Http404
    if not request.user.has_perms(form_class.permissions):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    rows, words, back = selected_rows(request, CUSTOMERS)
    unmerged: Any = rows.filter(merged_into=None)
    count = unmerged.count()
    if not count:
        messages.warning(request, "Select customers first.")
        return HttpResponseRedirect(back)
    is_sent = "apply" in request.POST
    form = form_class(request.POST if is_sent else None, auto_id="bulk_%s")
    if is_sent and request.POST.get("count") != str(count):
        words_now = counted(count, "customer")
        messages.warning(request, f"The selection changed (now {words_now}). Review and confirm again.")
    elif is_sent and form.is_valid():
        changed = form.act(unmerged, request.user)
        messages.success(request, f"{form.done} {counted(changed, 'customer')}.{_same(count - changed)}")
        return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": form.title,
        "form": form,
        "words": words,
        "count": count,
        "counted": counted(count, "customer"),
        "button": f"{form.verb} {counted(count, 'customer')}",
        "first": unmerged[:_SHOWN],
        "more": max(count - _SHOWN, 0),
        "all": request.POST.get("all", ""),
        "chosen": [] if request.POST.get("all") else request.POST.getlist("chosen"),
        "back": back,
        "is_dated": "due_on" in form.fields,
    }
    return TemplateResponse(request, "crm/desk/lists/bulk.html", context)


def bulk_merge(request: HttpRequest) -> HttpResponse:
    """Open the merge page with the selected customers."""
    if not request.user.has_perm(MERGE):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    rows, _, back = selected_rows(request, CUSTOMERS)
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if 1 < len(keys) <= MOST:
        return HttpResponseRedirect(merge_url(keys))
    messages.warning(request, f"Select 2 to {MOST} customers to merge.")
    return HttpResponseRedirect(back)


def bulk_export(request: HttpRequest, file_format: str) -> HttpResponse:
    """Request a file of the selected customers, and open the page that shows its progress."""
    if not request.user.has_perm(EXPORT):
        raise PermissionDenied
    if file_format not in Export.Format.values:
        raise Http404
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    selected, words, back = selected_rows(request, CUSTOMERS)
    rows: Any = selected
    try:
        export = start_export(rows, words, file_format, by=request.user, may=request.user.has_perm)
    except TooMany as problem:
        messages.error(request, str(problem))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(reverse("desk-export", args=[export.pk]))


def _same(count: int) -> str:
    return f" {counted(count, 'customer needed', 'customers needed')} no change." if count else ""
