"""Loading the demo, as a person does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from billing.doctor import ledger
from billing.models import Grant, Invoice, Posting, Subscription
from crm.demo.billed_here import bill_here
from crm.demo.conversations import start_conversations
from crm.demo.load import create_demo_logins, load_demo_customers, review_duplicates, settle_desk
from crm.demo.uses import use_balances
from crm.desk.worklist.queries import entries_of, reasons_by_entry
from crm.models import (
    Activity,
    DuplicatePair,
    HealthScore,
    Mention,
    Merge,
    Note,
    Relationship,
    Task,
    Team,
    WorklistReason,
)
from customers import clock
from customers.models import Customer, ReceivedPayload

pytestmark = [pytest.mark.django_db, pytest.mark.once]
TODAY = datetime(2026, 1, 15, tzinfo=UTC)


def test_everything_comes_in_through_the_importers_with_duplicates_and_merged_customers():
    counts = load_demo_customers(30, TODAY)
    assert [each.refused for each in counts.values()] == [0, 0, 0]
    assert Customer.objects.get(pk="cus_01h3vjs3b16yc3f9q8q9pfrb78").name == "Jane Doe"
    assert ReceivedPayload.objects.count() >= sum(each.created + each.updated for each in counts.values())
    sources = [
        frozenset(customer.source_records.values_list("source", flat=True))
        for customer in Customer.objects.unmerged()
    ]
    assert sources.count(frozenset({"payments", "billing", "crm"})) > len(sources) / 3
    names = list(Customer.objects.unmerged().values_list("name", flat=True))
    assert any(other.startswith(f"{name} ") for name in names for other in names)
    assert Customer.objects.exclude(merged_into=None).exists()


def test_duplicates_are_swept_one_of_them_merged_and_a_record_waits_to_be_linked():
    load_demo_customers(30, TODAY)
    create_demo_logins()
    review_duplicates()
    assert Merge.objects.count() == 1
    waiting = DuplicatePair.objects.waiting().select_related("a", "b")
    sources = [
        {record.source for side in (pair.a, pair.b) for record in side.source_records.all()}
        for pair in waiting
    ]
    assert {"payments", "crm"} in sources
    review_duplicates()
    assert Merge.objects.count() == 1


def test_loading_twice_changes_nothing():
    load_demo_customers(30, TODAY)
    before = (Customer.objects.count(), Invoice.objects.count(), Customer.history.count())
    again = load_demo_customers(30, TODAY)
    assert all(each.created == each.updated == 0 for each in again.values())
    assert (Customer.objects.count(), Invoice.objects.count(), Customer.history.count()) == before


def test_there_is_a_login_for_each_role_and_the_manager_has_accounts():
    load_demo_customers(30, TODAY)
    assert [role for _, role in create_demo_logins()] == [
        "Administrator",
        "Account manager",
        "Billing operations",
        "Viewer",
    ]
    manager = User.objects.get(username="manager")
    assert manager.check_password("manager")
    owned = Relationship.objects.owned_by(manager).count()
    assert 0 < owned < Relationship.objects.count()
    team = Team.objects.get().members.all()
    assert {user.username for user in team} == {"manager", "admin"}
    assert Relationship.objects.filter(owner__in=team).count() > owned
    create_demo_logins()
    assert Relationship.objects.owned_by(manager).count() == owned


def test_the_manager_has_something_to_do():
    load_demo_customers(30, TODAY)
    create_demo_logins()
    settle_desk(TODAY)
    mine = entries_of([User.objects.get(username="manager").pk])
    reasons = [reason.rule for found in reasons_by_entry(mine).values() for reason in found]
    assert len(set(reasons)) >= 4
    assert 0 < reasons.count("contract_mismatch") < Relationship.objects.count() / 4
    assert HealthScore.objects.in_force().exists()


def test_the_account_managers_have_spoken_with_their_customers_once():
    load_demo_customers(30, TODAY)
    create_demo_logins()
    assert start_conversations(TODAY)
    counts = (Activity.objects.count(), Note.objects.count(), Task.objects.count())
    assert all(counts)
    assert not start_conversations(TODAY)
    assert (Activity.objects.count(), Note.objects.count(), Task.objects.count()) == counts
    manager = User.objects.get(username="manager")
    assert Mention.objects.unseen().of(manager).exists()
    assert Task.objects.due_by(TODAY.date()).of(manager).exists()
    told = Task.objects.exclude(done_at=None).latest("done_at")
    assert [row.history_date for row in told.history.all()] == [told.done_at, told.created_at]
    settle_desk(TODAY)
    reasons = reasons_by_entry(entries_of([manager.pk]))
    assert {"task_due", "mention"} <= {reason.rule for found in reasons.values() for reason in found}


@pytest.mark.once
def test_what_was_granted_is_used_once_and_some_of_it_runs_out(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: TODAY)
    load_demo_customers(40, TODAY)
    create_demo_logins()
    assert use_balances(TODAY)
    posted = Posting.objects.filter(kind="usage")
    uses = posted.count()
    assert uses > 100
    # 90 days before the 15th, and at an hour before midnight at most.
    assert posted.earliest("occurred_at").occurred_at.date() in (date(2025, 10, 16), date(2025, 10, 17))
    # What a balance says is used is what the days since its last reset add up to.
    for feature_id in ("api_calls", "ai_credits"):
        grant = Grant.objects.get(
            balance__customer__name="Kestrel Robotics, Inc.", balance__feature__feature_id=feature_id
        )
        assert grant.next_reset_at is not None
        last_month = grant.next_reset_at.replace(day=1) - timedelta(days=1)
        since = last_month.replace(day=grant.next_reset_at.day)
        entries = grant.ledger.filter(figure="usage", posting__kind="usage", posting__occurred_at__gte=since)
        assert grant.usage == sum(entry.amount for entry in entries) > 0
    assert not use_balances(TODAY)
    assert Posting.objects.filter(kind="usage").count() == uses
    settle_desk(TODAY)
    assert WorklistReason.objects.filter(rule="balance_runs_out").exists()
    assert not list(ledger.check_grants(lambda rows: None))


@pytest.mark.once
def test_some_customers_are_billed_here_so_that_every_act_on_an_invoice_can_be_tried(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: TODAY)
    load_demo_customers(40, TODAY)
    assert bill_here(TODAY)
    ours = Invoice.objects.exclude(number="").order_by("number")
    # Pro is 49 USD a month, the credit pack 99 USD, Scale 499.99 USD a month.
    assert [(row.status, row.total, row.due) for row in ours] == [
        ("paid", 4900, 0),
        ("open", 9900, 9900),
        ("open", 49999, 39999),
    ]
    [trial] = Subscription.objects.filter(billed_here=True, trial_ends_at__gt=TODAY)
    assert trial.trial_ends_at == TODAY + timedelta(days=6)
    assert not bill_here(TODAY)
    assert ours.count() == 3


def test_the_command_leaves_a_database_with_customers_alone():
    Customer.objects.create(name="Mine")
    out = StringIO()
    call_command("load_demo", "--if-empty", stdout=out)
    assert "No demo customers loaded" in out.getvalue()
    assert Customer.objects.count() == 1


def test_no_logins_are_made_in_production(settings):
    settings.DEVELOPMENT = False
    out = StringIO()
    call_command("load_demo", "--customers", "1", stdout=out)
    assert "No demo users created" in out.getvalue()
    assert not User.objects.exists()


@pytest.mark.parametrize("number", ["0", "-3", "many", "1.5"])
def test_a_number_that_is_none_is_refused(number):
    with pytest.raises(CommandError, match="whole number"):
        call_command("load_demo", "--customers", number)
