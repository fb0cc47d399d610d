"""The filters of lists of invoices, subscriptions, balances, plans and features."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.ledger.figure_range import with_figure_between
from billing.models import Balance, Feature, Grant, Invoice, Plan, PlanItem, Rollover, Subscription
from billing.models.catalog import PlanQuerySet
from billing.models.invoice import InvoiceQuerySet
from billing.models.subscription import SubscriptionQuerySet
from customers import clock
from customers.api.filtersets import FlagFilter, InstantFilter, ListFilterSet, TextFilter, WordFilter
from customers.document.filters import CustomerRowFilter
from customers.models import Environment

#: The words of the billing client for a subscription's status, and ours.
STATUSES = {
    "active": Subscription.Status.ACTIVE,
    "scheduled": Subscription.Status.SCHEDULED,
    "expired": Subscription.Status.ENDED,
}


def listed_balances() -> QuerySet[Balance]:
    """The balances that their sources list, or in which something counts."""
    now = clock.now()
    return Balance.objects.filter(
        Q(removed_at=None)
        | Exists(Grant.objects.counted(now).filter(balance=OuterRef("pk")))
        | Exists(Rollover.objects.counted(now).filter(balance=OuterRef("pk")))
    )


class InvoiceFilter(CustomerRowFilter):
    status = WordFilter(words=Invoice.Status.values, help_text="The status of the invoice.")
    past_due = FlagFilter(
        method="filter_past_due", help_text="Whether the invoice is open and its due date has passed."
    )
    plan = TextFilter(method="of_plan", help_text="The ID of a plan that the invoice bills, in any version.")
    subscription = TextFilter(
        "subscription__subscription_id", help_text="The ID of the subscription in the billing document."
    )
    currency = TextFilter("currency", "iexact", help_text="The currency, such as USD (ISO 4217).")
    number = TextFilter(help_text="The exact number of an invoice that was issued here.")
    stripe_id = TextFilter(help_text="The exact Stripe ID of the invoice.")
    created_after = InstantFilter("created_at", "gte", help_text="Created at or after this time.")
    created_before = InstantFilter("created_at", "lt", help_text="Created before this time.")
    due_after = InstantFilter("due_at", "gte", help_text="Due at or after this time.")
    due_before = InstantFilter("due_at", "lt", help_text="Due before this time.")

    def filter_past_due(self, rows: InvoiceQuerySet, name: str, value: bool) -> InvoiceQuerySet:
        """Pages call these invoices past due."""
        now = clock.now()
        return rows.overdue(now) if value else rows.exclude(pk__in=rows.overdue(now).order_by().values("pk"))

    def of_plan(self, rows: InvoiceQuerySet, name: str, value: str) -> InvoiceQuerySet:
        links = Invoice.plans.through.objects.filter(invoice=OuterRef("pk"), plan__plan_id=value)
        return rows.filter(Exists(links))


class SubscriptionFilter(CustomerRowFilter):
    status = WordFilter(
        method="in_status",
        words=list(STATUSES),
        help_text="The status of the subscription. An active one may be past due, on trial or set to cancel.",
    )
    past_due = FlagFilter(method="filter_past_due", help_text="Whether it is active and past due.")
    trialing = FlagFilter(method="filter_trialing", help_text="Whether it is active and on trial.")
    canceling = FlagFilter(
        method="filter_canceling", help_text="Whether it is active and set to cancel at period end."
    )
    plan = TextFilter("plan__plan_id", help_text="The ID of the plan, in any version.")
    add_on = FlagFilter(help_text="Whether it is sold in addition to another plan.")
    entity = TextFilter("entity__entity_id", help_text="The ID of the entity that has it.")
    started_after = InstantFilter("started_at", "gte", help_text="Started at or after this time.")
    started_before = InstantFilter("started_at", "lt", help_text="Started before this time.")
    period_ends_after = InstantFilter(
        "current_period_end", "gte", help_text="The current period ends at or after this time."
    )
    period_ends_before = InstantFilter(
        "current_period_end", "lt", help_text="The current period ends before this time."
    )
    trial_ends_after = InstantFilter(
        "trial_ends_at", "gte", help_text="The trial ends at or after this time."
    )
    trial_ends_before = InstantFilter("trial_ends_at", "lt", help_text="The trial ends before this time.")
    expires_after = InstantFilter("expires_at", "gte", help_text="It ends, or ended, at or after this time.")
    expires_before = InstantFilter("expires_at", "lt", help_text="It ends, or ended, before this time.")

    def in_status(self, rows: SubscriptionQuerySet, name: str, value: str) -> SubscriptionQuerySet:
        return rows.filter(status=STATUSES[value])

    def filter_past_due(self, rows: SubscriptionQuerySet, name: str, value: bool) -> SubscriptionQuerySet:
        return _either(rows, rows.past_due(), value)

    def filter_trialing(self, rows: SubscriptionQuerySet, name: str, value: bool) -> SubscriptionQuerySet:
        return _either(rows, rows.trialing(), value)

    def filter_canceling(self, rows: SubscriptionQuerySet, name: str, value: bool) -> SubscriptionQuerySet:
        return _either(rows, rows.canceling(), value)


class BalanceFilter(CustomerRowFilter):
    feature = TextFilter("feature__feature_id", help_text="The ID of the feature.")
    state = WordFilter(
        words=["remaining", "exhausted", "unlimited"],
        method="in_state",
        help_text="Whether something remains, nothing remains, or the balance is unlimited.",
    )
    plan = TextFilter(
        method="of_plan", help_text="The ID of a plan that grants some of the balance, in any version."
    )
    resets_after = InstantFilter(
        method="resets", help_text="A grant of the balance resets at or after this time."
    )
    resets_before = InstantFilter(
        method="resets", help_text="A grant of the balance resets before this time."
    )
    expires_after = InstantFilter(
        method="expires", help_text="A grant of the balance expires at or after this time."
    )
    expires_before = InstantFilter(
        method="expires", help_text="A grant of the balance expires before this time."
    )

    def in_state(self, rows: QuerySet[Balance], name: str, value: str) -> QuerySet[Balance]:
        now = clock.now()
        if value == "unlimited":
            return rows.filter(_grants(unlimited=True))
        low, high = (Decimal(0), None) if value == "remaining" else (None, Decimal(0))
        return with_figure_between(rows, "remaining", low, high, now)

    def of_plan(self, rows: QuerySet[Balance], name: str, value: str) -> QuerySet[Balance]:
        return rows.filter(_grants(plan__plan_id=value))

    def resets(self, rows: QuerySet[Balance], name: str, value: Any) -> QuerySet[Balance]:
        """Applied to one grant together with the other bound."""
        return rows.filter(_grants(**self._range("resets", "next_reset_at"))) if self._leads(name) else rows

    def expires(self, rows: QuerySet[Balance], name: str, value: Any) -> QuerySet[Balance]:
        """Applied to one grant together with the other bound."""
        return rows.filter(_grants(**self._range("expires", "expires_at"))) if self._leads(name) else rows

    def _leads(self, name: str) -> bool:
        """Whether `name` is the first given bound of its range, which applies both."""
        data = self.form.cleaned_data
        return name.endswith("_after") or data[f"{name.removesuffix('_before')}_after"] is None

    def _range(self, name: str, column: str) -> dict[str, Any]:
        bounds = {"gte": f"{name}_after", "lt": f"{name}_before"}
        values = {lookup: self.form.cleaned_data[bound] for lookup, bound in bounds.items()}
        return {f"{column}__{lookup}": value for lookup, value in values.items() if value is not None}


class PlanFilter(ListFilterSet):
    """The filters of the list of plans. Archived plans and older versions are left out unless they are asked for."""

    q = TextFilter(method="search", help_text="Text in the ID or the name, ignoring case.")
    env = WordFilter(words=Environment.values, help_text="The environment of the plan.")
    id = TextFilter("plan_id", help_text="The exact ID of the plan.")
    group = TextFilter(help_text="The exact group.")
    feature = TextFilter(method="with_feature", help_text="The ID of a feature that the plan includes.")
    add_on = FlagFilter(help_text="Whether it is sold in addition to another plan.")
    archived = FlagFilter(method="accept", help_text="`true` includes archived plans.")
    all_versions = FlagFilter(method="accept", help_text="`true` includes older versions.")
    created_after = InstantFilter("created_at", "gte", help_text="Created at or after this time.")
    created_before = InstantFilter("created_at", "lt", help_text="Created before this time.")

    def search(self, rows: PlanQuerySet, name: str, value: str) -> PlanQuerySet:
        return rows.filter(Q(plan_id__icontains=value) | Q(name__icontains=value))

    def with_feature(self, rows: PlanQuerySet, name: str, value: str) -> PlanQuerySet:
        return rows.filter(Exists(PlanItem.objects.filter(plan=OuterRef("pk"), feature__feature_id=value)))

    def accept(self, rows: PlanQuerySet, name: str, value: object) -> PlanQuerySet:
        """Filter nothing here: `filter_queryset` applies the value."""
        return rows

    def filter_queryset(self, queryset: PlanQuerySet) -> PlanQuerySet:
        rows: PlanQuerySet = super().filter_queryset(queryset)
        given = self.form.cleaned_data
        return sold_plans(rows, archived=bool(given["archived"]), all_versions=bool(given["all_versions"]))


def sold_plans(rows: PlanQuerySet, *, archived: bool = False, all_versions: bool = False) -> PlanQuerySet:
    """The newest versions that aren't archived, or more. Stubs, of which only the ID is known, are left out."""
    rows = rows if all_versions else rows.latest_versions()
    return rows.filter(is_stub=False) if archived else rows.filter(is_stub=False, archived=False)


