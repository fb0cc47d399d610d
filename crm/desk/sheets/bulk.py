"""What is done with the customers selected in their list: account manager, tags, status, tasks."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from billing.sheets.fields import day_field, text_field
from crm.desk.bulk.actions import add_tasks, change_tags, digest_of, set_owner, set_status
from crm.desk.bulk.undo import Change, recorded, undo_change
from crm.desk.form_fields import PersonField, TagNamesField, people_who_act
from crm.models import Relationship, Tag
from customers.formats import counted, number, user_name
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm, moment_of

#: Where the session keeps the last change that can be undone.
_KEPT = "last_change"
_NO_ONE = "none"
_SHOWN = 5
_BLANK = [("", "Choose…")]


class BulkAct(Act):
    """An act on the selected customers: `row` are those that aren't merged."""

    #: What `recorded` calls the change.
    kind: ClassVar[str]
    #: What was done, before the number of customers.
    done: ClassVar[str]
    models = (Customer,)

    def __init__(self, request: HttpRequest, customers: CustomerQuerySet, words: str, back: str) -> None:
        super().__init__(request, customers, moment_of(request.POST))
        self.words, self.back, self.count = words, back, customers.count()
        names = ("all", "chosen")
        self.sent_along = [(name, value) for name in names for value in request.POST.getlist(name) if value]

    @property
    def address(self) -> str:
        """Where the form is sent to, with the filters of the list."""
        return self.request.get_full_path()

    def subject(self) -> str:
        """How many customers, and which."""
        return f"{counted(self.count, 'customer')}, {self.words}"

    def home(self) -> str:
        """The list."""
        return self.back

    def preview(self, form: Any) -> Preview:
        """The button with the number of customers, the first of them, and what changes."""
        first = [str(each) for each in self.row.order_by("pk")[:_SHOWN]]
        more = [f"and {number(self.count - _SHOWN)} more"] if self.count > _SHOWN else []
        lines = self.lines(form)
        return Preview(
            button=self.button(form),
            blocks=[Block("Preview", lines)] if lines else (),
            notes=[", ".join([*first, *more])],
            seen=digest_of(self.row),
        )

    def do(self, form: Any, seen: str) -> Done:
        """Do it, if the same customers are selected as in the preview."""
        if seen != digest_of(self.row):
            raise Changed
        with recorded(self.kind, self.row) as change:
            changed = self.act(form.cleaned_data)
        same = self.count - changed
        needed = f" {counted(same, 'customer needed', 'customers needed')} no change." if same else ""
        return Done(
            message=f"{self.done} {counted(changed, 'customer')}.{needed}",
            undo_url=undo_url(self.request, change),
        )

    def button(self, form: Any) -> str:
        """What the button says."""
        return f"{self.verb} {counted(self.count, 'customer')}"

    def lines(self, form: Any) -> Sequence[Line]:
        """What changes, in figures."""
        return ()

    def act(self, values: dict[str, Any]) -> int:
        """Change them, and return how many needed it."""
        raise NotImplementedError


class OwnersForm(SheetForm):
    """The new account manager. None is chosen ahead."""

    owner = forms.ChoiceField(label="Account manager")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = {str(each.pk): each for each in people_who_act()}
        field: Any = self.fields["owner"]
        people = [(key, user_name(person)) for key, person in self.people.items()]
        field.choices = [*_BLANK, *people, (_NO_ONE, "No account manager")]

    def chosen(self) -> Any:
        """The user who is chosen; None for no account manager."""
        return self.people.get(self.cleaned_data["owner"])


class Owners(BulkAct):
    """Assign the customers to an account manager."""

    name, kind, title, verb, done = "owner", "owner", "Assign account manager", "Assign", "Assigned"
    permissions = ("crm.change_relationship", "crm.add_relationship")

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> OwnersForm:
        """The form with the users who may be assigned accounts."""
        self.shown = OwnersForm(data, initial=initial)
        return self.shown

    def button(self, form: OwnersForm) -> str:
        """The number of customers and the new account manager."""
        owner = form.chosen()
        words = counted(self.count, "customer")
        return f"Assign {words} to {user_name(owner)}" if owner else f"Remove the account manager of {words}"

    def lines(self, form: OwnersForm) -> Sequence[Line]:
        """How many customers each account manager has now, of those selected."""
        owned = Relationship.objects.filter(customer__in=self.row.order_by().values("pk")).exclude(owner=None)
        found = owned.order_by().values_list("owner").annotate(count=Count("pk"))
        ranked = list(found.order_by("-count", "owner")[:_SHOWN])
        people = get_user_model()._default_manager.in_bulk([key for key, _ in ranked])
        # Two may have one name.
        counts = [(user_name(people.get(key)), count) for key, count in ranked]
        none = self.count - owned.count()
        if none:
            counts.append(("No account manager", none))
        return [Line(f"Now: {name}", counted(count, "account")) for name, count in counts]

    def act(self, values: dict[str, Any]) -> int:
        """Assign them."""
        return set_owner(self.row, self.shown.chosen(), by=self.request.user)


