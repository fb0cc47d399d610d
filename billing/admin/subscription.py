"""Subscriptions, purchases and licenses in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.revenue import RevenueMixin
from billing.admin.subscription_actions import SubscribingPages, lines_table
from billing.admin.subscription_phases import CycleInline, PhaseInline, packs
from billing.formats import SUBSCRIPTION_STATES, money, subscription_state
from billing.models import License, Purchase, Subscription
from billing.revenue.monthly import with_charges
from billing.subscriptions import CannotBill
from billing.subscriptions.upcoming import upcoming_invoice
from customers import clock
from customers.admin.base import HistoryAdmin, ReadOnlyHistoryAdmin, Row, YesNo
from customers.admin.filters import DaysFilter, OneOfFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import (
    GOOD,
    PLAIN,
    badge,
    column_of,
    counted,
    day,
    day_of,
    moment,
    number,
    text_of,
)

_OWNERS = tuple(column_of(name) for name in ("customer", "entity", "plan"))
_FOLLOWS = column_of("follows")
_PERIOD_END, _STARTED = day_of("current_period_end"), day_of("started_at")
_TIMES = (
    "started_at",
    "trial_ends_at",
    "current_period_start",
    "current_period_end",
    "canceled_at",
    "expires_at",
)


class SubscriptionState(OneOfFilter):
    title = "status"
    parameter_name = "state"
    options = {
        "active": ("Active", lambda rows: rows.active()),
        "trialing": ("Trial", lambda rows: rows.trialing()),
        "past_due": ("Past due", lambda rows: rows.past_due()),
        "canceling": ("Canceling", lambda rows: rows.canceling()),
        "scheduled": ("Scheduled", lambda rows: rows.filter(status=Subscription.Status.SCHEDULED)),
        "ended": ("Ended", lambda rows: rows.filter(status=Subscription.Status.ENDED)),
    }


class SubscriptionInline(RevenueMixin, ReadOnlyInline):
    model = Subscription
    fk_name = "customer"
    fields = ("plan", "state", "shown_quantity", "mrr", "arr", "current_period_end", "expires_at")
    readonly_fields = ("state", "shown_quantity", "mrr", "arr")

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_charges(super().get_queryset(request))

    @display(description="status")
    def state(self, subscription: Subscription) -> SafeString:
        return badge(subscription_state(subscription), SUBSCRIPTION_STATES)

    @display(description="quantity")
    def shown_quantity(self, subscription: Subscription) -> str:
        return number(subscription.quantity)


@admin.register(Subscription)
class SubscriptionAdmin(RevenueMixin, SubscribingPages):
    """Subscriptions. They are changed by the actions on their pages, never by editing fields."""

    list_display = (
        "subscription_id",
        column_of("customer"),
        column_of("plan"),
        "state",
        "shown_quantity",
        "mrr",
        _PERIOD_END,
    )
    list_filter = (
        SubscriptionState,
        ("add_on", YesNo),
        ("current_period_end", DaysFilter),
        ("plan", Row),
        ("customer", Row),
    )
    inlines = (PhaseInline, CycleInline)
    search_fields = ("subscription_id",)
    sortable_by = ("subscription_id", _PERIOD_END)
    readonly_fields = (
        *_OWNERS,
        "quantity",
        "prepaid",
        "billing_currency",
        "state_now",
        "next_change",
        "next_invoice",
        "add_on",
        "auto_enable",
        *_TIMES,
        "id",
        "subscription_id",
        "billed",
        _FOLLOWS,
    )
    fieldsets = (
        (
            "Subscription",
            {
                "classes": ["tab"],
                "description": format_html(
                    '<p class="px-3 py-2">{}</p>',
                    "Use the actions at the top to change, cancel or extend this subscription. Each shows a preview"
                    " first.",
                ),
                "fields": (
                    *_OWNERS,
                    "quantity",
                    "prepaid",
                    "billing_currency",
                    "state_now",
                    "next_change",
                    "next_invoice",
                    "add_on",
                    "auto_enable",
                ),
            },
        ),
        (
            "Times",
            {
                "classes": ["tab"],
                "fields": _TIMES,
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "subscription_id", "billed", _FOLLOWS)}),
    )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Every field is read-only, so there is nothing to save.
        no_buttons = dict.fromkeys(
            ("show_save", "show_save_and_continue", "show_save_and_add_another"), False
        )
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **no_buttons})

    @display(description="status")
    def state_now(self, subscription: Subscription) -> SafeString:
        return badge(subscription_state(subscription), SUBSCRIPTION_STATES)

    @display(description="scheduled change", empty_value="-")
    def next_change(self, subscription: Subscription) -> str | None:
        scheduled = subscription.followed_by.filter(status=Subscription.Status.SCHEDULED).select_related(
            "plan"
        )
        return next(
            (f"{number(row.quantity)} of {row.plan} from {moment(row.started_at)}" for row in scheduled), None
        )

    @display(description="prepaid")
    def prepaid(self, subscription: Subscription) -> str:
        return packs(subscription.prepaid_quantities)

    @display(description="invoiced by")
    def billed(self, subscription: Subscription) -> str:
        if subscription.billed_here:
            return "Clientele"
        waiting = subscription.platform_changes.waiting().select_related("plan_before", "plan").first()
        to_do = "" if waiting is None else f" To do there: {waiting.words}."
        return f"The billing platform. Change or cancel it there.{to_do}"

    @display(description="next invoice")
    def next_invoice(self, subscription: Subscription) -> SafeString | str:
        try:
            found = upcoming_invoice(subscription)
        except CannotBill as problem:
            return str(problem)
        if found is None:
            return "-"
        return render_to_string(
            "billing/subscription_upcoming.html",
            {
                "total": money(found.total, found.currency),
                "at": moment(found.at),
                "count": counted(len(found.lines), "line"),
                "table": lines_table(found.lines, found.currency, found.total),
            },
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_charges(super().get_queryset(request).select_related("customer"))

    @display(description="status", label=SUBSCRIPTION_STATES)
    def state(self, subscription: Subscription) -> str:
        return subscription_state(subscription)

    @display(description="quantity")
    def shown_quantity(self, subscription: Subscription) -> str:
        return number(subscription.quantity)


@admin.register(Purchase)
class PurchaseAdmin(HistoryAdmin):
    list_display = (
        text_of("plan"),
        column_of("customer"),
        "shown_quantity",
        _STARTED,
        "shown_expiry",
        "state",
    )
    list_filter = (("started_at", DaysFilter), ("plan", Row), ("customer", Row))
    list_select_related = ("customer", "plan")
    search_fields = ("id",)
    search_help_text = "Search by ID, or by the customer's ID."
    sortable_by = (_STARTED,)
    autocomplete_fields = ("customer", "entity", "plan")
    readonly_fields = ("id", "removed_at")
    fieldsets = (
        (
            "Purchase",
            {
                "classes": ["tab"],
                "fields": ("customer", "entity", "plan", "quantity", "started_at", "expires_at"),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "removed_at")}),
    )

    @display(description="quantity")
    def shown_quantity(self, purchase: Purchase) -> str:
        return number(purchase.quantity)

    @display(description="expires", empty_value="Never")
    def shown_expiry(self, purchase: Purchase) -> Any:
        return purchase.expires_at and day(purchase.expires_at)

    @display(
        description="status", label={"Active": GOOD, "Scheduled": PLAIN, "Expired": PLAIN, "Removed": PLAIN}
    )
    def state(self, purchase: Purchase) -> str:
        if purchase.scheduled:
            return "Scheduled"
        if purchase.removed_at is not None:
            return "Removed"
        is_over = purchase.expires_at is not None and purchase.expires_at <= clock.now()
        return "Expired" if is_over else "Active"


@admin.register(License)
class LicenseAdmin(ReadOnlyHistoryAdmin):
    list_display = ("shown_name", column_of("customer"), "shown_usage", "shown_remaining", "shown_paid")
    list_filter = (("license_plan", Row), ("customer", Row))
    list_select_related = ("customer", "license_plan")
    search_fields = ("license_plan_name",)
    sortable_by = ()
    fields = (
        "customer",
        "license_plan",
        "parent_plan",
        "license_plan_name",
        "granted",
        "usage",
        "remaining",
        "paid_quantity",
        "id",
    )

    @display(description="license")
    def shown_name(self, row: License) -> str:
        return row.license_plan_name or str(row.license_plan)

    @display(description="used")
    def shown_usage(self, row: License) -> str:
        return f"{number(row.usage)} of {number(row.granted)}"

    @display(description="remaining")
    def shown_remaining(self, row: License) -> str:
        return number(row.remaining)

    @display(description="paid")
    def shown_paid(self, row: License) -> str:
        return number(row.paid_quantity)
