"""Subscriptions that exclude one another, periods billed twice, prices that can't be charged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from billing.catalog.currencies import NoPrice, base_price_in
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
    """Two invoices that bill the base price of a subscription for overlapping times.

    What was given back or credited in full doesn't count, nor void and uncollectible invoices.
    """
    given_back = (
        InvoiceLine.objects.filter(gives_back=OuterRef("pk"))
        .exclude(invoice__status=Invoice.Status.VOID)
        .order_by("period_start")
        .values("period_start")[:1]
    )
    lines: QuerySet[Any, Any] = (
        InvoiceLine.objects.filter(
            kind=InvoiceLine.Kind.BASE, invoice__subscription__isnull=False, invoice__removed_at=None
        )
        .exclude(invoice__number="")
        .exclude(invoice__status__in=(Invoice.Status.VOID, Invoice.Status.UNCOLLECTIBLE))
        .exclude(invoice__credited__gt=0, invoice__credited__gte=F("invoice__total"))
        .annotate(
            starts=Coalesce("period_start", "invoice__period_start"),
            ends=Coalesce(Subquery(given_back), "period_end", "invoice__period_end"),
        )
        .filter(starts__isnull=False, ends__isnull=False)
        .order_by("invoice__subscription_id", "starts", "invoice_id")
        .values_list(
            "invoice__subscription_id",
            "invoice__number",
            "starts",
            "ends",
            "invoice_id",
            "invoice__subscription__plan__name",
        )
    )
    for _, of_subscription in groupby(lines.iterator(), key=itemgetter(0)):
        before, until = "", None
        for _, number, start, end, pk, plan in of_subscription:
            if until is not None and start < until:
                yield Finding(
                    pk,
                    number,
                    f"it bills {plan} from {moment(start)}, but {before} already bills it until {moment(until)}",
                    "Issue a credit note for what was billed twice.",
                )
            if until is None or end > until:
                before, until = number, end


def check_prices(advance: Advance) -> Iterator[Finding]:
    """Plans in use with a recurring price that can't be charged."""
    active = Subscription.objects.active().filter(plan=OuterRef("pk"))
    plans: QuerySet[Any] = Plan.objects.filter(Exists(active)).order_by("pk")
    for plan in plans.prefetch_related(Prefetch("items", recurring_prepaid_items(), to_attr="prepaid_items")):
        problems = []
        if not is_known(plan.currency):
            problems.append(f"{plan.currency} is not a currency")
        billed_in = Subscription.objects.active().filter(plan=plan).exclude(currency="").order_by("currency")
        for currency in dict.fromkeys(
            [plan.currency, *billed_in.values_list("currency", flat=True).distinct()]
        ):
            try:
                base_price_in(plan, currency)
                for item in plan.prepaid_items:
                    prepaid_price(item, plan, currency)
            except (NoPrice, UnusablePrice) as unusable:
                problems.append(str(unusable))
        for problem in problems:
            yield Finding(
                plan.pk,
                str(plan),
                f"its subscriptions are left out of revenue because {problem}",
                "Create a version with the right price and move the customers to it.",
            )
