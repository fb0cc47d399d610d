"""Reassign the accounts of one account manager to another, as a sheet and as a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from crm.desk.bulk.actions import digest_of
from crm.desk.bulk.reassign import CannotReassign, Reassigned, accounts_of, preview, reassign
from crm.desk.form_fields import PersonField, people_who_act
from crm.desk.segments.filter import BadValue
from crm.desk.segments.saved import customers_of
from crm.models import Segment
from customers.formats import counted, number, user_name
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.sheets import Act, Block, Changed, Done, Line, Preview, SheetForm, moment_of, respond_to

_SHOWN = 5


class ReassignForm(SheetForm):
    """The two account managers, and which accounts."""

    pairs = (("from_user", "to_user"),)

    from_user: Any = PersonField(label="From", queryset=None, empty_label="Choose a person")
    to_user: Any = PersonField(label="To", queryset=None, empty_label="Choose a person")
    segment: Any = forms.ModelChoiceField(
        label="Segment", queryset=None, required=False, empty_label="All accounts"
    )

    def __init__(self, user: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        # A deactivated user may still have accounts.
        owners = get_user_model()._default_manager.filter(accounts_owned__isnull=False)
        fields["from_user"].queryset = owners.distinct().order_by("username")
        fields["to_user"].queryset = people_who_act()
        fields["segment"].queryset = Segment.objects.usable_by(user)


class Reassign(Act):
    """Reassign accounts, with their open tasks."""

    name = "reassign"
    title = "Reassign accounts"
    about = "The new account manager also gets the open tasks of the previous one. Each account gets a note."
    verb = "Reassign accounts"
    permissions = ("customers.view_customer", "crm.change_relationship", "crm.change_task", "crm.add_note")
    models = (Customer,)
    refusals = (CannotReassign, BadValue)

    def subject(self) -> str:
        """Nothing: the form says from whom."""
        return ""

    def home(self) -> str:
        """The page itself, for the next one."""
        return reverse("desk-reassign")

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ReassignForm:
        """The form, from the user to someone else unless it says otherwise."""
        user = self.request.user
        return ReassignForm(user, data, initial={"from_user": user.pk, **initial})

    def preview(self, form: ReassignForm) -> Preview:
        """How many accounts and tasks, and the first of them."""
        from_user, to_user, among = self._chosen(form)
        planned = preview(from_user, to_user, among)
        if not planned.accounts:
            raise CannotReassign(f"{user_name(from_user)} has no accounts to reassign.")
        first = [str(each) for each in accounts_of(from_user, among).order_by("pk")[:_SHOWN]]
        rest = planned.accounts - len(first)
        return Preview(
            button=f"Reassign {counted(planned.accounts, 'account')}",
            blocks=[
                Block(
                    "Preview",
                    [
                        Line("Accounts", number(planned.accounts)),
                        Line("Open tasks", number(planned.tasks)),
                        Line("Account manager", user_name(to_user), user_name(from_user)),
                    ],
                )
            ],
            notes=[", ".join([*first, *([f"and {number(rest)} more"] if rest else [])])],
            seen=_seen(planned, accounts_of(from_user, among)),
        )

    def do(self, form: ReassignForm, seen: str) -> Done:
        """Reassign them."""
        from_user, to_user, among = self._chosen(form)
        if _seen(preview(from_user, to_user, among), accounts_of(from_user, among)) != seen:
            raise Changed
        done = reassign(from_user, to_user, among, by=self.request.user)
        return Done(message=f"Reassigned {done} from {user_name(from_user)} to {user_name(to_user)}.")

    def _chosen(self, form: ReassignForm) -> tuple[Any, Any, CustomerQuerySet | None]:
        user, values = self.request.user, form.cleaned_data
        segment = values["segment"]
        among = customers_of(segment, user, user.has_perm) if segment else None
        return values["from_user"], values["to_user"], among


def reassign_page(request: HttpRequest) -> HttpResponse:
    """The act as a page, or as a sheet."""
    if not Reassign.allowed(request.user.has_perm):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else None
    return respond_to(Reassign(request, None, moment_of(sent)), sent, {})


def _seen(planned: Reassigned, accounts: CustomerQuerySet) -> str:
    """Version token of a preview: which accounts, and how many tasks."""
    return f"{digest_of(accounts)}-{planned.tasks}"
