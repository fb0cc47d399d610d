"""The pages of one invoice, subscription, balance, company and person."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from billing.balances import adjust
from billing.invoices.paper import invoice_paper
from billing.ledger.entries import reverse
from billing.models import Balance, Invoice, Subscription
from billing.subscriptions import attach_plan
from crm.models import Company, Person
from customers import clock
from customers.formats import page_of
from customers.models import Customer
from tests.billing.subscriptions.timeline import plan_of, run_until
from tests.factories import (
    make_activity,
    make_balance,
    make_billing_cycle,
    make_company,
    make_contact,
    make_credit_note,
    make_customer,
    make_discount,
    make_domain,
    make_dunning_step,
    make_feature,
    make_grant,
    make_invoice,
    make_invoice_email,
    make_invoice_line,
    make_note,
    make_payment,
    make_payment_reversal,
    make_person,
    make_plan,
    make_plan_item,
    make_relationship,
    make_rollover,
    make_subscription,
    make_subscription_phase,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def text(answer: Any) -> str:
    """What can be read on a page, on one line."""
    assert answer.status_code == 200
    return " ".join(html.unescape(strip_tags(answer.content.decode())).split())


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Administrator"))
    return client


def invoice_with(count: int) -> Invoice:
    customer = make_customer(name="Blue Finch")
    make_relationship(customer=customer, owner=make_user(first_name="Max", last_name="Mwangi"))
    plan = make_plan(name=f"Scale {count}")
    invoice: Invoice = make_invoice(
        customer=customer,
        status="draft",
        currency="USD",
        total=124_850,
        subscription=make_subscription(customer=customer, plan=plan),
    )
    for number in range(count):
        make_invoice_line(invoice=invoice, description=f"Seats {number}", amount=0)
    make_invoice_line(invoice=invoice, description="Onboarding", amount=124_850)
    invoice.number, invoice.status = f"INV-{count}", "open"
    invoice.issued_at = clock.now() - timedelta(days=32)
    invoice.due_at = clock.now() - timedelta(days=18)
    invoice.save()
    for number in range(count):
        make_payment(invoice=invoice, amount=100 + number, recorded_by="max", reference=f"BANK-{number}")
        make_credit_note(invoice=invoice, number=f"CN-{count}-{number}", total=10, reason="Goodwill")
        make_invoice_email(
            invoice=invoice, recipients=["finance@example.com"], status="failed", error="No mailbox."
        )
        make_dunning_step(invoice=invoice, step=number + 1, of=count)
        make_note(customer=customer, body=f"They never got INV-{count}.")
    make_payment_reversal(payment=invoice.payments.first(), reason="Bounced")
    return invoice


def subscription_with(count: int) -> Subscription:
    customer = make_customer()
    plan = make_plan(name=f"Scale {count}", price_amount=Decimal(700), price_interval="month", currency="USD")
    row: Subscription = make_subscription(customer=customer, plan=plan)
    for number in range(count):
        make_plan_item(plan=plan, feature=make_feature(name=f"Feature {count} {number}"))
        make_subscription_phase(subscription=row, plan=plan, reason="Upgraded")
        make_invoice(customer=customer, subscription=row, status="open", total=125_000)
        make_discount(customer=customer, name=f"Launch {number}")
    return row


def billed_here(count: int) -> Subscription:
    """A subscription that was renewed, with usage and seats to bill."""
    now = clock.now()
    customer = make_customer()
    metered = {"billing_method": "usage_based", "reset_interval": "month", "billing_units": Decimal(10)}
    seats = {"billing_method": "prepaid", "billing_units": Decimal(1)}
    priced = {"included": 2, "price_amount": Decimal(5), "price_interval": "month"}
    items = [
        *((make_feature(name=f"Calls {number}"), {**priced, **metered}) for number in range(count)),
        *(
            (make_feature(name=f"Seats {number}", consumable=False), {**priced, **seats})
            for number in range(count)
        ),
    ]
    plan = plan_of(f"pro-{count}", *items, price_amount=Decimal(20), price_interval="month")
    attach_plan(customer, plan, at=now - timedelta(days=40), done_by="test")
    run_until(now)
    row: Subscription = customer.subscriptions.get()
    make_billing_cycle(subscription=row, interval="year")
    for number in range(count):
        make_subscription_phase(subscription=row, plan=plan, reason="Upgraded")
        make_discount(customer=customer, name=f"Launch {number}")
    return row


def balance_with(count: int) -> Balance:
    balance: Balance = make_balance(customer=make_customer())
    for number in range(count):
        grant = make_grant(balance=balance, included_grant=Decimal(100))
        adjust.add(grant, Decimal(5), reason=f"More {number}", done_by="ada")
    return balance


def long_used_balance(count: int) -> Balance:
    """With all that a page of a balance reads: grants of plans, rollovers, reversals, what ended, a merged customer."""
    balance: Balance = make_balance(customer=make_customer())
    make_customer(merged_into=balance.customer)
    for number in range(count):
        grant = make_grant(balance=balance, included_grant=Decimal(100), plan=make_plan())
        adjust.add(grant, Decimal(5), reason=f"More {number}", done_by="ada")
        reverse(grant.ledger.latest("number").posting, done_by="ada", reason="Too many")
        make_rollover(balance=balance)
        for row in (make_grant(balance=balance), make_rollover(balance=balance)):
            row.ended_at = clock.now()
            row.save()
    return balance


def company_with(count: int) -> Company:
    customer = make_customer(name="Blue Finch")
    company: Company = make_company(customer=customer, name="Blue Finch Holding", industry="Robotics")
    for number in range(count):
        make_domain(customer=customer, name=f"finch{count}{number}.example.com")
        other = make_customer(name=f"Finch Labs {number}")
        make_domain(customer=other, name=f"finch{count}{number}.example.com")
        make_contact(customer=other, person=make_person(name=f"Person {number}"))
    return company


def person_with(count: int) -> Person:
    person: Person = make_person(name="Amina Eriksson", email="amina@example.com", phone="+1 555 0100")
    for number in range(count):
        customer = make_customer(name=f"Finch {number}")
        make_contact(customer=customer, person=person, role="Buyer")
        make_activity(customer=customer, person=person, summary="Spoke of seats")
        make_note(customer=customer, body="Amina Eriksson asked for a call.")
        make_person(name=f"Report {number}", manager=person)
    return person


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (invoice_with, 40),
        (subscription_with, 25),
        (billed_here, 25),
        (long_used_balance, 25),
        (company_with, 30),
        (person_with, 30),
    ],
)
def test_the_number_of_queries_does_not_grow_with_the_record(
    client: Client, make: Callable[[int], Model], most: int
) -> None:
    counts = []
    for count in (1, 3):
        url = page_of(make(count))
        assert "_5F" not in url
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= most


def test_an_invoice_is_shown_as_the_customer_sees_it_with_what_happened_to_it(client: Client) -> None:
    invoice = invoice_with(2)
    page = text(client.get(page_of(invoice)))
    for words in (
        "Past due, 18 days",
        "18 days late",
        "finance@example.com",
        "No mailbox.",
        "became past due",
        "max recorded a payment of $1.00",
        "reversed the payment of $1.00",
        "credit note CN-2-0 of $0.10",
        "took reminder 1 of 2",
        "They never got INV-2.",
        "Max Mwangi",
    ):
        assert words in page
    paper = invoice_paper(invoice)
    for words in (paper.seller[0], paper.buyer[0], "Seats 0", "Seats 1", *(row.amount for row in paper.sums)):
        assert words in page


def test_what_a_subscription_will_be_billed_is_asked_for_apart(client: Client) -> None:
    row = billed_here(1)
    url = page_of(row)
    first = client.get(url).content.decode()
    assert f'href="{url}?upcoming=1#section-upcoming" data-later' in first
    page = text(client.get(f"{url}?upcoming=1"))
    # The base price of the plan less a discount of a tenth; the seats are not taken.
    assert "Show the upcoming invoice" not in page
    assert "if nothing more is used until then" in page
    assert "$18.00" in page
    assert "$18.00" not in strip_tags(first).split("Invoices")[0]


def test_a_subscription_shows_its_prices_discounts_invoices_and_phases(client: Client) -> None:
    row = subscription_with(1)
    page = text(client.get(page_of(row)))
    for words in (
        "$700.00",
        "Every month",
        "Feature 1 0",
        "Launch 0",
        "Upgraded",
        "$1,250.00",
        "$8,400.00/yr",
    ):
        assert words in page


def test_a_balance_explains_itself_and_shows_what_remained_after_each_entry(client: Client) -> None:
    balance = balance_with(1)
    grant = balance.grants.get()
    adjust.add(grant, Decimal(-35), reason="Mistake", done_by="ada")
    page = text(client.get(page_of(balance)))
    # 70 of 100 were left, 5 added, 35 removed.
    assert "40 of 70 left" in page
    assert "-35 40" in page
    assert "+5 75" in page
    simulated = text(client.get(page_of(balance), {"use": "50"}))
    assert "Using 50 would be refused. 10 more would be needed." in simulated
    assert "Enter the ID of one of this customer" in text(
        client.get(page_of(balance), {"use": "1", "entity": "x"})
    )


def test_a_company_and_a_person_lead_to_their_customers(client: Client) -> None:
    company = company_with(1)
    answer = client.get(page_of(company))
    page = text(answer)
    for words in ("Blue Finch", "Finch Labs 0", "Person 0", "finch10.example.com", "Robotics"):
        assert words in page
    for customer in Customer.objects.all():
        assert page_of(customer) in answer.content.decode()
    person = person_with(2)
    page = text(client.get(page_of(person)))
    for words in ("Finch 0", "Finch 1", "Spoke of seats", "asked for a call", "+1 555 0100", "Report 1"):
        assert words in page


def test_the_breadcrumb_has_the_customer_and_the_list_that_the_user_came_from(client: Client) -> None:
    invoice = invoice_with(1)
    listed = "/admin/billing/invoice/?status=overdue"
    answer: Any = client.get(page_of(invoice), headers={"referer": f"http://testserver{listed}"})
    assert [crumb.text for crumb in answer.context["crumbs"]] == [
        "Customers",
        "Blue Finch",
        "Invoices",
        str(invoice),
    ]
    assert answer.context["crumbs"][1].url == page_of(invoice.customer)
    assert tuple(answer.context["came_from"]) == ("Invoices", listed)
    for elsewhere in ("https://evil.example.com/admin/", "http://testserver/accounts/login/", "nonsense"):
        answer = client.get(page_of(invoice), headers={"referer": elsewhere})
        assert answer.context["came_from"] is None


def test_a_record_is_shown_to_who_may_see_it_and_changed_by_who_may(client: Client) -> None:
    company, balance = company_with(1), balance_with(1)
    assert page_of(company, "change") in client.get(page_of(company)).content.decode()
    client.force_login(make_user("Viewer"))
    page = client.get(page_of(company)).content.decode()
    assert page_of(company, "change") not in page
    assert page_of(company, "history") in page
    assert "Reverse…" not in client.get(page_of(balance)).content.decode()
    client.force_login(make_user(is_superuser=False, is_staff=True))
    assert client.get(page_of(company)).status_code == 403
    client.force_login(make_user("Viewer"))
    for key in ("com_nonsense", "x", "com_01h00000000000000000000000", "\0"):
        assert client.get(f"/admin/company/{key}/").status_code == 404
