"""Actions of the list of customers that ask and show first, and are done then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crm.admin.exports import chosen_in_words
from crm.desk.bulk.actions import add_tasks, change_tags, set_owner, set_status
from crm.desk.form_fields import TagNamesField, people_who_act
from crm.models import Tag
from customers.admin import CustomerAdmin
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

_SHOWN = 10


class BulkOwnerForm(forms.Form):
    """Whose accounts they are to be."""

    owner: Any = forms.ModelChoiceField(
        label="Account manager",
        queryset=people_who_act(),
        required=False,
        empty_label="Nobody",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        """Do it."""
        return set_owner(customers, self.cleaned_data["owner"], by=by)


class BulkTagsForm(forms.Form):
    """Which tags they get, and which they lose."""

    add = TagNamesField(label="Add", required=False, help_text="Separated by commas.")
    take: Any = forms.ModelChoiceField(
        label="Take off",
        queryset=Tag.objects.all(),
        required=False,
        empty_label="None",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        """Do it."""
        take = [self.cleaned_data["take"]] if self.cleaned_data["take"] else []
        return change_tags(customers, add=self.cleaned_data["add"], take=take, by=by)


class BulkStatusForm(forms.Form):
    """Which status they get."""

    status = forms.ChoiceField(
        label="Status", choices=Customer.Status.choices, widget=UnfoldAdminSelectWidget
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        """Do it."""
        return set_status(customers, self.cleaned_data["status"], by=by)


class BulkTasksForm(forms.Form):
    """What is to be done for each."""

    title = forms.CharField(label="What is to be done", max_length=255, widget=UnfoldAdminTextInputWidget)
    due_on = forms.DateField(label="Due", required=False, widget=UnfoldAdminDateWidget)
    owner: Any = forms.ModelChoiceField(
        label="Who",
        queryset=people_who_act(),
        required=False,
        empty_label="The account manager of each, or else me",
        widget=UnfoldAdminSelectWidget,
    )

    def act(self, customers: CustomerQuerySet, by: Any) -> int:
        """Do it."""
        values = self.cleaned_data
        return add_tasks(customers, values["title"], by=by, owner=values["owner"], due_on=values["due_on"])


def _action(name: str, title: str, form_class: Any) -> Callable[..., HttpResponse | None]:
    @admin.action(description=f"{title} …", permissions=[name])
    def act(
        model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
    ) -> HttpResponse | None:
        living = queryset.filter(merged_into=None)
        count = living.count()
        is_sent = "apply" in request.POST
        form = form_class(request.POST if is_sent else None, auto_id="bulk_%s")
        if is_sent and request.POST.get("count") != str(count):
            messages.warning(
                request, f"Meanwhile it is {count} customers. Nothing was changed yet: look again."
            )
        elif is_sent and form.is_valid():
            changed = form.act(living, request.user)
            messages.success(request, f"{title}: {changed} of {count} customers changed.")
            return None
        context = {
            **model_admin.admin_site.each_context(request),
            "title": title,
            "form": form,
            "media": model_admin.media + form.media,
            "words": chosen_in_words(request),
            "count": count,
            "first": living[:_SHOWN],
            "more": max(count - _SHOWN, 0),
            "action": name,
            "across": request.POST.get("select_across", "0"),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "crm/desk/bulk.html", context)

    act.__name__ = name
    return act


def _may(*permissions: str) -> Callable[..., bool]:
    def may(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perms(permissions)

    return may


BULK_ACTIONS = (
    _action("bulk_owner", "Set the account manager", BulkOwnerForm),
    _action("bulk_tags", "Change tags", BulkTagsForm),
    _action("bulk_status", "Set the status", BulkStatusForm),
    _action("bulk_tasks", "Add a task", BulkTasksForm),
)


class BulkPermissions:
    """The permissions that `BULK_ACTIONS` need, for the admin class that offers them."""

    has_bulk_owner_permission = _may("crm.change_relationship", "crm.add_relationship")
    has_bulk_tags_permission = _may("crm.add_tag", "crm.add_customertag", "crm.delete_customertag")
    has_bulk_status_permission = _may("customers.change_customer")
    has_bulk_tasks_permission = _may("crm.add_task")
