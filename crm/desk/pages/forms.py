"""The forms on a customer's page: tags, activity, note, task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.timezone import localdate
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.desk.form_fields import TagNamesField, people_who_act
from crm.models import Activity, Contact, Person, Task
from customers import clock
from customers.formats import user_name
from customers.models import Customer

_LONGEST = 20_000


class _DayInput(forms.DateInput):
    """The browser's own picker of a day."""

    input_type = "date"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs={"class": "cl-in", **(attrs or {})}, format="%Y-%m-%d")


class AddTagsForm(forms.Form):
    add = TagNamesField(label="Tags")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "tags_%s", **options})
        self.fields["add"].widget.attrs |= {
            "list": "tags_known",
            "aria-label": "Tags, separated by commas",
            "placeholder": "Separated by commas",
        }


class ContactForm(forms.Form):
    """A call, meeting or email that took place today or before, and the task that follows from it."""

    kind = forms.ChoiceField(label="Type", choices=Activity.Kind.choices, widget=UnfoldAdminSelectWidget)
    person = forms.ModelChoiceField(
        label="With",
        queryset=Person.objects.none(),
        required=False,
        empty_label="-",
        widget=UnfoldAdminSelectWidget,
    )
    happened_on = forms.DateField(label="Date", required=False, widget=_DayInput)
    duration_minutes = forms.IntegerField(
        label="Minutes",
        required=False,
        min_value=1,
        max_value=1440,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    outcome = forms.ChoiceField(
        label="Outcome",
        choices=[("", "-"), *Activity.Outcome.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    summary = forms.CharField(
        label="Notes",
        required=False,
        max_length=_LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    follow_up = forms.CharField(
        label="Follow-up task", required=False, max_length=200, widget=UnfoldAdminTextInputWidget
    )
    follow_up_on = forms.DateField(label="Due", required=False, widget=_DayInput)

    def __init__(
        self, customer: Customer, contacts: list[Contact] | None, *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **{"auto_id": "contact_%s", **options})
        field: Any = self.fields["person"]
        if contacts is None:
            field.queryset = Person.objects.filter(contacts__customer=customer).distinct()
        else:
            # The page has already read the contacts.
            known = [(contact.person.pk, str(contact.person)) for contact in contacts]
            field.choices = [("", field.empty_label), *known]

    def clean_happened_on(self) -> date | None:
        """The day, which must not be later than today."""
        day: date | None = self.cleaned_data["happened_on"]
        if day is not None and day > localdate(clock.now()):
            raise forms.ValidationError("Choose today or an earlier day. Add a task for what is planned.")
        return day

    def clean(self) -> dict[str, Any]:
        """A due date needs a task."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("follow_up_on") and not values.get("follow_up"):
            self.add_error("follow_up", "Say what is due then.")
        return values


class NoteForm(forms.Form):
    body = forms.CharField(
        label="Note",
        max_length=_LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Markdown. Mention a colleague as @name to put the note on their worklist.",
    )
    is_pinned = forms.BooleanField(label="Pin to top", required=False, widget=UnfoldBooleanSwitchWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "note_%s", **options})


class TaskForm(forms.ModelForm):
    class Meta:
        model = Task
        fields = ("title", "due_on", "reminder_on", "owner")
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "due_on": UnfoldAdminDateWidget,
            "reminder_on": UnfoldAdminDateWidget,
        }
        labels = {"title": "Task"}
        help_texts = dict.fromkeys(("title", "due_on", "reminder_on", "owner"), "")

    def __init__(self, people: Sequence[Any] | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "task_%s", **options})
        owner = forms.ModelChoiceField(
            label="Assignee",
            queryset=people_who_act(),
            required=False,
            empty_label="Me",
            widget=UnfoldAdminSelectWidget,
        )
        labelled: Any = owner
        labelled.label_from_instance = user_name
        if people is not None:
            # The page has already read them.
            owner.choices = [("", "Me"), *((user.pk, user_name(user)) for user in people)]
        self.fields["owner"] = owner