class FeatureFilter(ListFilterSet):
    """The filters of the list of features. Archived features are left out unless `archived` is true."""

    q = TextFilter(method="search", help_text="Text in the ID or the name, ignoring case.")
    id = TextFilter("feature_id", help_text="The exact ID of the feature.")
    type = WordFilter(words=Feature.Type.values, help_text="The type of feature.")
    consumable = FlagFilter(help_text="Whether it is used up, like API calls, or held, like seats.")
    plan = TextFilter(
        method="of_plan", help_text="The ID of a plan that includes the feature, in any version."
    )
    archived = FlagFilter(method="accept", help_text="`true` includes archived features.")

    def search(self, rows: QuerySet[Feature], name: str, value: str) -> QuerySet[Feature]:
        return rows.filter(Q(feature_id__icontains=value) | Q(name__icontains=value))

    def of_plan(self, rows: QuerySet[Feature], name: str, value: str) -> QuerySet[Feature]:
        items = PlanItem.objects.filter(feature=OuterRef("pk"), plan__in=Plan.objects.filter(plan_id=value))
        return rows.filter(Exists(items))

    def accept(self, rows: QuerySet[Feature], name: str, value: object) -> QuerySet[Feature]:
        """Filter nothing here: `filter_queryset` applies the value."""
        return rows

    def filter_queryset(self, queryset: QuerySet[Feature]) -> QuerySet[Feature]:
        rows: QuerySet[Feature] = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["archived"] else rows.filter(archived=False)


def _grants(**conditions: Any) -> Exists:
    """Whether a balance has a grant that counts now and meets the conditions."""
    return Exists(Grant.objects.counted().filter(balance=OuterRef("pk"), **conditions))


def _either(rows: SubscriptionQuerySet, those: SubscriptionQuerySet, is_wanted: bool) -> SubscriptionQuerySet:
    return those if is_wanted else rows.exclude(pk__in=those.order_by().values("pk"))
