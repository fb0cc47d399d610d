"""The page of one customer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from crm.dedupe.merges.merge import merge
from crm.desk.pages.overview import places
from crm.desk.pages.overview.bars import state_of
from crm.models import BalanceFacts, CustomerFacts, Relationship
from customers import clock
from customers.formats import short_day
from customers.models import Address, Customer
from tests.customers.import_documents import customer_of, take_payments
from tests.factories import (
    make_address,
    make_auto_topup,
    make_balance,
    make_billing_account,
    make_business,
    make_change_position,
    make_company,
    make_contact,
    make_custom_field,
    make_customer,
    make_discount,
    make_document,
    make_domain,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_merged_record,
    make_payment_method,
    make_person,
    make_plan,
    make_purchase,
    make_referral,
    make_relationship,
    make_source_record,
    make_subscription,
    make_usage_limit,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def user() -> User:
    return make_user("Account manager", first_name="Ada", last_name="Adeyemi")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(client: Client, customer: Customer, tab: str = "desk-customer") -> str:
    response = client.get(reverse(tab, args=[customer.pk]))
    assert response.status_code == 200
    return response.content.decode()


def surround(customer: Customer, count: int) -> None:
    """`count` of everything that the page shows of a customer."""
    for number in range(count):
        make_address(customer=customer, is_default=number == 0)
        make_business(customer=customer)
        make_payment_method(customer=customer, is_default=number == 0)
        make_contact(customer=customer, person=make_person(name=f"Person {number}"))
        make_domain(customer=customer, name=f"site{number}.example.com")
        make_document(customer=customer)
        make_source_record(customer=customer, source_id=f"{customer.pk}-{number}")
        make_subscription(customer=customer, subscription_id=f"sub-{number}")
        make_purchase(customer=customer)
        make_grant(balance=make_balance(customer=customer))
        make_flag(customer=customer)
        make_invoice(customer=customer)
        make_entity(customer=customer, entity_id=f"seat-{number}")
        make_discount(customer=customer)
        make_referral(customer=customer)
        make_merged_record(survivor=customer, crm_id=f"merged-{number}")
        make_worklist_reason(entry=make_worklist_entry(customer=customer), words=f"reason {number}")


def test_a_page_takes_few_queries_and_no_more_for_more_rows(client: Client) -> None:
    counts = []
    for count in (1, 3):
        customer = make_customer()
        make_company(customer=customer)
        make_relationship(customer=customer)
        surround(customer, count)
        taken = {}
        for tab in ("customer", "latest", "billing", "usage", "timeline", "details"):
            url = reverse(f"desk-{tab}", args=[customer.pk])
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            taken[tab] = len(queries)
        counts.append(taken)
    assert counts[0] == counts[1]
    assert {tab: count for tab, count in counts[0].items() if count > 25} == {}


def test_what_is_empty_takes_no_room(client: Client) -> None:
    client.force_login(make_user("Viewer"))
    customer = make_customer(name="Bare Ltd")
    pages = {
        "desk-customer": "No subscription",
        "desk-billing": "No subscriptions or invoices yet",
        "desk-usage": "No balances yet",
        "desk-details": "No details yet",
    }
    for tab, words in pages.items():
        page = page_of(client, customer, tab)
        assert words in page
        for heading in ("Contacts", "Invoices", "Addresses", "Domains", "Discounts", "Merged in the CRM"):
            assert f">{heading}</h2>" not in page


def test_the_head_says_who_it_is(client: Client, user: User) -> None:
    customer = make_customer(
        name="Blue Finch Ltd", status="suspended", external_id="finch-7", stripe_id="cus_finch"
    )
    make_company(customer=customer, name="Blue Finch Holding", logo_url="https://example.com/logo.png")
    make_relationship(customer=customer, owner=user, crm_id="CRM-7")
    make_address(customer=customer, city="Dar es Salaam", country="TZ", is_default=True)
    page = page_of(client, customer)
    for words in (
        "Blue Finch Ltd",
        "Blue Finch Holding",
        "Suspended",
        "Dar es Salaam, Tanzania",
        "Account manager: Ada Adeyemi",
        "finch-7",
        "cus_finch",
        "CRM-7",
        'src="https://example.com/logo.png"',
    ):
        assert words in page


def test_an_account_manager_is_assigned_in_the_head_by_who_may(client: Client, user: User) -> None:
    customer = make_customer()
    assert "No account manager · Assign" in page_of(client, customer)
    assign = reverse("desk-assign", args=[customer.pk])
    answer = client.post(assign, {"owner": user.pk}, follow=True)
    assert "Assigned the account to" in answer.content.decode()
    assert "Account manager: Ada Adeyemi" in page_of(client, customer)
    assert "Choose a person." in client.post(assign, {"owner": "0"}, follow=True).content.decode()
    client.post(assign, {"owner": ""})
    assert Relationship.objects.get().owner is None
    assert client.get(assign).status_code == 405
    client.force_login(make_user("Viewer"))
    page = page_of(client, customer)
    assert "No account manager" in page
    assert "Assign" not in page
    assert client.post(assign, {"owner": user.pk}).status_code == 403


def test_the_second_of_two_who_edit_the_head_sees_what_the_first_did(client: Client, user: User) -> None:
    customer, colleague = make_customer(), make_user("Account manager", username="ben")
    assign, status = (reverse(name, args=[customer.pk]) for name in ("desk-assign", "desk-status"))
    client.post(assign, {"owner": colleague.pk, "was": ""})
    answer = client.post(assign, {"owner": user.pk, "was": ""}, follow=True).content.decode()
    assert "It was assigned to ben after you opened the page." in answer
    assert Relationship.objects.get().owner == colleague
    answer = client.post(status, {"status": "suspended", "was": "active"}, follow=True).content.decode()
    assert "Set the status to Suspended." in answer
    answer = client.post(status, {"status": "inactive", "was": "active"}, follow=True).content.decode()
    assert "It was set to Suspended after you opened the page." in answer
    assert "Choose one." in client.post(status, {"status": "x"}, follow=True).content.decode()
    customer.refresh_from_db()
    assert (customer.status, customer.pinned_fields) == ("suspended", ["status"])
    client.force_login(make_user("Viewer"))
    assert client.post(status, {"status": "active"}).status_code == 403
    assert status not in page_of(client, customer)


def test_the_key_facts_are_those_of_the_moment(client: Client) -> None:
    now = clock.now()
    customer = make_customer()
    for words in ("No subscription", "No recurring revenue", "All invoices are paid", "Nothing renews"):
        assert words in page_of(client, customer)
    CustomerFacts.objects.all().delete()
    plan = make_plan(name="Scale", price_amount=Decimal(700), price_interval="month", currency="USD")
    make_subscription(
        customer=customer,
        plan=plan,
        quantity=1,
        current_period_start=now - timedelta(days=16),
        current_period_end=now + timedelta(days=14),
    )
    make_invoice(customer=customer, status="open", total=125_000, due_at=now - timedelta(days=18))
    page = page_of(client, customer)
    for words in (
        "Scale",
        "$700.00",
        "$8,400.00/yr",
        "$1,250.00",
        "$1,250.00 past due, 18 days",
        "in 14 days",
    ):
        assert words in page
    clerk = make_user(is_superuser=False)
    clerk.user_permissions.add(Permission.objects.get(codename="view_customer"))
    client.force_login(clerk)
    page = page_of(client, customer)
    assert "$700.00" not in page
    assert "past due" not in page


def test_the_key_facts_are_computed_anew_after_a_change(client: Client) -> None:
    customer = make_customer()
    assert "No subscription" in page_of(client, customer)
    make_change_position(reader="desk", number=0)
    make_subscription(customer=customer, plan=make_plan(name="Scale"))
    assert "No subscription" not in page_of(client, customer)


def test_actions_are_offered_to_who_may(client: Client) -> None:
    customer = make_customer()
    page = page_of(client, customer)
    for action in (
        "Attach plan…",
        "Grant credits…",
        "Add task…",
        "Merge with another customer…",
        "Edit",
        "History",
    ):
        assert action in page
    client.force_login(make_user("Viewer"))
    page = page_of(client, customer)
    for action in (
        "Attach plan…",
        "Grant credits…",
        "Add task…",
        "Merge with another customer…",
        "Log call",
        "Add note",
    ):
        assert action not in page


def test_a_reason_is_settled_on_the_page(client: Client) -> None:
    customer = make_customer()
    reason = make_worklist_reason(entry=make_worklist_entry(customer=customer), words="trial ends Friday")
    back = reverse("desk-customer", args=[customer.pk])
    decision = {"reason": reason.pk, "decision": "done", "next": back}
    assert client.post(reverse("desk-worklist"), decision)["Location"] == back
    elsewhere = client.post(reverse("desk-worklist"), {**decision, "next": "https://evil.example.com/"})
    assert elsewhere["Location"].startswith(reverse("desk-worklist"))
    assert "Trial ends Friday" not in page_of(client, customer)


def test_the_local_time_is_that_of_the_only_zone_of_the_country(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 2, 21, 30, tzinfo=UTC))
    customer = make_customer()
    make_address(customer=customer, country="TZ", is_default=True)
    # Three hours ahead of UTC, all year round.
    assert "Tue 00:30 in Dar es Salaam" in page_of(client, customer)


def test_the_local_time_of_a_country_with_several_zones_is_that_of_a_person(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, 15, 12, 0, tzinfo=UTC))
    customer = make_customer()
    make_address(customer=customer, country="US", is_default=True)
    assert " in Los Angeles" not in page_of(client, customer)
    make_contact(customer=customer, person=make_person(timezone="America/Los_Angeles"))
    assert "Thu 04:00 in Los Angeles" in page_of(client, customer)


def test_the_contract_is_held_against_what_is_billed(client: Client) -> None:
    customer = make_customer()
    make_relationship(customer=customer, contract_annual_revenue=Decimal(120000), currency="USD")
    assert "No recurring billing in USD." in page_of(client, customer, "desk-billing")
    plan = make_plan(price_amount=Decimal(7000), price_interval="month", currency="USD")
    make_subscription(customer=customer, plan=plan, quantity=1)
    page = page_of(client, customer, "desk-billing")
    assert "Contract: $120,000.00/yr" in page
    assert "Billed: $84,000.00/yr ($7,000.00/month)" in page
    assert "$36,000.00/yr below the contract, 70% of it is billed." in page


def test_the_details_are_what_the_sources_say_and_only_that(client: Client) -> None:
    customer = make_customer(custom_data={"tier": "gold"})
    make_company(
        customer=customer,
        name="Blue Finch Ltd",
        about="Makes nets.",
        industry="Fishing",
        number_of_employees=1200,
        website_urls=["https://finch.example.com", "javascript:alert(1)"],
    )
    make_relationship(
        customer=customer, reported_notes="Prefers email.", reported_document_counts={"contract": 2}
    )
    make_custom_field(customer=customer, key="region", display_label="Region", string_value="Lake")
    make_usage_limit(customer=customer, feature=make_feature(name="Exports"), limit=Decimal(40))
    make_auto_topup(customer=customer, feature=make_feature(name="Credits"), enabled=False)
    make_billing_account(customer=customer, payment_terms_days=45, tax_rate=Decimal(18))
    record = make_source_record(customer=customer, not_understood='{"colour": "teal"}')
    page = page_of(client, customer, "desk-details")
    for words in (
        "Makes nets.",
        "Fishing",
        "1,200",
        'href="https://finch.example.com"',
        "Prefers email.",
        "contract 2",
        "Region",
        "Lake",
        "Usage limit: Exports",
        "40 per day",
        "Automatic top-up: Credits",
        "100 below 10",
        "45 days",
        "18%",
        "gold",
        "teal",
        str(record.source_id),
    ):
        assert words in page, words
    assert "Stock symbol" not in page
    assert 'href="javascript' not in page
    client.force_login(make_user("Viewer"))
    assert "Makes nets." in page_of(client, customer, "desk-details")


def test_a_subscription_says_what_comes_next(client: Client) -> None:
    now = clock.now()
    customer = make_customer()
    plan = make_plan(name="Pro", price_amount=Decimal("49.50"), price_interval="month", currency="USD")
    make_subscription(
        customer=customer,
        plan=plan,
        quantity=3,
        current_period_start=now - timedelta(days=3),
        current_period_end=datetime(2099, 3, 1, tzinfo=UTC),
    )
    page = page_of(client, customer)
    assert "Renews Mar 1, 2099 for $148.50 every month, plus overage" in page


def test_a_balance_says_what_comes_of_it_at_its_pace(client: Client) -> None:
    now = clock.now()

    def state(**figures: Any) -> tuple[str, str]:
        facts = BalanceFacts(
            **{"granted": Decimal(100), "remaining": Decimal(100) - figures["usage"], **figures}
        )
        return state_of(facts, now)

    def on(days: int) -> datetime:
        return now + timedelta(days=days)

    reset, rate = on(20), Decimal(4)
    assert state(usage=Decimal(10), resets_at=reset, per_day=rate, runs_out_at=on(22)) == ("On pace", "")
    runs_out = state(usage=Decimal(60), resets_at=reset, per_day=rate, runs_out_at=on(10))
    assert runs_out == (f"Runs out {short_day(on(10))}", "warn")
    assert state(usage=Decimal(97), resets_at=reset, per_day=rate, runs_out_at=on(1))[1] == "bad"
    assert state(usage=Decimal(100)) == ("Nothing left", "bad")
    assert state(usage=Decimal(130), remaining=Decimal(0)) == ("30 over", "bad")
    assert state(usage=Decimal(7), unlimited=True) == ("7 used", "")
    # The period is a month long, and 15 of its 30 days have passed.
    customer = make_customer()
    make_grant(
        balance=make_balance(customer=customer),
        included_grant=Decimal(100),
        usage=Decimal(130),
        reset_interval="day",
        reset_interval_count=30,
        next_reset_at=on(15) + timedelta(minutes=5),
    )
    page = page_of(client, customer)
    assert "130% used, 49% of the period has passed" in page
    assert "30 over" in page


def test_the_usage_of_a_balance_is_drawn_split_and_listed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(days=40))
    customer = make_customer()
    make_balance(customer=customer, feature=make_feature(name="Storage"))
    balance = make_balance(customer=customer, feature=make_feature(name="AI credits"))
    make_grant(
        balance=balance,
        included_grant=Decimal(500),
        usage=Decimal(0),
        created_at=now - timedelta(days=40),
        reset_interval="day",
        reset_interval_count=30,
        next_reset_at=now + timedelta(days=20),
    )
    monkeypatch.setattr(clock, "now", lambda: now)
    lab, office = (make_entity(customer=customer, name=name) for name in ("Mombasa lab", "Office"))
    for days, amount, entity in ((2, 300, lab), (1, 100, office), (0, 20, office)):
        at = now - timedelta(days=days, minutes=1)
        record_usage(
            UsageRequest(
                customer_id=str(customer.pk),
                feature=balance.feature,
                amount=Decimal(amount),
                done_by="test",
                at=at,
                entity=entity,
            )
        )
    page = page_of(client, customer, "desk-usage")
    for words in (
        "AI credits used per day",
        ": 420. Highest on",
        "of 500",
        "Even pace 16.67",
        "Mombasa lab",
        "71%",
    ):
        assert words in page
    assert [int(each) for each in re.findall(r'<td class="cl-num">(\d+)</td>', page)][-3:] == [80, 100, 200]
    url = reverse("desk-usage", args=[customer.pk])
    shown = client.get(url, {"balance": balance.pk, "range": "previous", "by": "entity"}).content.decode()
    assert re.search(r">Grant<.*>\+500<", shown, re.DOTALL)
    odd = client.get(url, {"balance": "bal_x", "range": "x", "by": "x", "before": "x~y"}).content.decode()
    assert "Mombasa lab" in odd
    clerk = make_user(is_superuser=False)
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=["view_customer", "view_balance"]))
    client.force_login(clerk)
    page = page_of(client, customer, "desk-usage")
    assert "of 500" in page
    assert "Mombasa lab" not in page
    assert "Grant credits" not in page


def test_each_billing_account_says_who_bills_it_and_invoices_how_late_they_are(client: Client) -> None:
    now = clock.now()
    customer = make_customer()
    lab: Any = make_customer(name="Finch Lab", merged_into=customer)
    plan = make_plan(name="Scale", price_amount=Decimal(20), price_interval="month", currency="USD")
    make_subscription(customer=customer, plan=plan, quantity=1, past_due=True)
    make_subscription(customer=customer, plan=plan, quantity=3, billed_here=True, came_with=lab)
    make_grant(balance=make_balance(customer=customer, came_with=lab), included_grant=Decimal(80))
    make_invoice(
        customer=customer,
        number="INV-7",
        status="open",
        total=4_000,
        paid=1_500,
        due_at=now - timedelta(days=18),
    )
    make_invoice(
        customer=customer,
        number="LAB-9",
        status="open",
        total=2_000,
        due_at=now + timedelta(days=4),
        came_with=lab,
    )
    make_invoice(customer=customer, number="INV-1", status="paid", total=500)
    page = page_of(client, customer, "desk-billing")
    main, other = page.index("Main account"), page.index("Finch Lab")
    assert main < page.index("Billed by the billing platform") < other < page.index("Billed here")
    for words in ("$60.00/month", "of 80", ">18</td>", "in 4 days", "$25.00", "$45.00", "INV-1"):
        assert words in page, words
    shown = client.get(reverse("desk-billing", args=[customer.pk]), {"invoices": "open"}).content.decode()
    assert "LAB-9" in shown
    assert "INV-1" not in shown


def test_an_overdue_invoice_comes_first(client: Client) -> None:
    now = clock.now()
    customer = make_customer()
    for number in range(7):
        make_invoice(
            customer=customer,
            stripe_id=f"in_paid_{number}",
            status="paid",
            created_at=now - timedelta(days=number),
        )
    make_invoice(
        customer=customer,
        stripe_id="in_late",
        status="open",
        created_at=now - timedelta(days=90),
        due_at=now - timedelta(days=60),
    )
    page = page_of(client, customer, "desk-billing").partition('id="section-timeline"')[0]
    assert page.index("in_late") < page.index("in_paid_0")
    assert "Past due" in page
    assert "in_paid_6" not in page
    assert "View all" in page


@pytest.mark.parametrize("known_as", ["external_id", "stripe_id", "email"])
def test_any_identifier_leads_to_the_page(client: Client, known_as: str) -> None:
    customer = make_customer(external_id="finch-7", stripe_id="cus_finch", email="finch@example.com")
    response = client.get(reverse("desk-customer", args=[getattr(customer, known_as)]))
    assert response.status_code == 302
    assert response["Location"] == reverse("desk-customer", args=[customer.pk])


def test_a_merged_customer_leads_to_the_survivor(client: Client) -> None:
    survivor = make_customer()
    merged = make_customer(merged_into=survivor)
    response = client.get(reverse("desk-customer", args=[merged.pk]))
    assert response["Location"] == reverse("desk-customer", args=[survivor.pk])


def test_an_unknown_customer_is_not_found(client: Client) -> None:
    assert client.get(reverse("desk-customer", args=["nobody"])).status_code == 404


def test_who_may_not_see_customers_sees_none(client: Client) -> None:
    customer = make_customer()
    client.force_login(make_user(is_superuser=False))
    assert client.get(reverse("desk-customer", args=[customer.pk])).status_code == 403


def test_what_the_record_carries_is_only_text(client: Client) -> None:
    customer = make_customer(name=HOSTILE, email=HOSTILE, phone=HOSTILE, external_id=HOSTILE)
    make_company(
        customer=customer,
        name=HOSTILE,
        logo_url="javascript:alert(1)",
        website_urls=["javascript:alert(1)", "data:text/html,x"],
        profile_url="javascript:alert(1)",
    )
    make_contact(
        customer=customer, role=HOSTILE, person=make_person(name=HOSTILE, phone=HOSTILE, email=HOSTILE)
    )
    make_domain(customer=customer, name=HOSTILE)
    make_address(customer=customer, city=HOSTILE, is_default=True)
    for tab in ("desk-customer", "desk-details"):
        page = page_of(client, customer, tab)
        assert "<script>alert" not in page
        assert '="javascript:' not in page
        assert '="data:text' not in page


def test_a_row_that_came_with_a_merged_customer_is_shown_once(client: Client) -> None:
    survivor = make_customer()
    merged: Any = make_customer(merged_into=survivor)
    person = make_person(name="Nia Okafor")
    make_contact(customer=survivor, person=person)
    make_contact(customer=survivor, person=person, came_with=merged)
    make_domain(customer=survivor, name="finch.example.com")
    make_domain(customer=survivor, name="finch.example.com", came_with=merged)
    assert page_of(client, survivor).count(">Nia Okafor</a>") == 1
    assert page_of(client, survivor, "desk-details").count("finch.example.com") == 1


def test_an_address_of_two_merged_customers_is_one_line_that_names_both(client: Client) -> None:
    address = {"line1": "1 High St", "city": "Nairobi", "country": "KE"}
    take_payments(
        {"id": "pA", "name": "Acme Ltd", "email": "a@acme.example", "address": address},
        {"id": "pB", "name": "ACME Limited", "email": "b@acme.example", "address": address},
    )
    survivor, other = customer_of("payments", "pA"), customer_of("payments", "pB")
    merge(str(survivor.pk), [str(other.pk)])
    section = places.addresses_section(survivor, places.addresses_of(survivor))
    assert section is not None
    assert [line.details for line in section.lines] == [
        ("1 High St, Nairobi, Kenya", "Payments platform pA and Payments platform pB")
    ]
    assert "Payments platform pA and Payments platform pB" in page_of(client, survivor, "desk-details")
    assert Address.objects.count() == 2


def test_what_is_wrong_now_comes_first(client: Client) -> None:
    customer = make_customer()
    entry = make_worklist_entry(customer=customer)
    make_worklist_reason(entry=entry, words="renews in 21 days, no contact for 70", weight=20)
    make_worklist_reason(entry=entry, words="invoice INV-0042 18 days past due", weight=60)
    make_worklist_reason(entry=entry, words="trial ends Friday", decision="done")
    page = page_of(client, customer)
    assert page.index("Invoice INV-0042 18 days past due") < page.index("Renews in 21 days")
    assert "Trial ends Friday" not in page
