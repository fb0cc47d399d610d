"""The lists: their rows in each order, what narrows them, and how many queries they take."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.lists.column import RowList
from crm.desk.lists.paging import Cursor, Order, page_of_rows, read_cursor
from crm.desk.lists.urls import LISTS
from customers import clock
from customers.models import Customer
from tests.desk import refresh_all_facts
from tests.examples import sampled
from tests.factories import (
    make_activity,
    make_balance,
    make_company,
    make_contact,
    make_customer,
    make_customer_tag,
    make_domain,
    make_grant,
    make_invoice,
    make_plan,
    make_relationship,
    make_segment,
    make_subscription,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db


def signed_in(role: str = "Administrator") -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def rich_customer(name: str, owner: User | None = None) -> Customer:
    """A customer with a row in each list."""
    now = clock.now()
    customer = make_customer(name=name)
    make_relationship(customer=customer, owner=owner)
    make_subscription(customer=customer, current_period_end=now + timedelta(days=9))
    make_invoice(customer=customer, status="open", due_at=now - timedelta(days=40), created_at=now)
    make_grant(balance=make_balance(customer=customer))
    make_company(customer=customer)
    make_domain(customer=customer)
    make_contact(customer=customer)
    make_task(customer=customer, title=f"Call {name}")
    make_activity(customer=customer, happened_at=now - timedelta(days=2))
    make_customer_tag(customer=customer)
    return customer


def rows_in(client: Client, name: str, **query: Any) -> list[str]:
    """The names of the rows of a list."""
    return [row.name for row in client.get(reverse(f"desk-{name}"), query).context["rows"]]


@pytest.mark.once
def test_each_list_takes_as_many_queries_for_three_rows_as_for_one() -> None:
    client = signed_in()
    rich_customer("One")
    refresh_all_facts()
    counts: list[dict[str, int]] = []
    for _ in range(2):
        found = {}
        for each in LISTS:
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(reverse(each.url_name))
            assert answer.status_code == 200, each.name
            assert len(answer.context["rows"]) == (1 if not counts else 3), each.name
            found[each.name] = len(queries)
        counts.append(found)
        if len(counts) == 1:
            rich_customer("Two")
            rich_customer("Three")
            refresh_all_facts()
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 20


def pages_through(row_list: RowList, order: Order, descending: bool) -> tuple[list[str], list[str]]:
    """The IDs of all rows on the way to the end, and on the way back."""
    forward: list[str] = []
    place: Cursor | None = None
    page = page_of_rows(row_list.rows(), order, descending=descending, size=3)
    while True:
        assert page.first == len(forward) + 1
        forward += [str(row.pk) for row in page.rows]
        if page.next is None:
            break
        place = read_cursor(str(page.next), order, row_list.prefixes)
        page = page_of_rows(row_list.rows(), order, descending=descending, after=place, size=3)
    backward = [str(row.pk) for row in page.rows]
    while page.previous is not None:
        place = read_cursor(str(page.previous), order, row_list.prefixes)
        page = page_of_rows(row_list.rows(), order, descending=descending, before=place, size=3)
        # The first page is full, so it may repeat rows of the second.
        backward = [key for key in (str(row.pk) for row in page.rows) if key not in backward] + backward
    return forward, backward


def test_paging_shows_each_row_once_in_every_order_and_both_directions() -> None:
    chance = random.Random(7)
    now = clock.now()
    for _ in range(11):
        customer = make_customer(
            name=chance.choice(["Ash", "ash", "Birch", "", "Älder"]),
            created_at=now - timedelta(days=chance.randrange(3)),
        )
        for _ in range(chance.randrange(2)):
            make_invoice(
                customer=customer,
                status="open",
                due_at=chance.choice([None, now, now - timedelta(days=chance.randrange(3))]),
            )
            make_subscription(
                customer=customer,
                current_period_end=chance.choice([None, now + timedelta(days=chance.randrange(1, 3))]),
                trial_ends_at=chance.choice([None, now + timedelta(days=2)]),
            )
            make_grant(balance=make_balance(customer=customer))
            make_task(customer=customer, due_on=chance.choice([None, now.date()]))
            make_company(customer=customer)
            make_contact(customer=customer)
            make_activity(customer=customer, happened_at=now - timedelta(days=chance.randrange(3)))
    refresh_all_facts()
    # A customer of which no job has computed facts yet.
    make_customer(name="New")
    for row_list in LISTS:
        everything = {str(row.pk) for row in row_list.rows()}
        assert len(everything) > 3, row_list.name
        for column in row_list.columns:
            for descending in (False, True) if column.order else ():
                assert column.order is not None
                forward, backward = pages_through(row_list, column.order, descending)
                assert len(forward) == len(everything), (row_list.name, column.name, descending)
                assert set(forward) == everything, (row_list.name, column.name, descending)
                assert backward == forward, (row_list.name, column.name, descending)


@pytest.mark.once
def test_views_filters_search_and_sort_narrow_and_order_the_customers() -> None:
    user = make_user("Account manager")
    client = Client()
    client.force_login(user)
    late, early = rich_customer("Late Ltd", user), make_customer(name="Early Ltd", email="e@example.com")
    make_invoice(customer=early, status="open", due_at=clock.now() + timedelta(days=5))
    make_customer(name="Gone Ltd", archived_at=clock.now())
    make_segment(name="Earls", owner=user, query={"owner": ["nobody"]})
    refresh_all_facts()
    page = client.get(reverse("desk-customers"))
    assert {row.name for row in page.context["rows"]} == {"Late Ltd", "Early Ltd"}
    assert page.context["total"] == "2"
    tabs = {tab.label: tab.url for tab in page.context["tabs"]}
    assert [row.name for row in client.get(tabs["Mine"]).context["rows"]] == ["Late Ltd"]
    assert [row.name for row in client.get(tabs["Past due"]).context["rows"]] == ["Late Ltd"]
    assert [row.name for row in client.get(tabs["Earls"]).context["rows"]] == ["Early Ltd"]
    assert rows_in(client, "customers", sort="-late") == ["Late Ltd", "Early Ltd"]
    assert rows_in(client, "customers", sort="late") == ["Early Ltd", "Late Ltd"]
    assert rows_in(client, "customers", q="e@example.com") == ["Early Ltd"]
    # The search finds archived customers too, as the search of every page does.
    assert rows_in(client, "customers", q="Gone") == ["Gone Ltd"]
    narrowed = client.get(tabs["Mine"] + "&status=active&sort=-late")
    assert [chip.words for chip in narrowed.context["chips"]] == ["Status Active", "Account manager Me"]
    assert narrowed.context["chips"][1].remove_url == f"{reverse('desk-customers')}?status=active&sort=-late"
    assert str(late.pk) in narrowed.content.decode()
    assert (
        "No customers match"
        in client.get(reverse("desk-customers"), {"status": "suspended"}).content.decode()
    )


@pytest.mark.once
def test_customers_sort_by_status_plan_and_owner_as_they_are_shown() -> None:
    now = clock.now()
    amy = User.objects.create_user("u1", first_name="Amy", last_name="Ash")
    bo = User.objects.create_user("u0", first_name="Bo", last_name="Birch")
    last, first = make_plan(plan_id="a", name="Zeta"), make_plan(plan_id="z", name="Alpha")
    trial, late, calm = (make_customer(name=name) for name in ("Trial", "Late", "Calm"))
    make_customer(name="Alone", status="suspended")
    make_subscription(customer=trial, plan=last, trial_ends_at=now + timedelta(days=2))
    make_invoice(customer=late, status="open", due_at=now - timedelta(days=2))
    make_subscription(customer=calm, plan=first)
    make_relationship(customer=trial, owner=bo)
    make_relationship(customer=calm, owner=amy)
    refresh_all_facts()
    client = signed_in()
    assert rows_in(client, "customers", sort="status") == ["Late", "Alone", "Trial", "Calm"]
    assert rows_in(client, "customers", sort="-status") == ["Calm", "Trial", "Alone", "Late"]
    # Rows without a plan or an account manager come last.
    assert rows_in(client, "customers", sort="plan")[:2] == ["Calm", "Trial"]
    assert rows_in(client, "customers", sort="-plan")[:2] == ["Trial", "Calm"]
    assert rows_in(client, "customers", sort="owner")[:2] == ["Calm", "Trial"]
    assert rows_in(client, "customers", sort="-owner")[:2] == ["Trial", "Calm"]


@pytest.mark.once
def test_subscriptions_and_invoices_sort_by_state_amount_and_customer() -> None:
    now = clock.now()
    birch, ash = make_customer(name="Birch"), make_customer(name="ash")
    dear = make_plan(plan_id="a", name="Dear", price_amount=Decimal(90), price_interval="month")
    cheap = make_plan(plan_id="b", name="Cheap", price_amount=Decimal(100), price_interval="year")
    make_subscription(customer=birch, plan=cheap, quantity=Decimal(10))
    make_subscription(customer=ash, plan=dear, quantity=Decimal(9), canceled_at=now)
    make_invoice(customer=birch, number="I-2", total=300, status="open", due_at=now + timedelta(days=5))
    make_invoice(customer=ash, number="I-1", total=500, paid=400, status="open", due_at=now)
    make_invoice(customer=ash, number="I-3", total=9000, paid=9000, status="paid")
    refresh_all_facts()
    client = signed_in()

    def sorted_by(name: str, column: str) -> list[str]:
        return [words.split(" v")[0] for words in rows_in(client, name, sort=column)]

    for column, names in {
        "plan": ["Cheap", "Dear"],
        "customer": ["Dear", "Cheap"],
        "status": ["Dear", "Cheap"],
        "-mrr": ["Dear", "Cheap"],
        "-quantity": ["Cheap", "Dear"],
    }.items():
        assert sorted_by("subscriptions", column) == names, column
    for column, names in {
        "number": ["I-1", "I-2", "I-3"],
        "customer": ["I-1", "I-3", "I-2"],
        "status": ["I-1", "I-2", "I-3"],
        "-due": ["I-2", "I-1", "I-3"],
        "-total": ["I-3", "I-1", "I-2"],
    }.items():
        assert sorted_by("invoices", column) == names, column


@pytest.mark.once
def test_tasks_sort_by_status_and_blank_texts_come_last() -> None:
    today = clock.now().date()
    for title, due in (
        ("Soon", today + timedelta(days=1)),
        ("Someday", None),
        ("Late", today - timedelta(days=1)),
    ):
        make_task(title=title, due_on=due)
    make_task(title="Done", due_on=today - timedelta(days=9), done_at=clock.now())
    for name, industry in (("None", ""), ("Mills", "mills"), ("Arms", "Arms")):
        make_company(name=name, industry=industry)
    client = signed_in()
    assert rows_in(client, "tasks", sort="status") == ["Late", "Soon", "Someday", "Done"]
    assert rows_in(client, "companies", sort="industry") == ["Arms", "Mills", "None"]
    assert rows_in(client, "companies", sort="-industry") == ["Mills", "Arms", "None"]


@pytest.mark.once
def test_invoices_are_summed_by_age_and_narrowed_by_their_customers() -> None:
    user = make_user("Billing operations")
    client = Client()
    client.force_login(user)
    rich_customer("Late Ltd", user)
    make_invoice(status="open", total=500, due_at=clock.now() + timedelta(days=3))
    make_invoice(status="paid")
    page = client.get(reverse("desk-invoices"))
    assert [(each.label, each.value) for each, _ in page.context["sums"]] == [
        ("Not due yet", "$5.00"),
        ("1 to 30 days", "None"),
        ("31 to 60 days", "$12.34"),
        ("61 to 90 days", "None"),
        ("Over 90 days", "None"),
    ]
    assert len(page.context["rows"]) == 3
    for sum_shown, url in page.context["sums"]:
        count = len(client.get(url).context["rows"])
        assert sum_shown.detail.startswith(f"{count} invoice"), url
    assert len(client.get(reverse("desk-invoices"), {"owner": "me"}).context["rows"]) == 1


@pytest.mark.once
def test_a_balance_says_whether_it_lasts_and_is_found_by_it() -> None:
    client = signed_in("Billing operations")
    for name, used in (("Calm", 30), ("Nearly", 97), ("Gone", 100), ("Over", 120)):
        make_grant(balance=make_balance(customer=make_customer(name=name)), usage=Decimal(used))
    refresh_all_facts()
    page = client.get(reverse("desk-balances"))
    words = {}
    for row in page.context["rows"]:
        found = {column.name: cell.text for column, cell in row.cells}
        words[found["customer"]] = (found["used"], found["pace"])
    assert words == {
        "Over": ("120%", "Over by 20"),
        "Gone": ("100%", "Out"),
        "Nearly": ("97%", "Almost out, 3% left"),
        "Calm": ("30%", "No recent usage"),
    }
    assert list(words) == ["Over", "Gone", "Nearly", "Calm"]
    for state, count in (("out", 2), ("almost_out", 1), ("lasting", 1), ("running_out", 0), ("unlimited", 0)):
        assert len(rows_in(client, "balances", balance_status=state)) == count, state


@pytest.mark.once
def test_columns_are_kept_for_each_user_and_a_file_has_them() -> None:
    client = signed_in("Account manager")
    rich_customer("Late Ltd")
    choose = reverse("desk-list-columns", args=["invoices"])
    back = f"{reverse('desk-invoices')}?age=31"
    answer = client.post(choose, {"column": ["status", "total", "nonsense"], "next": back})
    assert answer["Location"] == back
    page = client.get(back)
    assert [each.column.label for each in page.context["headings"]] == ["Invoice", "Status", "Total"]
    file = client.get(back, {"age": "31", "export": "csv"})
    assert file["Content-Type"].startswith("text/csv")
    lines = b"".join(file).decode("utf-8-sig").splitlines()
    assert lines[0] == "Invoice,Status,Total"
    assert lines[1].endswith(",Past due,$12.34")
    assert len(lines) == 2
    client.post(choose, {"reset": "1", "next": "https://example.com/"})
    assert len(client.get(back).context["headings"]) == 8
    assert client.post(reverse("desk-list-columns", args=["nothing"])).status_code == 404


@pytest.mark.once
def test_what_a_user_may_not_see_is_no_column_filter_or_list() -> None:
    user = User.objects.create_user("guest", is_staff=True)
    client = Client()
    client.force_login(user)
    for each in LISTS:
        assert client.get(reverse(each.url_name)).status_code == 403, each.name
    viewer = signed_in("Viewer")
    page = viewer.get(reverse("desk-customers"))
    assert page.context["add"] is None
    assert page.context["save_url"] == ""


@pytest.mark.once
@pytest.mark.sampled
def test_what_no_list_means_is_never_an_error() -> None:
    client = signed_in()
    make_customer()
    queries = [
        "after=%00",
        "after=[null,null,1]",
        'after=["x","cus_01k3vpb7vqfj7v4a5jx9xq1f6n",1]',
        'sort=name&after=["\\u0000","cus_01k3vpb7vqfj7v4a5jx9xq1f6n",1]',
        "before=[]",
        "sort=nothing",
        "q=%00",
        "status=nonsense&add=nothing",
        "mrr_from=1e99",
        "age=x&owner=%00",
    ]
    for each, query in sampled(product(LISTS, queries), one_in=3):
        answer = client.get(f"{reverse(each.url_name)}?{query}", follow=True)
        assert answer.status_code == 200, (each.name, query)


def test_customers_show_their_mrr_in_each_currency() -> None:
    customer = make_customer()
    for price, currency in (("1200", "USD"), ("1500", "JPY")):
        plan = make_plan(price_amount=Decimal(price), currency=currency)
        make_subscription(customer=customer, plan=plan)
    refresh_all_facts()
    page = signed_in().get(reverse("desk-customers")).content.decode()
    assert "$1,200.00" in page
    assert "¥1,500" in page


@pytest.mark.parametrize("row_list", LISTS, ids=lambda row_list: row_list.name)
def test_an_empty_list_leads_to_a_first_row(row_list: RowList) -> None:
    def steps(role: str) -> set[str]:
        page = signed_in(role).get(reverse(row_list.url_name)).content.decode()
        empty = page[page.index("cl-empty") :]
        return {
            name
            for name in ("imports", "desk-customers", "admin:customers_customer_add")
            if f'href="{reverse(name)}"' in empty
        }

    expected = {
        "customers": {"imports", "admin:customers_customer_add"},
        "tasks": {"desk-customers"},
    }.get(row_list.name, {"imports", "desk-customers"})
    assert steps("Administrator") == expected
    assert steps("Viewer") == expected & {"desk-customers"}