class TagsForm(SheetForm):
    """Add tags, and remove one."""

    add = TagNamesField(label="Add", required=False, help_text="Separated by commas.", widget=forms.TextInput)
    remove: Any = forms.ModelChoiceField(
        label="Remove", queryset=Tag.objects.all(), required=False, empty_label="None"
    )

    def clean(self) -> dict[str, Any]:
        """Something must change."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not values.get("add") and not values.get("remove"):
            raise forms.ValidationError("Enter a tag to add, or choose one to remove.", code="required")
        return values


class Tags(BulkAct):
    """Change the tags of the customers."""

    name, kind, title, verb, done = "tags", "tags", "Change tags", "Change tags of", "Changed the tags of"
    permissions = ("crm.add_tag", "crm.add_customertag", "crm.delete_customertag")

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> TagsForm:
        """The form."""
        return TagsForm(data, initial=initial)

    def act(self, values: dict[str, Any]) -> int:
        """Change them."""
        remove = [values["remove"]] if values["remove"] else []
        return change_tags(self.row, add=values["add"], remove=remove, by=self.request.user)


class StatusForm(SheetForm):
    """The new status."""

    status = forms.ChoiceField(
        label="Status", choices=[*_BLANK, *Customer.Status.choices], help_text="Locked against imports."
    )


class Statuses(BulkAct):
    """Set the status of the customers."""

    name, kind, title = "status", "status", "Set status"
    verb, done = "Set status of", "Set the status of"
    permissions = ("customers.change_customer",)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> StatusForm:
        """The form."""
        return StatusForm(data, initial=initial)

    def act(self, values: dict[str, Any]) -> int:
        """Set it."""
        return set_status(self.row, values["status"], by=self.request.user)


class TasksForm(SheetForm):
    """A task for each customer."""

    pairs = (("due_on", "owner"),)

    task = text_field("Task", max_length=255)
    due_on = day_field("Due", required=False)
    owner: Any = PersonField(
        label="Assignee", queryset=None, required=False, empty_label="Account manager, otherwise me"
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["owner"]
        field.queryset = people_who_act()


class Tasks(BulkAct):
    """Add a task to each customer."""

    name, kind, title, verb, done = "tasks", "tasks", "Add task", "Add task for", "Added a task for"
    permissions = ("crm.add_task",)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> TasksForm:
        """The form with the users who may be assigned tasks."""
        return TasksForm(data, initial=initial)

    def act(self, values: dict[str, Any]) -> int:
        """Add them."""
        return add_tasks(
            self.row, values["task"], by=self.request.user, owner=values["owner"], due_on=values["due_on"]
        )


BULK_ACTS: dict[str, type[BulkAct]] = {each.name: each for each in (Owners, Tags, Statuses, Tasks)}


def undo_url(request: HttpRequest, change: Change) -> str:
    """Where a toast undoes this change; empty if there is nothing to undo, or the user may not.

    The session keeps the last change.
    """
    if not change.rows or not _act_of(change.kind).allowed(request.user.has_perm):
        return ""
    token = secrets.token_urlsafe(8)
    request.session[_KEPT] = {"token": token, **change.as_json()}
    return reverse("desk-undo-change", args=[token])


def undo_kept(request: HttpRequest, token: str) -> Done:
    """Undo the change that the session keeps under this token."""
    kept = request.session.get(_KEPT)
    if not kept or kept["token"] != token:
        raise Refused("Only your last change can be undone.")
    if not _act_of(kept["kind"]).allowed(request.user.has_perm):
        raise PermissionDenied
    count = undo_change(kept, by=request.user)
    del request.session[_KEPT]
    if not count:
        raise Refused("Nothing is left to undo.")
    return Done(message=f"Undone for {counted(count, 'customer')}.")


def _act_of(kind: str) -> type[BulkAct]:
    return next(each for each in BULK_ACTS.values() if each.kind == kind)
