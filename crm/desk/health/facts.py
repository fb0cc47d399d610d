"""The facts behind health scores, read for many customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, F, IntegerField, Min, OuterRef, Q, Sum, Value, When
from django.utils.timezone import localdate

from billing.ledger.balance_figures import figures_of_balances
from billing.models import Balance, Feature, Invoice, Posting, Subscription
from crm.contacts import last_contacts
from crm.models import Task
from customers.formats import local
from customers.models import Customer

#: Usage of the last 30 days is compared with that of the 30 days before.
TREND = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTrend:
    """How much of a feature was used in the last `TREND`, and in the `TREND` before."""

    feature: str
    latest: Decimal
    before: Decimal


@dataclass(slots=True, kw_only=True)
class HealthFacts:
    """What is known of one customer at a moment; days are whole, in the installation's time zone."""

    since: date
    is_suspended: bool = False
    is_billed: bool = False
    overdue: int = 0
    overdue_days: int = 0
    is_past_due: bool = False
    trends: list[UsageTrend] = field(default_factory=list)
    balances: int = 0
    exhausted: list[str] = field(default_factory=list)
    over: list[tuple[str, Decimal]] = field(default_factory=list)
    silent_days: int | None = None
    tenure_days: int = 0
    canceled: int = 0
    late_tasks: int = 0


def facts_of(customer_ids: Sequence[str], at: datetime) -> dict[str, HealthFacts]:
    """The facts of these customers at `at`, in a fixed number of queries.

    Usage of merged customers counts for the survivor.
    """
    today = localdate(at)
    facts: dict[str, HealthFacts] = {}
    customers = Customer.objects.filter(pk__in=customer_ids).order_by()
    for key, status, created_at, start, is_billed in customers.values_list(
        "pk",
        "status",
        "created_at",
        "relationship__start_date",
        Exists(Invoice.objects.filter(customer=OuterRef("pk"), removed_at=None)),
    ):
        since = since_of(start, created_at)
        facts[str(key)] = HealthFacts(
            since=since,
            is_suspended=status == Customer.Status.SUSPENDED,
            is_billed=is_billed,
            tenure_days=max((today - since).days, 0),
        )
    _add_subscriptions(facts, at)
    _add_invoices(facts, at, today)
    late = Task.objects.due_by(today - timedelta(days=1)).filter(customer_id__in=facts).order_by()
    for key, number in late.values_list("customer_id").annotate(number=Count("pk")):
        facts[str(key)].late_tasks = number
    _add_trends(facts, at)
    _add_balances(facts, at)
    for key, contact_at in last_contacts(facts, at).items():
        facts[key].silent_days = max((today - local(contact_at).date()).days, 0)
    return facts


def since_of(start: date | None, created_at: datetime) -> date:
    """The first day of a customer: of the business relationship, or of the record if that isn't known."""
    return start or local(created_at).date()


def _add_subscriptions(facts: dict[str, HealthFacts], at: datetime) -> None:
    rows = Subscription.objects.running().filter(customer_id__in=facts).order_by().values_list("customer_id")
    is_active = Q(status=Subscription.Status.ACTIVE)
    leaving = is_active & Q(canceled_at__isnull=False) & (Q(expires_at=None) | Q(expires_at__gt=at))
    for key, past_due, canceled in rows.annotate(
        past_due=Count("pk", is_active & Q(past_due=True)), canceled=Count("pk", leaving)
    ):
        facts_of_one = facts[str(key)]
        facts_of_one.is_billed = True
        facts_of_one.is_past_due = past_due > 0
        facts_of_one.canceled = canceled


def _add_invoices(facts: dict[str, HealthFacts], at: datetime, today: date) -> None:
    overdue = Invoice.objects.overdue(at).filter(customer_id__in=facts).order_by().values_list("customer_id")
    for key, count, oldest in overdue.annotate(count=Count("pk"), oldest=Min("due_at")):
        facts[str(key)].overdue = count
        facts[str(key)].overdue_days = (today - local(oldest).date()).days


def _add_balances(facts: dict[str, HealthFacts], at: datetime) -> None:
    """Consumable balances with an allowance: how many, and the features of those at zero and in overage."""
    rows = Balance.objects.filter(customer_id__in=facts, removed_at=None, feature__consumable=True)
    balances = {str(row.pk): row for row in rows.exclude(feature__type="boolean").select_related("feature")}
    for key, figures in figures_of_balances(balances, at).items():
        if figures.unlimited or figures.granted <= 0:
            continue
        balance = balances[key]
        of_one = facts[str(balance.customer_id)]
        of_one.balances += 1
        if figures.billable_overage > 0:
            of_one.over.append((str(balance.feature), figures.billable_overage))
        elif figures.remaining <= 0:
            of_one.exhausted.append(str(balance.feature))
    for each in facts.values():
        each.exhausted.sort()
        each.over.sort()


def _add_trends(facts: dict[str, HealthFacts], at: datetime) -> None:
    merged = Customer.objects.filter(merged_into__id__in=list(facts)).values_list("pk", "merged_into_id")
    survivors = {str(key): str(survivor) for key, survivor in merged}
    is_latest = Case(
        When(occurred_at__gt=at - TREND, then=Value(1)), default=Value(0), output_field=IntegerField()
    )
    postings: Any = Posting.objects.filter(
        customer_id__in=[*facts, *survivors],
        kind__in=(Posting.Kind.USAGE, Posting.Kind.REFUND),
        occurred_at__gt=at - 2 * TREND,
        occurred_at__lte=at,
        feature__isnull=False,
    ).order_by()
    sums = postings.values_list("customer_id", "feature_id", is_latest).annotate(total=Sum(F("amount")))
    used: dict[str, dict[str, list[Decimal]]] = defaultdict(
        lambda: defaultdict(lambda: [Decimal(0), Decimal(0)])
    )
    for key, feature_id, latest, total in sums:
        customer_id = survivors.get(str(key), str(key))
        used[customer_id][str(feature_id)][0 if latest else 1] += total or 0
    features = {each for of_customer in used.values() for each in of_customer}
    names = {str(row.pk): str(row) for row in Feature.objects.filter(pk__in=features)}
    for customer_id, of_customer in used.items():
        facts[customer_id].trends = [
            UsageTrend(feature=names[each], latest=latest, before=before)
            for each, (latest, before) in sorted(of_customer.items())
        ]
