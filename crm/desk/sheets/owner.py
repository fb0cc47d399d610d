"""Assign an account to an account manager."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.bulk.actions import set_owner
from crm.desk.form_fields import people_who_act
from crm.models import Relationship
from customers.formats import user_name
from customers.models import Customer
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm

PERMISSIONS = ("crm.change_relationship", "customers.view_customer")
_NOBODY = "none"


class AssignForm(SheetForm):
    """The new account manager. None is chosen ahead."""

    owner = forms.ChoiceField(label="Account manager")

    def __init__(self, people: dict[str, Any], has_owner: bool, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = people
        field: Any = self.fields["owner"]
        field.choices = [
            ("", "Choose a person"),
            *((key, user_name(person)) for key, person in people.items()),
            *([(_NOBODY, "No account manager")] if has_owner else []),
        ]
        field.error_messages["invalid_choice"] = "Choose a person from the list."
        field.widget.attrs["autofocus"] = True

    def chosen(self) -> Any:
        """The user who is chosen; None for no account manager."""
        return self.people.get(self.cleaned_data["owner"])


class Assign(Act):
    """Assign the account."""

    name = "assign"
    title = "Assign account"
    verb = "Assign"
    permissions = PERMISSIONS
    models = (Customer,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> AssignForm:
        """The form with the users who may be assigned accounts."""
        people = {str(each.pk): each for each in people_who_act()}
        return AssignForm(people, owner_of(self.row) is not None, data, initial=initial)

    def preview(self, form: AssignForm) -> Preview:
        """Who manages the account before and after."""
        was, then = owner_of(self.row), form.chosen()
        if was == then:
            raise Refused(f"Choose another person. {user_name(was)} already manages this account.")
        line = Line("Account manager", user_name(then) or "None", user_name(was) or "None")
        button = f"Assign to {user_name(then)}" if then else "Remove account manager"
        return Preview(button=button, blocks=[Block("Preview", [line])], seen=_key(was))

    def do(self, form: AssignForm, seen: str) -> Done:
        """Assign it."""
        was = owner_of(self.row)
        if _key(was) != seen:
            raise Changed
        return assign(self.row, form.chosen(), by=self.request.user)


def assign(customer: Customer, owner: Any, *, by: Any) -> Done:
    """Set the account manager; None removes it. Undo gives the account back."""
    was = owner_of(customer)
    set_owner(Customer.objects.filter(pk=customer.pk), owner, by=by)
    return Done(
        message=f"Assigned the account to {user_name(owner)}." if owner else "Removed the account manager.",
        undo_url="" if was == owner else undo_url(customer, was),
    )


def undo_url(customer: Customer, former: Any) -> str:
    """Where a toast gives the account back to its former account manager."""
    return f"{reverse('undo-assign', args=[customer.pk])}?{urlencode({'owner': _key(former)})}"


def undo_assign(request: HttpRequest, customer: Customer) -> Done:
    """Give the account back to the account manager in the URL."""
    key = request.GET.get("owner", "")
    owner = next((each for each in people_who_act() if str(each.pk) == key), None)
    if owner is None and key:
        raise Refused("This person can't be assigned accounts anymore.")
    assign(customer, owner, by=request.user)
    return Done(
        message=f"Assigned the account to {user_name(owner)} again."
        if owner
        else "Removed the account manager."
    )


def owner_of(customer: Customer) -> Any:
    """The account manager; None if there is none."""
    found = Relationship.objects.filter(customer=customer).select_related("owner").first()
    return None if found is None else found.owner


def _key(owner: Any) -> str:
    return "" if owner is None else str(owner.pk)
