"""Enter the value of a custom field, and undo it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import Truncator

from billing.sheets.fields import Segments, day_field, focus, text_field
from crm.custom_fields.enter import enter_value, forget_value, value_row
from crm.custom_fields.types import BadFieldValue, read_entered, read_received
from crm.models import FieldDefinition, FieldValue
from crm.survivors import lock_survivor
from customers.models import Customer
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm, act_url

PERMISSIONS = ("crm.change_fieldvalue", "customers.view_customer")
#: Characters of a value in a preview or message.
_SHOWN = 100


class ValueForm(SheetForm):
    """The value, as the type of the field has it."""

    value: Any = text_field("Value", max_length=1000, required=False)

    def __init__(self, field: FieldDefinition, text: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.field = field
        fields: Any = self.fields
        match field.type:
            case FieldDefinition.Type.YES_NO:
                choices = [("yes", "Yes"), ("no", "No"), ("", "No value")]
                fields["value"] = forms.ChoiceField(
                    label="Value", choices=choices, widget=Segments, required=False
                )
            case FieldDefinition.Type.CHOICE:
                # An option that was removed since stays until another one is chosen.
                known = [*field.options, *([text] if text and text not in field.options else [])]
                choices = [("", "No value"), *((each, each) for each in known)]
                fields["value"] = forms.ChoiceField(label="Value", choices=choices, required=False)
            case FieldDefinition.Type.DATE:
                fields["value"] = day_field("Value", required=False)
            case FieldDefinition.Type.NUMBER:
                fields["value"].widget.attrs["inputmode"] = "decimal"
        fields["value"].initial = text
        focus(self, "value")

    def clean_value(self) -> str:
        """The value as it is stored."""
        value = self.cleaned_data["value"]
        try:
            return read_entered(self.field, "" if value is None else str(value))
        except BadFieldValue as problem:
            raise forms.ValidationError(str(problem)) from None


class EnterValue(Act):
    """Enter the value of a custom field of a customer."""

    name = "enter-value"
    title = "Edit custom field"
    verb = "Save"
    permissions = PERMISSIONS
    models = (Customer,)

    def __init__(self, request: HttpRequest, row: Any, at: Any) -> None:
        super().__init__(request, row, at)
        name = request.POST.get("field") or request.GET.get("field", "")
        field = FieldDefinition.objects.filter(name=name, origin=FieldDefinition.Origin.OURS).first()
        self.field = field
        self.sent_along = [("field", name)]

    def heading(self) -> str:
        """The name of the field."""
        return f"Edit {self.field}" if self.field else self.title

    def home(self) -> str:
        """The tab that shows it."""
        return reverse("desk-details", args=[self.row.pk])

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ValueForm:
        """The form with the present value."""
        if self.field is None:
            raise Refused("This custom field was removed.")
        return ValueForm(self.field, _text(self.row, self.field), data)

    def preview(self, form: ValueForm) -> Preview:
        """The value before and after."""
        was, then = _text(self.row, form.field), form.cleaned_data["value"]
        if was == then:
            if self.request.method == "POST":
                raise Refused("Enter another value. This one is saved already.")
            return Preview(button=f"Save {form.field}", seen=was)
        line = Line(str(form.field), _words(form.field, then), _words(form.field, was))
        return Preview(button=f"Save {form.field}", blocks=[Block("Preview", [line])], seen=was)

    @transaction.atomic
    def do(self, form: ValueForm, seen: str) -> Done:
        """Save it."""
        field, customer = form.field, lock_survivor(self.row)
        if customer.pk != self.row.pk or _text(customer, field) != seen:
            raise Changed
        then = form.cleaned_data["value"]
        enter_value(customer, field, then, by=self.request.user)
        latest = _latest(customer, field).first()
        message = f"Set {field} to {_words(field, then)}." if then else f"Cleared {field}."
        return Done(message=message, undo_url=_undo_url(customer, latest) if latest else "")


def value_url(customer: Customer, field: FieldDefinition) -> str:
    """The URL of the sheet for a value."""
    return act_url(EnterValue.name, customer, field=field.name)


@transaction.atomic
def undo_value(request: HttpRequest, customer: Customer) -> Done:
    """Restore the value before the change in the URL, if nothing was changed since."""
    key = request.GET.get("change", "")
    asked: Any = (
        FieldValue.history.filter(customer_id=customer.pk, history_id=key).first() if key.isdigit() else None
    )
    field = FieldDefinition.objects.filter(pk=asked.field_id).first() if asked else None
    if field is None:
        raise Refused("This custom field was removed.")
    customer = lock_survivor(customer)
    latest, *before = _latest(customer, field)[:2]
    if latest.pk != asked.pk:
        raise Refused(f"Someone changed {field} since.")
    if before and before[0].history_type != "-":
        try:
            enter_value(customer, field, before[0].text, by=request.user)
        except BadFieldValue:
            raise Refused(f"The former value doesn't fit {field} anymore.") from None
    else:
        forget_value(customer, field, by=request.user)
    former = _text(customer, field)
    return Done(message=f"Set {field} to {_words(field, former)} again." if former else f"Cleared {field}.")


def _latest(customer: Customer, field: FieldDefinition) -> Any:
    rows = FieldValue.history.filter(customer_id=customer.pk, field_id=field.pk)
    return rows.order_by("-history_date", "-history_id")


def _undo_url(customer: Customer, change: Any) -> str:
    return f"{reverse('undo-value', args=[customer.pk])}?{urlencode({'change': change.pk})}"


def _text(customer: Customer, field: FieldDefinition) -> str:
    row = value_row(customer, field)
    return row.text if row else ""


def _words(field: FieldDefinition, text: str) -> str:
    shown = read_received(field, text)
    return Truncator(shown.words).chars(_SHOWN) if shown else "None"
