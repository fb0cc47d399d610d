"""The home page, and the lists behind its numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import ExchangeRate
from crm.desk.facts.refresh import refresh_facts
from crm.desk.home.movement import refresh_movements
from crm.home import tiles
from crm.models import BalanceFacts, Notification
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_balance,
    make_customer,
    make_invoice,
    make_plan,
    make_relationship,
    make_subscription,
    make_team,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user("Account manager")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def numbers(client: Client, scope: str) -> dict[str, str]:
    tiles = client.get(reverse("admin:index"), {"scope": scope}).context["tiles"]
    return {tile.title: tile.value for tile in tiles}


def lively(owner: User | None = None) -> Customer:
    """A customer of whom each list has one row."""
    now = clock.now()
    customer = make_customer(name="Lively Ltd")
    make_relationship(customer=customer, owner=owner)
    make_subscription(customer=customer, subscription_id="a", current_period_end=now + timedelta(days=29))
    make_subscription(customer=customer, subscription_id="b", trial_ends_at=now + timedelta(days=6))
    make_subscription(customer=customer, subscription_id="c", past_due=True)
    make_invoice(customer=customer, status="open", due_at=now - timedelta(days=1))
    make_worklist_reason(entry=make_worklist_entry(customer=customer, person=owner))
    for runs_out_at, remaining in ((now + timedelta(days=2), 5), (None, 0)):
        balance = make_balance(customer=customer)
        BalanceFacts.objects.create(
            balance=balance,
            customer=customer,
            feature=balance.feature,
            granted=10,
            remaining=remaining,
            runs_out_at=runs_out_at,
        )
    return customer


def test_each_number_counts_what_its_list_shows(client: Client, user: User) -> None:
    lively(user)
    lively(make_user())
    assert numbers(client, "mine") == {
        "Customers": "1",
        "Renewals in 30 days": "1",
        "Trials ending in 7 days": "1",
        "Past-due subscriptions": "1",
        "Past-due invoices": "1",
        "Balances running out": "1",
        "Balances at zero": "1",
    }
    assert set(numbers(client, "all").values()) == {"2"}


def test_the_facts_add_up_what_is_owed_and_by_whom(client: Client, user: User) -> None:
    now = clock.now()
    owed = [(user, 100_000, 75), (user, 25_000, 10), (make_user(), 7_000, 10), (user, 9_000, -5)]
    for owner, total, days in owed:
        customer = make_customer()
        make_relationship(customer=customer, owner=owner)
        make_invoice(customer=customer, status="open", total=total, due_at=now - timedelta(days=days))
        refresh_facts([str(customer.pk)])
    context = client.get(reverse("admin:index")).context
    facts = {fact.label: fact for fact in context["facts"]}
    assert facts["Past due"].value == "$1,250.00"
    assert facts["Past due"].detail == "2 customers, oldest 75 days"
    assert facts["MRR"].value == "None"
    part = context["past_due"]
    assert [(line.label, line.customers, line.amount, line.width) for line in part.ages] == [
        ("1 to 30 days", "1", "$250.00", 20),
        ("61 to 90 days", "1", "$1,000.00", 80),
    ]
    assert [(line.when, line.amount) for line in part.debtors] == [("75 d", "$1,000.00"), ("10 d", "$250.00")]


def test_amounts_without_a_rate_are_named(client: Client, user: User) -> None:
    customer = make_customer()
    make_relationship(customer=customer, owner=user)
    late = {"customer": customer, "status": "open", "due_at": clock.now() - timedelta(days=1)}
    make_invoice(**late, total=50_000)
    make_invoice(**late, total=90_000, currency="EUR")
    refresh_facts([str(customer.pk)])
    facts = {fact.label: fact for fact in client.get(reverse("admin:index")).context["facts"]}
    assert facts["Past due"].value == "$500.00 + EUR"


def test_many_are_not_counted_to_the_end(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "MOST_COUNTED", 2)
    for made in (1, 2, 3):
        make_relationship(customer=make_customer(), owner=user)
        told = numbers(client, "mine")["Customers"]
        assert told == ("2+" if made == 3 else str(made))


@pytest.mark.parametrize("scope", ["mine", "team", "all"])
def test_the_rows_are_behind_their_number(client: Client, user: User, scope: str) -> None:
    teammate = make_user()
    mine, colleague, stranger = lively(user), lively(teammate), lively(make_user())
    make_team(name="North").members.add(user, teammate)
    expected = {"mine": [mine], "team": [mine, colleague], "all": [mine, colleague, stranger]}[scope]
    for tile in client.get(reverse("admin:index"), {"scope": scope}).context["tiles"]:
        listed = client.get(tile.url).context
        assert (tile.value, listed["problem"], len(listed["rows"])) == (str(len(expected)), "", len(expected))
        if tile.name == "customers":
            assert {row.key for row in listed["rows"]} == {str(each.pk) for each in expected}


def test_what_lies_beyond_is_not_counted(client: Client) -> None:
    now = clock.now()
    customer = make_customer()
    make_subscription(customer=customer, subscription_id="a", current_period_end=now + timedelta(days=31))
    make_subscription(customer=customer, subscription_id="b", trial_ends_at=now + timedelta(days=8))
    make_subscription(
        customer=customer,
        subscription_id="c",
        current_period_end=now + timedelta(days=5),
        expires_at=now + timedelta(days=5),
    )
    found = numbers(client, "all")
    assert (found["Renewals in 30 days"], found["Trials ending in 7 days"]) == ("0", "0")


def test_archived_customers_are_left_out(client: Client, user: User) -> None:
    customer = lively(user)
    Customer.objects.filter(pk=customer.pk).update(archived_at=clock.now())
    assert set(numbers(client, "mine").values()) == {"0"}


def test_the_number_of_queries_is_the_same_for_one_and_for_many(client: Client, user: User) -> None:
    counts = []
    for count in (1, 4):
        for _ in range(count):
            lively(user)
        refresh_movements()
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:index"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_revenue_is_shown_with_its_months_as_a_table(client: Client, user: User) -> None:
    customer = make_customer()
    make_relationship(customer=customer, owner=user)
    plan = make_plan(price_amount=99, price_interval="month", currency="USD")
    make_subscription(customer=customer, plan=plan, quantity=2, started_at=clock.now() - timedelta(days=400))
    page = client.get(reverse("admin:index")).content.decode()
    assert "No revenue history yet" in page
    assert "$198.00" not in page
    refresh_movements()
    page = client.get(reverse("admin:index")).content.decode()
    assert "$198.00 from 1 customer" in page
    assert "MRR at month end" in page


def test_who_may_see_nothing_is_shown_nothing() -> None:
    client = Client()
    client.force_login(make_user(is_superuser=False))
    assert "tiles" not in client.get(reverse("admin:index")).context


def test_the_neediest_come_first_with_their_reasons(client: Client, user: User) -> None:
    for name, weight in (("Calm Ltd", 5), ("Urgent Ltd", 90), ("Settled Ltd", 0)):
        entry = make_worklist_entry(
            customer=make_customer(name=name), person=user, weight=weight, heaviest=weight
        )
        make_worklist_reason(entry=entry, words=f"{name} has run out")
        make_worklist_reason(entry=entry, words="was seen to", decision="done")
    page = client.get(reverse("admin:index"))
    assert [str(account.row.entry.customer) for account in page.context["urgent"]] == [
        "Urgent Ltd",
        "Calm Ltd",
    ]
    assert "Urgent Ltd has run out" in page.content.decode()
    assert "was seen to" not in page.content.decode().lower()
    assert 'href="/admin/worklist/?scope=all"' in page.content.decode()


def test_test_mode_counts_nowhere(client: Client, user: User) -> None:
    customer = lively(user)
    refresh_facts([str(customer.pk)])
    Customer.objects.filter(pk=customer.pk).update(env="sandbox")
    refresh_movements()
    context = client.get(reverse("admin:index"), {"scope": "all"}).context
    assert {tile.value for tile in context["tiles"]} == {"0"}
    assert (context["urgent"], context["revenue"], context["past_due"]) == ([], None, None)


def test_whoever_owns_no_account_sees_all(client: Client, user: User) -> None:
    lively(make_user())
    assert client.get(reverse("admin:index")).context["scope"] == "all"
    make_relationship(customer=make_customer(), owner=user)
    assert client.get(reverse("admin:index")).context["scope"] == "mine"


def test_revenue_in_one_currency_or_in_all(client: Client, user: User) -> None:
    now = clock.now()
    for currency, price, end in (
        ("USD", 100, None),
        ("USD", 60, now - timedelta(days=50)),
        ("EUR", 50, None),
    ):
        plan = make_plan(price_amount=price, price_interval="month", currency=currency)
        make_subscription(
            customer=make_customer(),
            plan=plan,
            quantity=1,
            started_at=now - timedelta(days=500),
            expires_at=end,
            status="ended" if end else "active",
        )
    ExchangeRate.objects.create(currency="EUR", to_currency="USD", rate=2, day=now.date() - timedelta(days=1))
    refresh_movements()
    both = client.get(reverse("admin:index"), {"scope": "all"}).context
    assert {fact.label: fact.value for fact in both["facts"]}["MRR"] == "$200.00"
    # 260 a year ago, of which the same customers pay 200.
    assert dict(both["revenue"].figures)["NRR, 12 months"] == "76.9%"
    assert "rates of" in both["revenue"].note
    euros = client.get(reverse("admin:index"), {"scope": "all", "currency": "EUR"}).context
    assert dict(euros["revenue"].figures)["GRR, 12 months"] == "100.0%"
    assert {fact.label: fact.value for fact in euros["facts"]}["MRR"] == "$200.00"


def test_what_is_new_since_the_last_visit(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_customer()
    now = clock.now()
    for person, text, days in (
        (user, "Ada mentioned you in a note", 1),
        (user, "An old one", 30),
        (make_user(), "Of somebody else", 1),
    ):
        Notification.objects.create(user=person, kind="mentioned", text=text, at=now - timedelta(days=days))

    def news() -> list[str]:
        return [each.text for each in client.get(reverse("admin:index")).context["since"].news]

    assert news() == news() == ["Ada mentioned you in a note"]
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=9))
    assert news() == []


def test_an_empty_installation_begins_with_its_first_steps() -> None:
    client = Client()
    client.force_login(make_user("Administrator"))
    page = client.get(reverse("admin:index"))
    steps = {step.title: (step.is_done, step.is_next) for step in page.context["start"].steps}
    assert steps["Create your account"] == (True, False)
    assert steps["Set currency and seller"] == (False, True)
    assert 'href="/admin/imports/"' in page.content.decode()
    make_customer()
    assert "start" not in client.get(reverse("admin:index")).context


def test_the_old_url_of_a_list_leads_to_the_list_of_today() -> None:
    client = Client()
    client.force_login(make_user("Account manager"))
    old = client.get("/admin/list/overdue/?scope=all")
    assert old["Location"] == f"{reverse('desk-invoices')}?invoice_status=past_due&env=live&sort=-late"
    assert client.get(old["Location"]).status_code == 200
    assert client.get("/admin/list/nonsense/")["Location"] == reverse("admin:index")
