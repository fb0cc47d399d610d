"""The database reads figures, facts or an index for each report with each filter: no table of children."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from billing.models import Feature
from crm.models import (
    CurrencyFacts,
    CustomerFacts,
    Receivable,
    Relationship,
    RevenueChange,
    UsageMonth,
    WorkMonth,
)
from crm.reports.catalog import REPORTS
from crm.reports.choices import read_choices
from customers import clock
from customers.models import Customer
from tests.crm.reports.rows import NOW, TODAY
from tests.factories import make_feature, make_segment, make_team, make_user

pytestmark = pytest.mark.django_db

_CUSTOMERS = 3000
#: Customers that are made at a time.
_BATCH = 5000
#: Figures and facts, with few rows for each customer, and tables with a few rows in all.
FIGURES = {"crm_revenuechange", "crm_receivable", "crm_usagemonth", "crm_workmonth", "crm_revenuemonth"}
READ = FIGURES | {
    "auth_user",
    "auth_user_groups",
    "billing_exchangerate",
    "billing_feature",
    "billing_plan",
    "crm_currencyfacts",
    "crm_customerfacts",
    "crm_relationship",
    "crm_segment",
    "crm_team",
    "crm_team_members",
    "customers_customer",
    "customers_storedsetting",
}
FILTERS = ("", "owner=me", "owner=team", "owner=none", "env=all", "as_of=2026-04-14", "currency=EUR")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def statements(user: Any, filters: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What each report with each filter asks the database."""
    for query in filters:
        request: Any = RequestFactory().get(f"/?{query}")
        request.GET, request.user = QueryDict(query), user
        for report in REPORTS:
            with CaptureQueriesContext(connection) as captured:
                page = report.build(read_choices(request, report).choices)
            assert page.table is not None or query.startswith(("owner", "segment", "as_of")), report.name
            for each in captured:
                yield f"{report.name}?{query}", each["sql"]


def fill(user: Any, customers: int) -> None:
    """Figures of thousands of customers."""
    feature = make_feature()
    make_team(members=[user])
    for first in range(0, customers, _BATCH):
        _fill(range(first, min(first + _BATCH, customers)), user, feature)
    WorkMonth.objects.create(user=user, env="live", month=TODAY.replace(day=1), calls=1)


def _fill(numbers: range, user: Any, feature: Feature) -> None:
    customers = [Customer(name=f"Customer {n}") for n in numbers]
    Customer.objects.bulk_create(customers, batch_size=1000)
    long_ago = TODAY - timedelta(days=30)
    rows: list[list[Any]] = [[] for _ in range(6)]
    for n, customer in zip(numbers, customers, strict=True):
        of_one = {"account": customer, "env": "live"}
        currency = "EUR" if n % 5 == 0 else "USD"
        known: dict[str, Any] = {**of_one, "currency": currency, "known_from": long_ago}
        month = TODAY.replace(month=1 + n % 4, day=1)
        of_each = (
            RevenueChange(**known, month=month, kind="new", before=0, after=n + 1),
            Receivable(**known, due_on=TODAY - timedelta(days=n % 100), amount=n + 1, invoices=1),
            UsageMonth(**of_one, feature=feature, month=month, amount=n),
            CustomerFacts(customer=customer, computed_at=NOW, renews_at=NOW + timedelta(hours=1 + n)),
            CurrencyFacts(customer=customer, currency=currency, mrr=n + 1),
            Relationship(customer=customer, owner=user if n % 100 == 0 else None, currency="USD"),
        )
        for kind, row in zip(rows, of_each, strict=True):
            kind.append(row)
    for kind in rows:
        type(kind[0]).objects.bulk_create(kind, batch_size=1000)


def test_reports_ask_for_figures_and_facts_only() -> None:
    user = make_user()
    fill(user, 100)
    found: dict[str, set[str]] = {}
    for name, sql in statements(user, FILTERS):
        others = set(re.findall(r'(?:FROM|JOIN) "(\w+)"', sql)) - READ
        if others:
            found.setdefault(name, set()).update(others)
    assert found == {}


@pytest.mark.postgresql
@pytest.mark.parametrize("customers", [_CUSTOMERS, pytest.param(100_000, marks=pytest.mark.soak)])
def test_no_plan_reads_a_table_of_children(customers: int) -> None:
    user = make_user()
    fill(user, customers)
    segment = make_segment(
        owner=user, query={"mrr": ["some"], "status": ["active"], "subscription": ["active"]}
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        found = {}
        asked = list(statements(user, (*FILTERS, f"segment={segment.pk}")))
        for name, sql in asked:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            (plan,) = cursor.fetchone()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            if others := set(_scanned(plan[0]["Plan"])) - READ:
                found[name] = others
    assert len(asked) > 50
    assert found == {}


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from one end to the other."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for each in node.get("Plans", ()):
        yield from _scanned(each)
