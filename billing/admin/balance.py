"""Balances, grants, rollovers and flags in the admin. All but flags are read-only: the ledger writes them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.balance_pages import BalancePages, ExplainedMixin
from billing.formats import every
from billing.models import Balance, Flag, Grant, Rollover
from billing.rules.figures import Figures, figures_of
from customers import clock
from customers.admin.base import Choices, HistoryAdmin, ReadOnlyAdmin, Row, YesNo
from customers.admin.filters import DaysFilter, OneOfFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    PLAIN,
    WAITING,
    badge,
    column_of,
    day,
    day_of,
    moment,
    number,
    text_of,
)

_LEVELS = {"Unlimited": NEWS, "Available": GOOD, "Out": WAITING, "Overage": BAD}
_GRANT_STATUSES = {"Active": GOOD, "Scheduled": PLAIN, "Expired": PLAIN, "Ended": PLAIN}
_EXPIRES = day_of("expires_at")
_PRICE = (
    "price_amount",
    "price_tiers",
    "price_tier_behavior",
    "billing_units",
    "billing_method",
    "max_purchase",
)


def with_counted_rows(balances: QuerySet[Balance]) -> QuerySet[Balance]:
    """`balances` with the grants and rollovers that count now, in two more queries."""
    now = clock.now()
    with_rows: Any = balances
    found: QuerySet[Balance] = with_rows.prefetch_related(
        Prefetch("grants", Grant.objects.counted(now), to_attr="counted_grants"),
        Prefetch("rollovers", Rollover.objects.counted(now), to_attr="counted_rollovers"),
    )
    return found


class FiguresMixin:
    """The figures of a balance that comes from `with_counted_rows`."""

    @display(description="granted")
    def granted(self, balance: Any) -> str:
        return number(_figures(balance).granted)

    @display(description="used")
    def used(self, balance: Any) -> str:
        return number(_figures(balance).usage)

    @display(description="remaining")
    def remaining(self, balance: Any) -> str:
        figures = _figures(balance)
        return "Unlimited" if figures.unlimited else number(figures.remaining)

    @display(description="next reset")
    def next_reset(self, balance: Any) -> str:
        return moment(_figures(balance).next_reset_at)

    @display(description="status", label=_LEVELS)
    def level(self, balance: Any) -> str:
        figures = _figures(balance)
        if figures.unlimited:
            return "Unlimited"
        if figures.billable_overage > 0:
            return "Overage"
        return "Available" if figures.remaining > 0 else "Out"


class BalanceInline(FiguresMixin, ExplainedMixin, ReadOnlyInline):
    model = Balance
    fk_name = "customer"
    fields = ("feature", "granted", "used", "remaining", "next_reset", "shown_level", "why")
    readonly_fields = ("granted", "used", "remaining", "next_reset", "shown_level", "why")

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_counted_rows(super().get_queryset(request).select_related("customer", "feature"))

    @display(description="status")
    def shown_level(self, balance: Any) -> SafeString:
        return badge(self.level(balance), _LEVELS)


class GrantInline(ReadOnlyInline):
    model = Grant
    tab = False
    fields = ("plan", "entity", "shown_granted", "shown_used", "shown_held", "next_reset_at", "status")
    readonly_fields = ("shown_granted", "shown_used", "shown_held", "status")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("plan", "entity")

    @display(description="granted")
    def shown_granted(self, grant: Grant) -> str:
        return _granted(grant)

    @display(description="used")
    def shown_used(self, grant: Grant) -> str:
        return number(grant.usage)

    @display(description="remaining")
    def shown_held(self, grant: Grant) -> str:
        return "Unlimited" if grant.unlimited else number(grant.held)

    @display(description="status")
    def status(self, grant: Grant) -> SafeString:
        return badge(_grant_status(grant), _GRANT_STATUSES)


class RolloverInline(ReadOnlyInline):
    model = Rollover
    tab = False
    fields = ("shown_granted", "shown_left", "expires_at")
    readonly_fields = ("shown_granted", "shown_left")

    @display(description="carried over")
    def shown_granted(self, rollover: Rollover) -> str:
        return number(rollover.granted)

    @display(description="remaining")
    def shown_left(self, rollover: Rollover) -> str:
        return number(rollover.left)


@admin.register(Balance)
class BalanceAdmin(FiguresMixin, ExplainedMixin, BalancePages):
    """Balances, with the figures of the grants and rollovers that count now."""

    list_display = (
        text_of("feature"),
        column_of("customer"),
        "granted",
        "used",
        "remaining",
        "next_reset",
        "level",
        "why",
    )
    list_filter = (("overage_allowed", YesNo), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields = ("id",)
    search_help_text = "Search by ID, or by the customer's ID."
    sortable_by = ()
    inlines = [GrantInline, RolloverInline]
    readonly_fields = ("granted", "used", "remaining", "next_reset", "level")
    fieldsets = (
        (
            "Balance",
            {
                "classes": ["tab"],
                "fields": (
                    "customer",
                    "feature",
                    "granted",
                    "used",
                    "remaining",
                    "next_reset",
                    "level",
                    "overage_allowed",
                    "max_purchase",
                ),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_counted_rows(super().get_queryset(request))


class GrantStatus(OneOfFilter):
    title = "status"
    # The old name, so that bookmarked lists keep working.
    parameter_name = "standing"
    options = {
        "counted": ("Active", lambda grants: grants.counted()),
        "scheduled": ("Scheduled", lambda grants: grants.scheduled()),
        "ended": ("Ended", lambda grants: grants.exclude(ended_at=None)),
        "expired": ("Expired", lambda grants: grants.filter(ended_at=None, expires_at__lte=clock.now())),
    }


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = (
        "shown_feature",
        "shown_customer",
        "shown_plan",
        "shown_granted",
        "shown_used",
        "shown_held",
        "status",
    )
    list_filter = (GrantStatus, ("billing_method", Choices), ("next_reset_at", DaysFilter), ("plan", Row))
    list_select_related = ("balance__customer", "balance__feature", "plan")
    search_fields = ("grant_id__exact",)
    search_help_text = "Search by ID, or by the full ID in the billing document."
    sortable_by = ()
    readonly_fields = ("resets", "shown_held", "status")
    fieldsets = (
        (
            "Grant",
            {
                "classes": ["tab"],
                "fields": (
                    "balance",
                    "entity",
                    "plan",
                    "included_grant",
                    "prepaid_grant",
                    "usage",
                    "shown_held",
                    "status",
                    "resets",
                    "next_reset_at",
                    "expires_at",
                ),
            },
        ),
        ("Price", {"classes": ["tab"], "fields": _PRICE}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "grant_id", "created_at", "ended_at")}),
    )

    @display(description="feature")
    def shown_feature(self, grant: Grant) -> str:
        return str(grant.balance.feature)

    @display(description="customer")
    def shown_customer(self, grant: Grant) -> str:
        return str(grant.balance.customer)

    @display(description="plan")
    def shown_plan(self, grant: Grant) -> str:
        return str(grant.plan) if grant.plan else "Standalone"

    @display(description="granted")
    def shown_granted(self, grant: Grant) -> str:
        return _granted(grant)

    @display(description="used")
    def shown_used(self, grant: Grant) -> str:
        return number(grant.usage)

    @display(description="remaining")
    def shown_held(self, grant: Grant) -> str:
        return "Unlimited" if grant.unlimited else number(grant.held)

    @display(description="status", label=_GRANT_STATUSES)
    def status(self, grant: Grant) -> str:
        return _grant_status(grant)

    @display(description="resets every")
    def resets(self, grant: Grant) -> str:
        return every(grant.reset_interval, grant.reset_interval_count)


@admin.register(Rollover)
class RolloverAdmin(ReadOnlyAdmin):
    list_display = ("shown_balance", "shown_left", "shown_granted", "shown_expiry")
    list_filter = (("expires_at", DaysFilter), ("balance", Row))
    list_select_related = ("balance__customer", "balance__feature")
    search_fields = ("id",)
    search_help_text = "Search by ID."
    sortable_by = ("shown_expiry",)
    fields = ("balance", "grant", "granted", "left", "expires_at", "id")

    @display(description="balance")
    def shown_balance(self, rollover: Rollover) -> str:
        return str(rollover.balance)

    @display(description="remaining")
    def shown_left(self, rollover: Rollover) -> str:
        return number(rollover.left)

    @display(description="carried over")
    def shown_granted(self, rollover: Rollover) -> str:
        return number(rollover.granted)

    @display(description="expires", ordering="expires_at", empty_value="Never")
    def shown_expiry(self, rollover: Rollover) -> Any:
        return rollover.expires_at and day(rollover.expires_at)


@admin.register(Flag)
class FlagAdmin(HistoryAdmin):
    list_display = (text_of("feature"), column_of("customer"), column_of("plan"), _EXPIRES, "status")
    list_filter = (("expires_at", DaysFilter), ("feature", Row), ("plan", Row), ("customer", Row))
    list_select_related = ("customer", "feature", "plan")
    search_fields = ("flag_id__exact",)
    search_help_text = "Search by ID, the customer's ID, or the full ID in the billing document."
    sortable_by = (_EXPIRES,)
    autocomplete_fields = ("customer", "feature", "plan")
    readonly_fields = ("id",)
    fields = ("customer", "feature", "plan", "flag_id", "expires_at", "id")

    @display(description="status", label={"On": GOOD, "Expired": PLAIN})
    def status(self, flag: Flag) -> str:
        return "Expired" if flag.expires_at is not None and flag.expires_at <= clock.now() else "On"


def _figures(balance: Any) -> Figures:
    return figures_of(
        [grant.figures for grant in balance.counted_grants],
        [rollover.figures for rollover in balance.counted_rollovers],
    )


def _granted(grant: Grant) -> str:
    if grant.is_scheduled:
        return f"{number(grant.scheduled_amount)} from {day(grant.created_at)}"
    if grant.scheduled_amount is not None:
        return f"{number(grant.scheduled_amount)}, never started"
    return "Unlimited" if grant.unlimited else number(grant.figures.granted)


def _grant_status(grant: Grant) -> str:
    if grant.ended_at is not None:
        return "Ended"
    if grant.is_scheduled:
        return "Scheduled"
    return "Expired" if grant.expires_at is not None and grant.expires_at <= clock.now() else "Active"
