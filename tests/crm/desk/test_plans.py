"""The database reads facts or an index for each segment filter, list and number of the home page: no table of children."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict

from billing.models import Balance, Feature, Invoice, Plan, Subscription
from crm.desk.scope import Scope
from crm.desk.segments.filter import FilterContext
from crm.desk.segments.query import FILTERS, Query
from crm.desk.worklist.queries import accounts_of
from crm.home.tiles import tiles_of
from crm.models import (
    BalanceFacts,
    CurrencyFacts,
    CustomerFacts,
    CustomerTag,
    Relationship,
    Tag,
    WorklistEntry,
    WorklistReason,
)
from customers.models import Address, Customer
from tests.factories import make_feature, make_plan, make_tag, make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

HOUR = timedelta(hours=1)
#: Customers that are made at a time.
_BATCH = 5000

#: Each filter at least once, and those together that a page offers together.
SEGMENTS = (
    "owner=me",
    "owner=nobody",
    "tag=pilot",
    "plan=rare",
    "subscription=active",
    "subscription=past_due&subscription=ending",
    "subscription=trial",
    "subscription=scheduled",
    "subscription=none",
    "mrr=some",
    "mrr=none",
    "mrr_from=50&mrr_to=500&mrr_currency=USD",
    "balance=api",
    "balance=api&balance_to=100",
    "balance=api&balance_figure=used&balance_from=90",
    "balance=api&balance_figure=usage&balance_from=90",
    "balance=api&balance_figure=granted&balance_to=90",
    "late=30",
    "renews=10",
    "country=CH",
    "health_to=60",
    "quiet=150",
    "contact_within=7",
    "status=active&env=live&created_at_from=2026-01-01",
    "standing=archived",
    "owner=me&mrr_from=50&quiet=60&health_to=80&tag=pilot&plan=rare",
)

#: Tables with facts, with a row for each customer at most, or with a few rows in all. They may be read whole where most
#: customers match, such as those without MRR.
SMALL = {
    "auth_user",
    "auth_user_groups",
    "billing_feature",
    "billing_plan",
    "crm_tag",
    "crm_team",
    "crm_team_members",
    "crm_currencyfacts",
    "crm_customerfacts",
    "crm_relationship",
    "customers_customer",
}


def queries(user: Any) -> Iterator[tuple[str, QuerySet[Any]]]:
    """The first page and the bounded count of each segment and list."""
    for segment in SEGMENTS:
        rows = Query.read(QueryDict(segment)).customers(FilterContext(user, NOW))
        yield segment, rows[:50]
        yield f"{segment}, counted", rows.order_by()[:10_001]
    for scope in (Scope.ALL, Scope.MINE):
        for name, tile in tiles_of(user, scope, NOW).items():
            yield f"{name} of {scope}, counted", tile.rows[:251]
        yield f"worklist of {scope}", accounts_of(scope.owners(user))[:25]
    yield "worklist of a rule", accounts_of(None, "trial_ending")[:25]


def fill(user: Any, customers: int) -> None:
    """Thousands of customers, of whom each filter finds a few."""
    others = [make_user() for _ in range(20)]
    rare, usual = make_plan(plan_id="rare"), make_plan(plan_id="usual")
    api, calls = make_feature(feature_id="api"), make_feature(feature_id="calls")
    pilot, other = make_tag(name="pilot"), make_tag(name="other")
    for first in range(0, customers, _BATCH):
        _fill(
            range(first, min(first + _BATCH, customers)),
            user,
            others,
            (rare, usual),
            (api, calls),
            (pilot, other),
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As for tables so much larger that reading one whole is never the cheapest.
        cursor.execute("SET LOCAL random_page_cost = 1")


def _fill(
    numbers: range,
    user: Any,
    others: Sequence[Any],
    plans: tuple[Plan, Plan],
    features: tuple[Feature, Feature],
    tags: tuple[Tag, Tag],
) -> None:
    (rare, usual), (api, calls), (pilot, other) = plans, features, tags
    customers = [
        Customer(name=f"Customer {n}", created_at=NOW - n * HOUR, archived_at=NOW if n % 90 == 0 else None)
        for n in numbers
    ]
    Customer.objects.bulk_create(customers, batch_size=1000)
    rows: list[list[Any]] = [[] for _ in range(11)]
    for n, customer in zip(numbers, customers, strict=True):
        of_one = {"customer": customer}
        is_rare = n % 150 == 7
        soon = NOW + n * HOUR
        balance = Balance(**of_one, feature=api if is_rare else calls)
        subscription = Subscription(
            **of_one,
            plan=rare if is_rare else usual,
            subscription_id=f"sub {n}",
            past_due=is_rare,
            current_period_end=soon + n * HOUR,
            trial_ends_at=soon if is_rare else None,
        )
        facts = CustomerFacts(
            **of_one,
            plans=["rare" if is_rare else "usual"],
            is_active=not is_rare,
            is_scheduled=is_rare,
            is_past_due=is_rare,
            is_ending=is_rare,
            trial_ends_at=soon if is_rare else None,
            renews_at=soon + n * HOUR,
            last_contact_at=NOW - n * 9 * HOUR,
            health_score=50 + n % 50,
            computed_at=NOW,
        )
        of_each = (
            Relationship(**of_one, owner=user if is_rare else others[n % 20], currency="USD"),
            subscription,
            Invoice(
                **of_one,
                subscription=subscription,
                stripe_id=f"in_{n}",
                status="open" if is_rare else "paid",
                currency="USD",
                total=1,
                due_at=NOW - n * HOUR,
            ),
            balance,
            facts,
            CurrencyFacts(**of_one, currency="USD", mrr=10 * n),
            BalanceFacts(
                balance=balance,
                **of_one,
                feature=balance.feature,
                granted=n,
                remaining=n,
                usage=n,
                used_percent=n,
            ),
            Address(**of_one, is_default=True, country="CH" if is_rare else "TZ"),
        )
        entry = WorklistEntry(**of_one, person=user if is_rare else None, weight=n, heaviest=n)
        reason = WorklistReason(
            entry=entry, rule="balance_low" if is_rare else "unowned", words="", weight=n, since=NOW
        )
        for kind, row in zip(
            rows,
            (*of_each, CustomerTag(**of_one, tag=pilot if is_rare else other), entry, reason),
            strict=True,
        ):
            kind.append(row)
    for kind in rows:
        type(kind[0]).objects.bulk_create(kind, batch_size=1000)


def scanned(rows: QuerySet[Any]) -> set[str]:
    """The tables that the database reads from one end to the other."""
    if connection.vendor == "sqlite":
        plan = rows.explain()
        tables = set(re.findall(r"\bSCAN (\w+)", plan))
        names = dict(re.findall(r'"(\w+)" (U\d+|T\d+)\b', str(rows.query)))
        aliases = {alias: table for table, alias in names.items()}
        return {aliases.get(table, table) for table in tables}
    return set(_scanned(json.loads(rows.explain(format="json"))[0]["Plan"]))


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for each in node.get("Plans", ()):
        yield from _scanned(each)


def test_each_filter_is_among_them() -> None:
    used = {each.name for segment in SEGMENTS for each in Query.read(QueryDict(segment)).filters}
    assert used == {each.name for each in FILTERS}


@pytest.mark.parametrize(
    "customers",
    [
        # SQLite plans without looking at the rows.
        pytest.param(0, marks=pytest.mark.once),
        pytest.param(1500, marks=pytest.mark.postgresql),
        pytest.param(100_000, marks=[pytest.mark.postgresql, pytest.mark.soak]),
    ],
)
def test_no_list_reads_a_table_of_children(customers: int) -> None:
    user = make_user()
    if customers:
        fill(user, customers)
    found = {name: tables - SMALL for name, rows in queries(user) if (tables := scanned(rows)) - SMALL}
    assert found == {}
