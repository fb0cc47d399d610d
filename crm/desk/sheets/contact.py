"""Log a call, meeting or email that took place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.http import QueryDict
from django.utils.timezone import localdate, make_aware

from billing.sheets.fields import Segments, day_field, raw_value, text_field
from crm.contacts import log_contact
from crm.models import Activity, Person
from crm.tasks import add_task
from customers import clock
from customers.models import Customer
from customers.sheets import Act, Done, Preview, SheetForm, Suggestion


class ContactSheetForm(SheetForm):
    """What took place, when, and what follows from it."""

    pairs = (("person", "happened_on"), ("follow_up", "follow_up_on"))

    kind = forms.ChoiceField(label="Type", choices=Activity.Kind.choices, widget=Segments, initial="call")
    summary = forms.CharField(
        label="Notes", required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    person: Any = forms.ModelChoiceField(
        label="With", queryset=Person.objects.none(), required=False, empty_label="-"
    )
    happened_on = day_field("Date")
    follow_up = text_field("Follow-up task", max_length=200, required=False)
    follow_up_on = day_field("Due", required=False)

    def __init__(
        self, customer: Customer, today: date, *args: Any, may_add_task: bool, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.today = today
        fields: Any = self.fields
        fields["person"].queryset = Person.objects.filter(contacts__customer=customer).distinct()
        fields["happened_on"].initial = today.isoformat()
        fields["happened_on"].widget.attrs["max"] = today.isoformat()
        fields["summary"].widget.attrs["autofocus"] = True
        if not may_add_task:
            del fields["follow_up"], fields["follow_up_on"]

    def clean_happened_on(self) -> date:
        """The day, which must not be later than today."""
        day: date = self.cleaned_data["happened_on"]
        if day > self.today:
            raise forms.ValidationError("Choose today or an earlier day. Add a task for what is planned.")
        return day

    def clean(self) -> dict[str, Any]:
        """A due date needs a task."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("follow_up_on") and not values.get("follow_up"):
            self.add_error("follow_up", "Say what is due then.")
        return values


class LogContact(Act):
    """Log a call, meeting or email."""

    name = "log-contact"
    title = "Log call"
    verb = "Log call"
    permissions = ("crm.add_activity", "customers.view_customer")
    models = (Customer,)
    is_previewed = False

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ContactSheetForm:
        """The form with the contacts of the customer."""
        may_add_task = self.request.user.has_perm("crm.add_task")
        return ContactSheetForm(
            self.row, localdate(self.at), data, initial=initial, may_add_task=may_add_task
        )

    def suggestion(self, form: ContactSheetForm) -> Suggestion | None:
        """Yesterday, for what is logged the day after."""
        yesterday = (form.today - timedelta(days=1)).isoformat()
        if raw_value(form, "happened_on") == yesterday:
            return None
        return Suggestion("happened_on", "", "Yesterday", yesterday)

    def preview(self, form: ContactSheetForm) -> Preview:
        """The button names what is logged."""
        return Preview(button=f"Log {Activity.Kind(form.cleaned_data['kind']).label.lower()}")

    def do(self, form: ContactSheetForm, seen: str) -> Done:
        """Log it."""
        return log_from(self.row, form.cleaned_data, by=self.request.user)


@transaction.atomic
def log_from(customer: Customer, values: Mapping[str, Any], *, by: Any) -> Done:
    """Log the contact of a form, with its follow-up task. The caller refreshes the customer."""
    follow_up = None
    if values.get("follow_up") and by.has_perm("crm.add_task"):
        follow_up = add_task(customer, values["follow_up"], by=by, due_on=values["follow_up_on"])
    activity = log_contact(
        customer,
        values["kind"],
        by=by,
        summary=values["summary"],
        person=values["person"],
        happened_at=_moment_of(values["happened_on"], clock.now()),
        duration_minutes=values.get("duration_minutes"),
        outcome=values.get("outcome", ""),
        follow_up=follow_up,
    )
    also = " and added the task" if follow_up else ""
    return Done(message=f"Logged the {activity.get_kind_display().lower()}{also}.")


def _moment_of(day: date | None, now: datetime) -> datetime:
    """Noon of an earlier day, because the hour isn't known; now for today."""
    if day is None or day >= localdate(now):
        return now
    return make_aware(datetime.combine(day, time(12)))
