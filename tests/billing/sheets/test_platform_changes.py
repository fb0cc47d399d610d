"""Changes of what the billing platform bills: requested here, made there, and closed by the import that shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from billing.models import Invoice, Plan, PlatformChange, Subscription
from billing.subscriptions import CannotSubscribe, record_change
from billing.subscriptions.at_platform import close_shown
from crm.desk.timeline.entry import TimelineQuery
from crm.desk.timeline.stream import read_page
from crm.desk.worklist.platform_changes import requested_changes
from crm.desk.worklist.reason import WorklistBatch
from customers import clock
from customers.formats import page_of
from customers.models import Customer
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.billing.import_documents import take_one
from tests.billing.payloads import JANUARY
from tests.billing.sheets.acts import toast
from tests.factories import make_plan, make_subscription, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

BASIC, TEAM = "basic", "team"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(username="ada"))
    return client


@pytest.fixture
def plans() -> dict[str, Plan]:
    return {
        name: make_plan(plan_id=name, name=name.title(), price_amount=Decimal(10), price_interval="month")
        for name in (BASIC, TEAM)
    }


def sent(plan_id: str, subscription_id: str = "s1", **changes: Any) -> dict[str, Any]:
    """A subscription as the platform's document has it."""
    return {
        "id": subscription_id,
        "plan_id": plan_id,
        "auto_enable": False,
        "add_on": False,
        "status": "active",
        "past_due": False,
        "canceled_at": None,
        "expires_at": None,
        "trial_ends_at": None,
        "started_at": JANUARY,
        "current_period_start": None,
        "current_period_end": None,
        "quantity": 1,
        **changes,
    }


def imported(*subscriptions: dict[str, Any]) -> Customer:
    return take_one(subscriptions=list(subscriptions))


def confirmed(client: Client, subscription: Subscription, name: str, **fields: Any) -> Any:
    url = act_url(name, subscription)
    page = client.post(url, form_data(client.get(url), preview="1", **fields))
    assert page.context["problem"] == ""
    return client.post(url, form_data(page, confirm="1"), follow=True)


def reasons(customer: Customer) -> list[str]:
    return [each.words for each in requested_changes(WorklistBatch([str(customer.pk)], clock.now()))]


def outcomes() -> list[str]:
    return list(PlatformChange.objects.order_by("requested_at").values_list("outcome", flat=True))


def requested(customer: Customer, plan: Plan, quantity: int = 1) -> PlatformChange:
    record_change(customer.subscriptions.get(), plan, quantity=Decimal(quantity), done_by="ada")
    return PlatformChange.objects.waiting().get()


def test_a_change_is_requested_shown_and_closed_by_the_import_that_has_it(
    client: Client, plans: dict[str, Plan]
) -> None:
    customer = imported(sent(BASIC))
    subscription = customer.subscriptions.get()
    confirmed(client, subscription, "change-plan", plan=plans[TEAM].pk, quantity="2", when="at_period_end")
    subscription.refresh_from_db()
    assert (subscription.plan, subscription.quantity, Invoice.objects.count()) == (plans[BASIC], 1, 0)
    words = "change Basic v1 to 2 of Team v1 at period end"
    assert reasons(customer) == [f"on the billing platform, {words}"]
    page = client.get(page_of(subscription)).content.decode()
    assert f"To do on the billing platform: {words}, requested by ada" in page
    [entry] = [
        each
        for each in read_page(
            TimelineQuery(customer_ids=[customer.pk], limit=50), lambda permission: True
        ).entries
        if each.title.startswith("Requested")
    ]
    assert (entry.title, entry.details, entry.by) == (
        f"Requested on the billing platform: {words}",
        ("Waiting",),
        "ada",
    )
    # The platform made half of it.
    imported(sent(TEAM))
    assert outcomes() == [""]
    imported(sent(TEAM, quantity=2))
    assert outcomes() == ["made"]
    assert reasons(customer) == []


def test_a_request_is_withdrawn_with_one_click(client: Client, plans: dict[str, Plan]) -> None:
    customer = imported(sent(BASIC))
    subscription = customer.subscriptions.get()
    _, undo = toast(confirmed(client, subscription, "cancel"))
    assert reasons(customer) == ["on the billing platform, cancel Basic v1"]
    assert f'action="{undo}"' in client.get(page_of(subscription)).content.decode()
    answer = client.post(undo, follow=True)
    assert toast(answer)[0] == "Withdrawn: cancel Basic v1."
    assert (outcomes(), reasons(customer)) == (["withdrawn"], [])
    again = client.post(undo, follow=True)
    assert "no longer waits" in again.content.decode()


def test_a_later_request_replaces_the_earlier_one(plans: dict[str, Plan]) -> None:
    customer = imported(sent(BASIC))
    requested(customer, plans[TEAM], 2)
    requested(customer, plans[TEAM], 3)
    assert outcomes() == ["withdrawn", ""]


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        ([sent(BASIC, canceled_at=JANUARY, expires_at=4102444800000)], "made"),
        ([], "made"),
        ([sent(BASIC)], ""),
    ],
)
def test_a_cancellation_is_closed_once_the_platform_canceled(
    client: Client, plans: dict[str, Plan], shown: list[dict[str, Any]], outcome: str
) -> None:
    customer = imported(sent(BASIC))
    confirmed(client, customer.subscriptions.get(), "cancel")
    imported(*shown)
    assert outcomes() == [outcome]


def test_a_platform_may_begin_another_subscription_instead(plans: dict[str, Plan]) -> None:
    customer = imported(sent(BASIC), sent(TEAM, "s0"))
    subscription = customer.subscriptions.get(subscription_id="s1")
    record_change(subscription, plans[TEAM], done_by="ada")
    # A subscription that was there before is not the one that was asked for.
    imported(sent(BASIC), sent(TEAM, "s0"))
    assert outcomes() == [""]
    later = int(now().timestamp() * 1000) + 60_000
    imported(sent(TEAM, "s0"), sent(TEAM, "s2", started_at=later))
    assert outcomes() == ["made"]


def test_a_change_of_what_ended_otherwise_waits_no_longer(plans: dict[str, Plan]) -> None:
    customer = imported(sent(BASIC))
    requested(customer, plans[TEAM])
    imported()
    assert outcomes() == ["ended"]


def test_what_is_billed_here_or_would_change_nothing_is_refused(plans: dict[str, Plan]) -> None:
    ours = make_subscription(plan=plans[BASIC], billed_here=True)
    with pytest.raises(CannotSubscribe, match="It is billed here"):
        record_change(ours, plans[TEAM], done_by="ada")
    customer = imported(sent(BASIC))
    with pytest.raises(CannotSubscribe, match="already has Basic v1 in this quantity"):
        requested(customer, plans[BASIC])


def test_requests_are_closed_in_a_fixed_number_of_queries(
    plans: dict[str, Plan], django_assert_num_queries: Any
) -> None:
    keys = []
    for _ in range(3):
        row = make_subscription(plan=plans[BASIC], billed_here=False)
        record_change(row, plans[TEAM], done_by="ada")
        Subscription.objects.filter(pk=row.pk).update(plan=plans[TEAM])
        keys.append(str(row.customer_id))
    with django_assert_num_queries(3):
        close_shown(keys, clock.now(), "test")
    assert outcomes() == ["made"] * 3
