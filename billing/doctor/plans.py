"""Subscriptions that exclude one another, periods billed twice, prices that can't be charged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from billing.doctor.findings import Advance, Finding
from billing.models import Invoice, InvoiceLine, Plan, Subscription
from billing.revenue.monthly import UnusablePrice, prepaid_price, recurring_prepaid_items
from billing.rules.money import is_known
from customers.formats import moment

_NEVER = datetime.max.replace(tzinfo=UTC)


def check_groups(advance: Advance) -> Iterator[Finding]:
    """Two plans of one group that a customer, or an entity, has at the same time."""
    exclusive = (
        Subscription.objects.running()
        .filter(add_on=False, plan__add_on=False, plan__group__isnull=False)
        .exclude(plan__group="")
    )
    others = exclusive.filter(customer=OuterRef("customer"), plan__group=OuterRef("plan__group"))
    subscriptions = (
        exclusive.filter(Exists(others.exclude(pk=OuterRef("pk"))))
        .select_related("customer", "plan")
        .order_by("customer_id", "entity_id", "plan__group", "started_at", "pk")
    )
    owner_and_group = attrgetter("customer_id", "entity_id", "plan.group")
    for _, of_group in groupby(subscriptions.iterator(), key=owner_and_group):
        before: Subscription | None = None
        for subscription in of_group:
            if before is not None and subscription.started_at < (before.expires_at or _NEVER):
                yield Finding(
                    str(subscription.pk),
                    f"{subscription.plan} of {subscription.customer}",
                    f"it overlaps {before.pk} ({before.plan}) of the same group “{subscription.plan.group}”",
                    "Cancel one of them.",
                )
            if before is None or (subscription.expires_at or _NEVER) > (before.expires_at or _NEVER):
                before = subscription


def check_billed_periods(advance: Advance) -> Iterator[Finding]:
    """Two invoices that bill overlapping periods of one subscription."""
    base = InvoiceLine.objects.filter(invoice=OuterRef("pk"), kind=InvoiceLine.Kind.BASE)
    invoices: QuerySet[Any, Any] = (
        Invoice.objects.filter(
            Exists(base),
            subscription__isnull=False,
            period_start__isnull=False,
            period_end__isnull=False,
            removed_at=None,
        )
        .exclude(number="")
        .exclude(status=Invoice.Status.VOID)
        .order_by("subscription_id", "period_start", "pk")
        .values_list(
            "subscription_id", "number", "period_start", "period_end", "pk", "subscription__plan__name"
        )
    )
    for _, of_subscription in groupby(invoices.iterator(), key=itemgetter(0)):
        before, ends = "", None
        for _, number, start, end, pk, plan in of_subscription:
            if ends is not None and start < ends:
                yield Finding(
                    pk,
                    number,
                    f"it bills {plan} from {moment(start)}, but {before} already bills it until {moment(ends)}",
                    "Issue a credit note for what was billed twice.",
                )
            if ends is None or end > ends:
                before, ends = number, end


def check_prices(advance: Advance) -> Iterator[Finding]:
    """Plans in use with a recurring price that can't be charged."""
    active = Subscription.objects.active().filter(plan=OuterRef("pk"))
    plans: QuerySet[Any] = Plan.objects.filter(Exists(active)).order_by("pk")
    for plan in plans.prefetch_related(Prefetch("items", recurring_prepaid_items(), to_attr="prepaid_items")):
        problems = []
        if not is_known(plan.currency):
            problems.append(f"{plan.currency} is not a currency")
        for item in plan.prepaid_items:
            try:
                prepaid_price(item)
            except UnusablePrice as unusable:
                problems.append(str(unusable))
        for problem in problems:
            yield Finding(
                plan.pk,
                str(plan),
                f"its subscriptions are left out of revenue because {problem}",
                "Create a version with the right price and move the customers to it.",
            )
