"""The links from the forms of customers and subscriptions to the sheets that attach, change, cancel or extend."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action

from billing.formats import money
from billing.models import InvoiceLine, Subscription
from billing.subscriptions.possible import possible_verbs
from customers import clock
from customers.admin.base import HistoryAdmin
from customers.admin.fields import RowSelect
from customers.formats import number
from customers.models import Customer
from customers.sheets import act_url

Table = dict[str, Any]


class ChooseCustomerForm(forms.Form):
    customer = forms.ModelChoiceField(Customer.objects.filter(merged_into=None))

    def __init__(self, admin_site: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["customer"]
        field.widget = RowSelect(Subscription._meta.get_field("customer"), admin_site)
        field.widget.choices = field.choices
        field.error_messages["invalid_choice"] = "Choose a customer from the list."


def may_attach_a_plan(model_admin: Any, request: HttpRequest, object_id: Any = None) -> bool:
    return request.user.has_perm("billing.add_subscription")


@action(description="Attach plan", url_path="attach-plan", permissions=["attach_a_plan"], icon="add_card")
def attach_a_plan(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Open the sheet that attaches a plan."""
    return HttpResponseRedirect(act_url("attach", unquote(object_id)))


class SubscribingPages(HistoryAdmin):
    actions_detail = ("change_plan", "cancel", "uncancel", "extend_trial")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Choose a customer, then open the sheet that attaches a plan."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ChooseCustomerForm(self.admin_site, request.GET if "customer" in request.GET else None)
        if form.is_bound and form.is_valid():
            return HttpResponseRedirect(act_url("attach", form.cleaned_data["customer"]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Attach plan",
            "form": form,
            "back": "../",
        }
        return TemplateResponse(request, "billing/subscription_customer.html", context)

    @action(description="Change plan", url_path="change-plan", permissions=["change"], icon="swap_horiz")
    def change_plan(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(act_url("change-plan", unquote(object_id)))

    @action(description="Cancel subscription", url_path="cancel", permissions=["change"], icon="event_busy")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(act_url("cancel", unquote(object_id)))

    @action(description="Keep subscription", url_path="uncancel", permissions=["change"], icon="undo")
    def uncancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(act_url("keep", unquote(object_id)))

    @action(description="Extend trial", url_path="extend-trial", permissions=["change"], icon="more_time")
    def extend_trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(act_url("extend-trial", unquote(object_id)))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the actions that fit the status of the subscription."""
        key = unquote(str(object_id))
        keys = [key] if self.is_id(key) else []
        rows = Subscription.objects.select_related("customer").filter(pk__in=keys)
        names = {
            f"billing_subscription_{_NAMES[verb]}"
            for row in rows
            for verb in possible_verbs(row, clock.now())
        }
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]


#: The actions of the form by the names of their acts.
_NAMES = {
    "change-plan": "change_plan",
    "cancel": "cancel",
    "keep": "uncancel",
    "extend-trial": "extend_trial",
}


def lines_table(lines: tuple[InvoiceLine, ...], currency: str, total: int) -> Table:
    """The lines of an invoice and their total, in minor units of `currency`."""
    return {
        "headers": ["Line", "Quantity", "Amount"],
        "rows": [
            *([line.description, number(line.quantity), _sum(line.amount, currency)] for line in lines),
            [_strong("Total"), "", _strong(_sum(total, currency))],
        ],
    }


def _sum(minor: int, currency: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', money(minor, currency))


def _strong(text: str) -> SafeString:
    return format_html("<strong>{}</strong>", text)
