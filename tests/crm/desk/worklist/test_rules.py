"""Each rule: what it says of whom, and when it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import Grant, Posting
from crm.desk.pages.reason_steps import ACTS
from crm.desk.worklist.balances import balances
from crm.desk.worklist.colleagues import due_tasks, mentions
from crm.desk.worklist.contract import contract_mismatches
from crm.desk.worklist.invoices import overdue_invoices
from crm.desk.worklist.ownership import possible_duplicates, unowned_accounts
from crm.desk.worklist.reason import Reason, WorklistBatch
from crm.desk.worklist.rules import RULES, reasons_of
from crm.desk.worklist.subscriptions import (
    canceled_subscriptions,
    ending_trials,
    past_due_subscriptions,
    unattended_renewals,
)
from crm.models import WorklistReason
from customers import clock
from customers.configuration.table import REASONS
from customers.formats import upcoming
from customers.models import Customer
from customers.sheets import found_row
from tests.factories import (
    make_alert_fired,
    make_auto_topup,
    make_balance,
    make_customer,
    make_dunning_step,
    make_duplicate_pair,
    make_feature,
    make_grant,
    make_health_score,
    make_invoice,
    make_mention,
    make_note,
    make_plan,
    make_platform_change,
    make_relationship,
    make_rollover,
    make_subscription,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

#: A Tuesday.
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


def said(find: Callable[[WorklistBatch], Iterator[Reason]], *customers: Customer) -> list[str]:
    """The words of what a rule finds of these customers."""
    return [reason.words for reason in found(find, *customers)]


def found(find: Callable[[WorklistBatch], Iterator[Reason]], *customers: Customer) -> list[Reason]:
    reasons = list(find(WorklistBatch([str(customer.pk) for customer in customers], AT)))
    assert {reason.rule for reason in reasons} <= set(RULES)
    assert all(1 <= reason.weight <= 100 and reason.link.startswith("/admin/") for reason in reasons)
    for name, _, key in (reason.act.partition(":") for reason in reasons if reason.act):
        found_row(ACTS[name][0].models, key)
    return reasons


def test_an_invoice_past_due() -> None:
    customer = make_customer()
    owed: dict[str, Any] = {"customer": customer, "status": "open", "currency": "USD"}
    make_invoice(
        **owed,
        stripe_id="",
        number="INV-0042",
        due_at=AT - 18 * DAY,
        total=150_000,
        paid=20_000,
        credited=10_000,
    )
    make_invoice(**owed, due_at=AT - DAY / 2)
    make_invoice(**owed, due_at=AT + DAY)
    make_invoice(**owed, due_at=AT - 90 * DAY, removed_at=AT)
    make_invoice(customer=customer, status="paid", due_at=AT - 90 * DAY)
    make_invoice(status="open", due_at=AT - 90 * DAY)
    (reason,) = found(overdue_invoices, customer)
    assert reason.words == "invoice INV-0042 18 days past due, $1,200.00"
    assert reason.weight == 58
    assert reason.since == AT - 18 * DAY


def test_what_was_decided_of_an_invoice_is_asked_again_after_thirty_days_and_when_money_came() -> None:
    invoice = make_invoice(status="open", due_at=AT - 29 * DAY)
    keys = set()
    for late, paid in ((1, 0), (29, 0), (30, 0), (59, 0), (59, 100)):
        invoice.due_at, invoice.paid = AT - late * DAY, paid
        invoice.save()
        keys.add(found(overdue_invoices, invoice.customer)[0].key)
    assert len(keys) == 3


def test_the_oldest_invoices_are_told_and_how_many_more_there_are() -> None:
    customer = make_customer()
    for late in range(2, 9):
        make_invoice(customer=customer, status="open", due_at=AT - late * DAY, stripe_id=f"in_{late}")
    assert said(overdue_invoices, customer) == [
        "invoice in_8 8 days past due, $12.34",
        "invoice in_7 7 days past due, $12.34",
        "invoice in_6 6 days past due, $12.34",
        "4 more invoices past due",
    ]


def test_a_subscription_past_due_unless_an_invoice_says_so() -> None:
    plan = make_plan(name="Pro")
    imported = make_subscription(plan=plan, past_due=True)
    ours = make_subscription(plan=plan, past_due=True)
    make_invoice(customer=ours.customer, subscription=ours, status="open", due_at=AT - DAY)
    ended = make_subscription(plan=plan, past_due=True, status="ended")
    customers = [row.customer for row in (imported, ours, ended)]
    assert [(each.customer_id, each.words) for each in found(past_due_subscriptions, *customers)] == [
        (str(imported.customer.pk), "Pro is past due")
    ]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(hours=3), "ends today"),
        (DAY, "ends tomorrow"),
        (3 * DAY, "ends Friday"),
        (7 * DAY, "ends on Dec 1"),
        (8 * DAY, None),
        (-DAY, None),
    ],
)
def test_a_trial_that_ends(after: timedelta, words: str | None) -> None:
    trial = make_subscription(plan=make_plan(name="Pro"), trial_ends_at=AT + after)
    assert said(ending_trials, trial.customer) == ([] if words is None else [f"trial of Pro {words}"])


def test_a_far_day_has_its_year() -> None:
    assert upcoming(datetime(2027, 1, 3, tzinfo=UTC), AT) == "on Jan 3"
    assert upcoming(datetime(2027, 7, 3, tzinfo=UTC), AT) == "on Jul 3, 2027"


def test_a_subscription_that_was_cancelled() -> None:
    plan = make_plan(name="Pro")
    leaving = make_subscription(plan=plan, canceled_at=AT - DAY, expires_at=AT + 9 * DAY)
    gone = make_subscription(plan=plan, canceled_at=AT - 9 * DAY, expires_at=AT - DAY)
    assert said(canceled_subscriptions, leaving.customer, gone.customer) == [
        "Pro was canceled and ends on Dec 3"
    ]


def test_a_renewal_that_nobody_speaks_about() -> None:
    period = {"current_period_start": AT - 344 * DAY, "current_period_end": AT + 21 * DAY}
    silent, spoken, never, monthly, later, leaving = (make_customer() for _ in range(6))
    for customer in (silent, spoken, never):
        make_subscription(customer=customer, **period)
    make_subscription(customer=monthly, current_period_start=AT - 9 * DAY, current_period_end=AT + 21 * DAY)
    make_subscription(customer=later, current_period_start=AT, current_period_end=AT + 365 * DAY)
    make_subscription(customer=leaving, canceled_at=AT, **period)
    make_note(customer=silent, created_at=AT - 70 * DAY)
    make_note(customer=silent, created_at=AT - 90 * DAY)
    make_note(customer=spoken, created_at=AT - 59 * DAY)
    reasons = found(unattended_renewals, silent, spoken, never, monthly, later, leaving)
    assert {reason.customer_id: reason.words for reason in reasons} == {
        str(silent.pk): "renews in 21 days, no contact for 70 days",
        str(never.pk): "renews in 21 days, no contact logged",
    }
    assert {reason.weight for reason in reasons} == {39}


def use(grant: Grant, amount: int, when: datetime, by: Customer | None = None) -> None:
    """Note that so much of what was used of the grant was used then."""
    grant.refresh_from_db()
    post(
        PostingDraft(
            customer_id=str((by or grant.balance.customer).pk),
            kind=Posting.Kind.USAGE,
            feature_id=grant.balance.feature_id,
            occurred_at=when,
            done_by="test",
            changes=[FigureChange(grant, "usage", Decimal(amount))],
        )
    )


def held(name: str = "API calls", **fields: Any) -> Grant:
    """A grant of 1,000 made 30 days ago, of which nothing was used, that is reset in 18 days."""
    balance = fields.pop("balance", None) or make_balance(feature=make_feature(name=name))
    return make_grant(
        balance=balance,
        **{
            "included_grant": Decimal(1000),
            "usage": Decimal(0),
            "created_at": AT - 30 * DAY,
            "next_reset_at": AT + 18 * DAY,
            **fields,
        },
    )


def test_a_balance_that_runs_out_before_its_reset() -> None:
    grant = held()
    # 750 in 30 days are 25 a day: what is left, 250, lasts for 10 days.
    use(grant, 750, AT - 3 * DAY)
    (reason,) = found(balances, grant.balance.customer)
    assert reason.words == "API calls run out on Dec 4, 8 days before reset"
    assert reason.rule == "balance_runs_out"
    assert reason.weight == 35 + 8


def test_a_balance_that_lasts_until_its_reset_is_no_reason() -> None:
    grant = held("Storage", next_reset_at=AT + 5 * DAY)
    use(grant, 800, AT - 3 * DAY)
    # 26.7 a day: 200 last for 7.5 days, and the reset comes in 5.
    assert said(balances, grant.balance.customer) == []


def test_without_recent_usage_the_period_that_has_passed_counts(settings: Settings) -> None:
    # The month began on November 12, so 40% of it has passed.
    monthly = {"reset_interval": "month", "reset_interval_count": 1, "anchor_day": 12}
    grant = held("Storage", usage=Decimal(850), **monthly)
    assert said(balances, grant.balance.customer) == ["Storage: 85% used, 150 of 1,000 left until Dec 12"]
    grant = held("Storage", usage=Decimal(700), **monthly)
    assert said(balances, grant.balance.customer) == []
    settings.WORKLIST_BALANCE_PERCENT = 60
    assert said(balances, grant.balance.customer) == ["Storage: 70% used, 300 of 1,000 left until Dec 12"]
    late = held("Storage", usage=Decimal(850), **monthly | {"next_reset_at": AT + 2 * DAY, "anchor_day": 26})
    assert said(balances, late.balance.customer) == []
    assert said(balances, held(usage=Decimal(850), next_reset_at=None).balance.customer) == []


def test_one_that_nothing_resets_is_looked_at_thirty_days_ahead() -> None:
    grant = held("Storage", next_reset_at=None)
    use(grant, 510, AT - 3 * DAY)
    # 17 a day: 490 last for 28.8 days.
    assert said(balances, grant.balance.customer) == ["Storage runs out on Dec 23, and never resets"]


def test_a_balance_of_which_nothing_is_left() -> None:
    calls, seats = held(usage=Decimal(1200)), held(usage=Decimal(1000))
    seats.balance.feature.name, seats.balance.feature.consumable = "Seats", False
    seats.balance.feature.save()
    reasons = found(balances, calls.balance.customer, seats.balance.customer)
    assert {(reason.words, reason.weight) for reason in reasons} == {
        ("out of API calls: all 1,000 used, resets Dec 12", 40 + 18),
        ("out of Seats: all 1,000 used, resets Dec 12", 15),
    }


def test_what_counts_is_what_the_balance_holds_now() -> None:
    grant = held(usage=Decimal(1000))
    make_rollover(balance=grant.balance, grant=grant, granted=Decimal(500), left=Decimal(400))
    make_grant(balance=grant.balance, included_grant=Decimal(9000), usage=Decimal(9000), ended_at=AT)
    # 400 of 1,500 are left.
    assert said(balances, grant.balance.customer) == []
    for silent in (
        held(usage=Decimal(1000), unlimited=True),
        held(included_grant=Decimal(0)),
        held(usage=Decimal(1000), balance=make_balance(removed_at=AT)),
    ):
        assert said(balances, silent.balance.customer) == []


def test_what_was_used_by_a_customer_that_became_part_of_this_one_counts() -> None:
    grant = held()
    survivor = grant.balance.customer
    # As merging leaves it: the posting stays the merged customer's.
    merged = make_customer()
    use(grant, 750, AT - 3 * DAY, by=merged)
    Customer.objects.filter(pk=merged.pk).update(merged_into=survivor)
    assert said(balances, survivor) == ["API calls run out on Dec 4, 8 days before reset"]


def contracted(amount: int | None, plan: dict[str, Any] | None, **fields: Any) -> Customer:
    relationship = make_relationship(contract_annual_revenue=amount, currency="USD")
    if plan is not None:
        make_subscription(customer=relationship.customer, plan=make_plan(**plan), **fields)
    return relationship.customer


@pytest.mark.parametrize(
    ("amount", "price", "words"),
    [
        (120_000, 7_000, "billed $84,000.00/yr against a $120,000.00/yr contract"),
        (84_000, 10_000, "billed $120,000.00/yr against a $84,000.00/yr contract"),
        (120_000, 9_001, None),
        (120_000, 9_000, "billed $108,000.00/yr against a $120,000.00/yr contract"),
        (120_000, None, "nothing billed against a $120,000.00/yr contract"),
        (None, 7_000, None),
        (0, 7_000, None),
    ],
)
def test_a_contract_against_what_is_billed(amount: int | None, price: int | None, words: str | None) -> None:
    plan = None if price is None else {"price_amount": Decimal(price)}
    customer = contracted(amount, plan)
    assert said(contract_mismatches, customer) == ([] if words is None else [words])


def test_a_contract_that_cannot_be_compared_yet_says_nothing() -> None:
    trial = contracted(1000, {"price_amount": Decimal(1)}, trial_ends_at=AT + 9 * DAY)
    euros = contracted(1000, {"price_amount": Decimal(1), "currency": "EUR"})
    assert said(contract_mismatches, trial, euros) == []


def test_an_account_that_earns_and_that_nobody_owns() -> None:
    unowned, unknown = make_relationship(owner=None).customer, make_customer()
    owned = make_relationship(owner=make_user()).customer
    idle = make_customer()
    free = make_customer()
    for customer in (unowned, unknown, owned):
        make_subscription(customer=customer)
    make_subscription(customer=free, plan=make_plan(price_amount=Decimal(0)))
    reasons = found(unowned_accounts, unowned, unknown, owned, idle, free)
    assert {reason.customer_id for reason in reasons} == {str(unowned.pk), str(unknown.pk)}
    assert {reason.words for reason in reasons} == {"no account manager"}


def test_a_customer_that_may_be_another() -> None:
    pair = make_duplicate_pair(a=make_customer(name="Acme"), b=make_customer(name="Acme Ltd"), score=0.92)
    settled = make_duplicate_pair(decision="not_duplicates")
    assert said(possible_duplicates, pair.a) == ["may be the same as Acme Ltd (92% likely)"]
    assert said(possible_duplicates, pair.a, pair.b, settled.a) == [
        "may be the same as Acme Ltd (92% likely)",
        "may be the same as Acme (92% likely)",
    ]


def test_a_task_whose_day_has_come_is_its_owner_s() -> None:
    ada, ben = make_user(), make_user()
    customer = make_relationship(owner=ada).customer
    task: dict[str, Any] = {"customer": customer, "owner": ben}
    make_task(**task, title="Call Jo", due_on=AT.date())
    make_task(**task, title="Send it", due_on=AT.date() - 3 * DAY)
    make_task(**task, due_on=AT.date() + DAY)
    make_task(**task)
    make_task(**task, due_on=AT.date(), done_at=AT)
    reasons = found(due_tasks, customer)
    assert [(reason.words, reason.weight, reason.person_id) for reason in reasons] == [
        ("task “Send it” 3 days late", 38, ben.pk),
        ("task “Call Jo” due today", 35, ben.pk),
    ]


def test_who_is_named_in_a_note_is_told_until_it_is_seen() -> None:
    ada, ben = make_user(username="ada"), make_user(username="ben")
    note = make_note(body="@ben knows them", author=ada)
    make_mention(note=note, user=ben)
    make_mention(note=note, user=make_user(), seen_at=AT)
    (reason,) = found(mentions, note.customer)
    assert (reason.words, reason.person_id) == ("ada mentioned ben in a note: @ben knows them", ben.pk)


def test_a_reason_that_the_settings_leave_out_is_not_found(settings: Settings) -> None:
    assert {name: rule.title for name, rule in RULES.items()} == REASONS
    customer = make_relationship(owner=None).customer
    make_subscription(customer=customer)
    batch = WorklistBatch([str(customer.pk)], clock.now())
    assert "unowned" in {reason.rule for reason in reasons_of(batch)}
    settings.WORKLIST_REASONS_OFF = ("unowned",)
    assert "unowned" not in {reason.rule for reason in reasons_of(batch)}


def test_the_names_of_rules_fit_into_their_column() -> None:
    longest = WorklistReason._meta.get_field("rule").max_length
    assert longest is not None
    assert max(map(len, RULES)) <= longest


def burden(customer: Customer) -> None:
    """Something for every rule."""
    plan = make_plan(price_amount=Decimal(100))
    make_relationship(customer=customer, contract_annual_revenue=Decimal(9), currency="USD")
    invoice = make_invoice(customer=customer, status="open", due_at=AT - 9 * DAY)
    make_dunning_step(invoice=invoice)
    make_alert_fired(customer=customer, fired_at=AT)
    empty = make_balance(customer=customer)
    make_auto_topup(customer=customer, feature=empty.feature, enabled=True)
    make_subscription(customer=customer, plan=plan, past_due=True)
    theirs = make_subscription(customer=customer, plan=plan, trial_ends_at=AT + DAY)
    make_platform_change(subscription=theirs, plan_before=plan, requested_at=AT)
    make_subscription(customer=customer, plan=plan, canceled_at=AT, expires_at=AT + DAY)
    make_subscription(
        customer=customer, plan=plan, current_period_start=AT - 90 * DAY, current_period_end=AT + DAY
    )
    use(held(balance=make_balance(customer=customer)), 750, AT - 3 * DAY)
    held(balance=make_balance(customer=customer), usage=Decimal(850), reset_interval="month")
    held(balance=make_balance(customer=customer), usage=Decimal(1000))
    make_duplicate_pair(a=customer)
    make_task(customer=customer, due_on=AT.date())
    make_mention(note=make_note(customer=customer, created_at=AT - 99 * DAY))
    make_health_score(customer=customer, score=90, day=AT.date() - 40 * DAY, is_latest=False)
    make_health_score(customer=customer, score=9, day=AT.date())


def test_all_rules_take_as_many_queries_for_five_customers_as_for_one() -> None:
    customers = [make_customer() for _ in range(5)]
    burden(customers[0])
    counts = []
    for some in (customers[:1], customers):
        for customer in some[1:]:
            burden(customer)
        with CaptureQueriesContext(connection) as captured:
            reasons = list(reasons_of(WorklistBatch([str(customer.pk) for customer in some], AT)))
        counts.append(len(captured))
        for customer in some:
            rules = {reason.rule for reason in reasons if reason.customer_id == str(customer.pk)}
            assert rules == set(RULES)
    assert counts[0] == counts[1]


def test_one_is_reminded_of_a_task_before_it_is_due() -> None:
    customer = make_customer()
    ben = make_user()
    make_task(
        customer=customer, owner=ben, title="Call Jo", due_on=AT.date() + 3 * DAY, reminder_on=AT.date()
    )
    make_task(customer=customer, owner=ben, title="Send it", reminder_on=AT.date() - DAY)
    make_task(customer=customer, owner=ben, due_on=AT.date() + 3 * DAY, reminder_on=AT.date() + DAY)
    reasons = found(due_tasks, customer)
    assert [reason.words for reason in reasons] == [
        "task “Call Jo” due in 3 days",
        "task “Send it” is waiting",
    ]
    assert {reason.person_id for reason in reasons} == {ben.pk}
