"""The pages that attach a plan and change, cancel or extend a subscription: form, preview, confirmation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.decorators import action

from billing.admin.subscription_forms import (
    AttachForm,
    CancelForm,
    ChangeForm,
    ExtendForm,
    SubscribingForm,
    UncancelForm,
)
from billing.formats import money
from billing.models import Invoice, InvoiceLine, Subscription
from billing.rules.figures import Figures
from billing.subscriptions import CannotBill, CannotSubscribe
from billing.subscriptions.dry_run import Preview, apply_previewed, preview_of
from customers import clock
from customers.admin.base import HistoryAdmin
from customers.admin.fields import RowSelect
from customers.formats import moment, number
from customers.models import Customer

_CHANGED = "Review the new preview and confirm again. Something changed after the last preview."
_TEMPLATE = "billing/subscription_act.html"

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
    """Redirect from a customer's page to the page that attaches a plan."""
    query = urlencode({"customer": unquote(object_id)})
    return HttpResponseRedirect(f"{reverse('admin:billing_subscription_add')}?{query}")


class SubscribingPages(HistoryAdmin):
    actions_detail = ("change_plan", "cancel", "uncancel", "extend_trial")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Attach a plan to the customer in the URL; without one, choose a customer first."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        choice = ChooseCustomerForm(self.admin_site, request.GET if "customer" in request.GET else None)
        if not choice.is_bound or not choice.is_valid():
            context = {"title": "Attach plan", "form": choice, "back": self._list_url()}
            return self._page(request, "billing/subscription_customer.html", context)
        customer = choice.cleaned_data["customer"]
        form = AttachForm(customer, request.POST if request.method == "POST" else None)
        back = reverse("admin:customers_customer_change", args=[quote(customer.pk)])
        return self._preview_page(request, form, customer, "Attach plan", back)

    @action(description="Change plan", url_path="change-plan", permissions=["change"], icon="swap_horiz")
    def change_plan(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._subscription_page(request, object_id, ChangeForm, "Change plan")

    @action(description="Cancel subscription", url_path="cancel", permissions=["change"], icon="event_busy")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._subscription_page(request, object_id, CancelForm, "Cancel subscription")

    @action(description="Keep subscription", url_path="uncancel", permissions=["change"], icon="undo")
    def uncancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._subscription_page(request, object_id, UncancelForm, "Keep subscription")

    @action(description="Extend trial", url_path="extend-trial", permissions=["change"], icon="more_time")
    def extend_trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._subscription_page(request, object_id, ExtendForm, "Extend trial")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the actions that fit the status of the subscription."""
        subscription = self._subscription(unquote(str(object_id)))
        available = () if subscription is None else _available_actions(subscription)
        names = {f"billing_subscription_{name}" for name in available}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    def _subscription_page(
        self,
        request: HttpRequest,
        object_id: str,
        make_form: Callable[..., SubscribingForm],
        title: str,
    ) -> HttpResponse:
        subscription = self._subscription(unquote(object_id))
        if subscription is None:
            redirect: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, unquote(object_id)
            )
            return redirect
        if not self.has_view_permission(request, subscription):
            raise PermissionDenied
        form = make_form(subscription, request.POST if request.method == "POST" else None)
        back = reverse("admin:billing_subscription_change", args=[quote(subscription.pk)])
        return self._preview_page(
            request, form, subscription.customer, f"{title}: {_name(subscription)}", back
        )

    def _preview_page(
        self, request: HttpRequest, form: SubscribingForm, customer: Customer, title: str, back: str
    ) -> HttpResponse:
        """Show the form, then the preview, then perform the action once the preview is confirmed."""
        preview: Preview | None = None
        now = clock.now()
        by = request.user.get_username()
        try:
            if not form.is_bound and not form.visible_fields():
                preview = preview_of(customer, lambda: form.act(now, by))
            elif form.is_bound and form.is_valid():
                if "confirm" in request.POST:
                    at = form.moment()
                    seen = str(form.cleaned_data["seen"] or "")
                    preview, is_done = apply_previewed(customer, lambda: form.act(at, by), seen)
                    if is_done:
                        self.message_user(request, " ".join(preview.messages), messages.SUCCESS)
                        return HttpResponseRedirect(back)
                    form.add_error(None, _CHANGED)
                preview = preview_of(customer, lambda: form.act(now, by))
        except (CannotSubscribe, CannotBill) as problem:
            preview = None
            if form.is_bound:
                form.add_error(None, str(problem))
            else:
                self.message_user(request, str(problem), messages.ERROR)
                return HttpResponseRedirect(back)
        context: dict[str, Any] = {"title": f"{title} · {customer}", "form": form, "back": back}
        if preview is not None:
            context |= {
                "preview": preview,
                "moment": now.isoformat(),
                "subscriptions": _subscriptions_table(preview),
                "balances": _balances_table(preview),
                "invoices": [(_invoice_title(*each), _lines_table(*each)) for each in preview.invoices],
            }
        return self._page(request, _TEMPLATE, context)

    def _subscription(self, key: str) -> Subscription | None:
        if not self.is_id(key):
            return None
        return Subscription.objects.select_related("customer", "plan", "entity").filter(pk=key).first()

    def _list_url(self) -> str:
        return reverse("admin:billing_subscription_changelist")

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )


def lines_table(lines: tuple[InvoiceLine, ...], currency: str, total: int) -> Table:
    """The lines of an invoice and their total, in minor units of `currency`."""
    return {
        "headers": ["Line", "Quantity", "Amount"],
        "rows": [
            *([line.description, number(line.quantity), _sum(line.amount, currency)] for line in lines),
            [_strong("Total"), "", _strong(_sum(total, currency))],
        ],
    }


def _available_actions(subscription: Subscription) -> list[str]:
    is_ours = subscription.billed_here or subscription.status == Subscription.Status.SCHEDULED
    if subscription.customer.merged_into_id is not None or not is_ours:
        return []
    if subscription.status != Subscription.Status.ACTIVE:
        return ["cancel"] if subscription.status == Subscription.Status.SCHEDULED else []
    available = ["change_plan", "cancel"]
    if subscription.canceled_at is not None or subscription.expires_at is not None:
        available.append("uncancel")
    if subscription.trial_ends_at is not None and subscription.trial_ends_at > clock.now():
        available.append("extend_trial")
    return available


def _lines_table(invoice: Invoice, lines: tuple[InvoiceLine, ...]) -> Table:
    return lines_table(lines, invoice.currency, invoice.total)


def _invoice_title(invoice: Invoice, lines: tuple[InvoiceLine, ...]) -> str:
    total = money(invoice.total, invoice.currency)
    if not invoice.total or invoice.due_at is None:
        return f"Invoice: {total}"
    return f"Invoice: {total}, due {moment(invoice.due_at)}"


def _subscriptions_table(preview: Preview) -> Table:
    rows = []
    for before, after in preview.subscriptions:
        was, will_be = _words(before), _words(after)
        if before is not None and before.plan != after.plan:
            was, will_be = [_name(before), *was], [_name(after), *will_be]
        rows.append(
            [_name(after), _lines(was), _lines(will_be) if was == will_be else _strong(_lines(will_be))]
        )
    return {"headers": ["Subscription", "Before", "After"], "rows": rows}


def _name(subscription: Subscription) -> str:
    return f"{subscription.plan}, {subscription.entity}" if subscription.entity else str(subscription.plan)


def _words(subscription: Subscription | None) -> list[str]:
    """Status, quantity, prepaid units and times."""
    if subscription is None:
        return ["None"]
    status = subscription.status
    words = [f"{subscription.get_status_display()}, quantity {number(subscription.quantity)}"]
    for feature_id, units in subscription.prepaid_quantities.items():
        words.append(f"{number(Decimal(units))} {feature_id} prepaid")
    if status == Subscription.Status.ENDED:
        return [f"Ended {moment(subscription.expires_at)}"]
    if status == Subscription.Status.SCHEDULED:
        return [*words, f"Starts {moment(subscription.started_at)}"]
    if (
        subscription.trial_ends_at is not None
        and subscription.trial_ends_at == subscription.current_period_end
    ):
        words.append(f"Trial ends {moment(subscription.trial_ends_at)}")
    elif subscription.current_period_end is not None:
        words.append(f"Period ends {moment(subscription.current_period_end)}")
    if subscription.expires_at is not None:
        words.append(f"Ends {moment(subscription.expires_at)}")
    return words


def _balances_table(preview: Preview) -> Table:
    rows = []
    for name, before, after in preview.balances:
        pairs = zip(_figures(before), _figures(after), strict=True)
        rows.append([name, *(_beside(was, will_be) for was, will_be in pairs)])
    return {"headers": ["Feature", "Granted", "Remaining", "Used"], "rows": rows}


def _figures(figures: Figures) -> tuple[str, str, str]:
    if figures.unlimited:
        return "Unlimited", "Unlimited", number(figures.usage)
    return number(figures.granted), number(figures.remaining), number(figures.usage)


def _beside(was: str, will_be: str) -> SafeString | str:
    return will_be if was == will_be else format_html("<span>{} → <strong>{}</strong></span>", was, will_be)


def _sum(minor: int, currency: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', money(minor, currency))


def _strong(text: str) -> SafeString:
    return format_html("<strong>{}</strong>", text)


def _lines(words: list[str]) -> SafeString:
    lines = format_html_join("", '<span class="clientele-term">{}</span>', ((each,) for each in words))
    return format_html("<div>{}</div>", lines)
