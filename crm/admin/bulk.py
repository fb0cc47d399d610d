"""Actions of the customer list with a confirmation page: account manager, tags, status, task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crm.admin.exports import selection_in_words
from crm.desk.bulk.actions import add_tasks, change_tags, set_owner, set_status
from crm.desk.form_fields import TagNamesField, people_who_act
from crm.models import Tag
from customers.admin import CustomerAdmin
from customers.formats import counted
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

_SHOWN = 10


class BulkOwnerForm(forms.Form):
    """Set the account manager."""

    owner: Any = forms.ModelChoiceField(
        label="Account manager",
        queryset=people_who_act(),
        required=False,
        empty_label="No account manager",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        return set_owner(customers, self.cleaned_data["owner"], by=by)


class BulkTagsForm(forms.Form):
    """Add tags, and remove one."""

    add = TagNamesField(label="Add", required=False, help_text="Separated by commas.")
    remove: Any = forms.ModelChoiceField(
        label="Remove",
        queryset=Tag.objects.all(),
        required=False,
        empty_label="None",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        remove = [self.cleaned_data["remove"]] if self.cleaned_data["remove"] else []
        return change_tags(customers, add=self.cleaned_data["add"], remove=remove, by=by)


class BulkStatusForm(forms.Form):
    """Set the status."""

    status = forms.ChoiceField(
        label="Status", choices=Customer.Status.choices, widget=UnfoldAdminSelectWidget
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        return set_status(customers, self.cleaned_data["status"], by=by)


class BulkTasksForm(forms.Form):
    """Add a task to each customer."""

    title = forms.CharField(label="Task", max_length=255, widget=UnfoldAdminTextInputWidget)
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
        return add_tasks(customers, values["title"], by=by, owner=values["owner"], due_on=values["due_on"])


def _action(name: str, title: str, done: str, form_class: Any) -> Callable[..., HttpResponse | None]:
    @admin.action(description=f"{title} …", permissions=[name])
    def act(
        model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
    ) -> HttpResponse | None:
        unmerged = queryset.filter(merged_into=None)
        count = unmerged.count()
        is_sent = "apply" in request.POST
        form = form_class(request.POST if is_sent else None, auto_id="bulk_%s")
        if is_sent and request.POST.get("count") != str(count):
            messages.warning(
                request,
                f"The selection changed (now {counted(count, 'customer')}). Review and confirm again.",
            )
        elif is_sent and form.is_valid():
            changed = form.act(unmerged, request.user)
            messages.success(request, f"{done} {counted(changed, 'customer')}.{_same(count - changed)}")
            return None
        context = {
            **model_admin.admin_site.each_context(request),
            "title": title,
            "form": form,
            "media": model_admin.media + form.media,
            "words": selection_in_words(request),
            "count": count,
            "counted": counted(count, "customer"),
            "button": f"{title} for {counted(count, 'customer')}",
            "first": unmerged[:_SHOWN],
            "more": max(count - _SHOWN, 0),
            "action": name,
            "across": request.POST.get("select_across", "0"),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "crm/desk/bulk.html", context)

    act.__name__ = name
    return act


def _same(count: int) -> str:
    return f" {counted(count, 'customer needed', 'customers needed')} no change." if count else ""


def _may(*permissions: str) -> Callable[..., bool]:
    def may(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perms(permissions)

    return may


BULK_ACTIONS = (
    _action("bulk_owner", "Set account manager", "Set the account manager of", BulkOwnerForm),
    _action("bulk_tags", "Change tags", "Changed the tags of", BulkTagsForm),
    _action("bulk_status", "Set status", "Set the status of", BulkStatusForm),
    _action("bulk_tasks", "Add task", "Added a task for", BulkTasksForm),
)


class BulkPermissions:
    """The permissions of `BULK_ACTIONS`, for the admin class that lists them."""

    has_bulk_owner_permission = _may("crm.change_relationship", "crm.add_relationship")
    has_bulk_tags_permission = _may("crm.add_tag", "crm.add_customertag", "crm.delete_customertag")
    has_bulk_status_permission = _may("customers.change_customer")
    has_bulk_tasks_permission = _may("crm.add_task")
