"""The filters of the list of billing documents."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from billing.models import Balance, BillingAccount, Flag, Subscription
from customers.api.filtersets import FlagFilter, InstantFilter, TextFilter, WordFilter
from customers.api.paging import orders_by_time
from customers.document.filters import CustomerFilter
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: The orders of customers by the creation time in their billing document.
OLDEST_FIRST, NEWEST_FIRST = orders_by_time("created_at", "billing_created_at")

#: The statuses of subscriptions in the billing document.
RUNNING = (Subscription.Status.ACTIVE.value, Subscription.Status.SCHEDULED.value)


def billed_customers() -> CustomerQuerySet:
    """All customers that aren't merged, with `billing_created_at`, the creation time in their billing document."""
    accounts = BillingAccount.objects.filter(customer=OuterRef("pk"))
    first = accounts.order_by(F("came_with").asc(nulls_first=True)).values("created_at")[:1]
    return Customer.objects.unmerged().annotate(billing_created_at=Coalesce(Subquery(first), "created_at"))


def subscribed(statuses: Collection[str], plans: Q | None = None) -> Exists:
    """Whether a customer has one subscription that is in `statuses` and meets the condition `plans`."""
    subscriptions = Subscription.objects.filter(customer=OuterRef("pk"), status__in=statuses)
    return Exists(subscriptions if plans is None else subscriptions.filter(plans))


class BillingCustomerFilter(CustomerFilter):
    plan = TextFilter(
        method="accept",
        help_text="The ID of a plan, in any version, of an active or scheduled subscription, or of one with the"
        " `subscription_status` if that is given.",
    )
    subscription_status = WordFilter(
        words=RUNNING, method="accept", help_text="The customer has a subscription with this status."
    )
    past_due = FlagFilter(
        method="filter_past_due", help_text="Whether an active subscription of the customer is past due."
    )
    feature = TextFilter(
        method="filter_feature",
        help_text="The ID of a feature of which the customer has a balance or a flag.",
    )
    created_after = InstantFilter("billing_created_at", "gte", help_text="Created at this time or later.")
    created_before = InstantFilter("billing_created_at", "lt", help_text="Created before this time.")

    def filter_past_due(self, rows: CustomerQuerySet, name: str, value: bool) -> CustomerQuerySet:
        """With a past due subscription, or without one."""
        past_due = Exists(Subscription.objects.past_due().filter(customer=OuterRef("pk")))
        return rows.filter(past_due if value else ~past_due)

    def filter_feature(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        of_feature = {"customer": OuterRef("pk"), "feature__feature_id": value}
        return rows.filter(
            Exists(Balance.objects.filter(**of_feature, removed_at=None))
            | Exists(Flag.objects.filter(**of_feature))
        )

    def filter_queryset(self, queryset: CustomerQuerySet) -> CustomerQuerySet:
        """Apply the filters. Plan and status apply to the same subscription."""
        rows = super().filter_queryset(queryset)
        plan, status = (self.form.cleaned_data[name] for name in ("plan", "subscription_status"))
        if not plan and not status:
            return rows
        return rows.filter(
            subscribed([status] if status else RUNNING, Q(plan__plan_id=plan) if plan else None)
        )
