"""What lists of customers can be narrowed by, as the billing platform knows them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from billing.models import Balance, Flag, Subscription
from customers.api.filtersets import FlagFilter, InstantFilter, TextFilter, WordFilter
from customers.api.paging import orders_by_time
from customers.document.filters import CustomerFilter
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: The order of customers by that time, the earliest first and the latest first.
OLDEST_FIRST, NEWEST_FIRST = orders_by_time("created_at", "billing_created_at")

#: The states of a subscription that the billing document knows.
RUNNING = (Subscription.Status.ACTIVE.value, Subscription.Status.SCHEDULED.value)


def billed_customers() -> CustomerQuerySet:
    """Every customer that has a billing document, with `billing_created_at`, the time that this document shows."""
    return Customer.objects.unmerged().annotate(
        billing_created_at=Coalesce("billing_account__created_at", "created_at")
    )


def subscribed(statuses: Collection[str], plans: Q | None = None) -> Exists:
    """Whether a customer has a subscription in one of `statuses`, to a plan for which `plans` holds.

    `plans` is a condition on subscriptions.
    """
    subscriptions = Subscription.objects.filter(customer=OuterRef("pk"), status__in=statuses)
    return Exists(subscriptions if plans is None else subscriptions.filter(plans))


class BillingCustomerFilter(CustomerFilter):
    """What the list of billing documents can be narrowed by."""

    plan = TextFilter(
        method="accept",
        help_text="The id of a plan, in any version, that the customer is subscribed to (active or scheduled, or"
        " as `subscription_status` says).",
    )
    subscription_status = WordFilter(
        words=RUNNING, method="accept", help_text="The customer has a subscription in this state."
    )
    past_due = FlagFilter(
        method="owing", help_text="Whether an active subscription of the customer is past due."
    )
    feature = TextFilter(
        method="entitled", help_text="The id of a feature that the customer has a balance or a flag of."
    )
    created_after = InstantFilter("billing_created_at", "gte", help_text="Created at this time or later.")
    created_before = InstantFilter("billing_created_at", "lt", help_text="Created before this time.")

    def owing(self, rows: CustomerQuerySet, name: str, value: bool) -> CustomerQuerySet:
        """Those who owe, or those who do not."""
        owing = Exists(Subscription.objects.past_due().filter(customer=OuterRef("pk")))
        return rows.filter(owing if value else ~owing)

    def entitled(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Those with a balance or a flag of the feature."""
        of_feature = {"customer": OuterRef("pk"), "feature__feature_id": value}
        return rows.filter(
            Exists(Balance.objects.filter(**of_feature, removed_at=None))
            | Exists(Flag.objects.filter(**of_feature))
        )

    def filter_queryset(self, queryset: CustomerQuerySet) -> CustomerQuerySet:
        """Apply the filters; plan and state are asked of one and the same subscription."""
        rows = super().filter_queryset(queryset)
        plan, status = (self.form.cleaned_data[name] for name in ("plan", "subscription_status"))
        if not plan and not status:
            return rows
        return rows.filter(
            subscribed([status] if status else RUNNING, Q(plan__plan_id=plan) if plan else None)
        )
