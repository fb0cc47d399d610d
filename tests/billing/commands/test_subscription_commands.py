"""The commands that change subscriptions: what they tell, and how they refuse."""

import pytest
from django.core.management import CommandError, call_command, load_command_class

from billing.models import Invoice, Posting, Subscription
from billing.subscriptions import attach_plan
from tests.billing.subscriptions.timeline import a_month_for, at, document, plan_of
from tests.factories import make_customer

JAN_31 = at("2026-01-31T10:00")
FEB_14 = ("--at", "2026-02-14T10:00:00Z")


def attached(plan):
    """A customer who has the plan since JAN_31."""
    customer = make_customer(external_id="acme")
    attach_plan(customer, plan, at=JAN_31, done_by="test")
    return customer


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Subscription, Invoice, Posting)]


@pytest.mark.django_db
def test_change_plan_tells_what_it_did(capsys):
    customer = attached(plan_of("basic", **a_month_for(20)))
    plan_of("pro", **a_month_for(50))
    call_command("change_plan", "acme", "basic", "pro", "--quantity", "2", *FEB_14)
    out = capsys.readouterr().out
    assert "basic v1 has ended and pro v1 is active." in out
    # Half a month of twice 50, less half a month of 20.
    assert "$40.00, open" in out
    call_command("change_plan", "acme", "pro", "basic", *FEB_14)
    assert "pro v1 continues until Feb 28, 2026, 10:00, then basic v1 starts." in capsys.readouterr().out
    statuses = [(each["plan_id"], each["status"]) for each in document(customer, JAN_31)["subscriptions"]]
    assert statuses == [("pro", "active"), ("basic", "scheduled")]


@pytest.mark.django_db
def test_cancel_and_uncancel_tell_what_they_did(capsys):
    attached(plan_of("basic", **a_month_for(20)))
    call_command("cancel_subscription", "acme", "basic", *FEB_14)
    assert "basic v1 ends on Feb 28, 2026, 10:00." in capsys.readouterr().out
    call_command("uncancel_subscription", "acme", "basic", *FEB_14)
    assert "basic v1 continues." in capsys.readouterr().out
    call_command("cancel_subscription", "acme", "basic", "--now", *FEB_14)
    assert "basic v1 has ended." in capsys.readouterr().out
    assert Subscription.objects.get().expires_at == at("2026-02-14T10:00")


@pytest.mark.django_db
def test_extend_trial_tells_what_it_did(capsys):
    attached(plan_of("basic", **a_month_for(20, free_trial_length=30, free_trial_unit="day")))
    call_command("extend_trial", "acme", "basic", "2026-03-15", *FEB_14)
    assert "The trial of basic v1 now lasts until Mar 15, 2026." in capsys.readouterr().out
    assert Subscription.objects.get().trial_ends_at == at("2026-03-15T00:00")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["change_plan", "acme", "basic", "basic"], "already has basic v1"),
        (
            ["change_plan", "acme", "basic", "gold"],
            "No live plan “gold”. Known plans: basic.",
        ),
        (["change_plan", "acme", "gold", "basic"], "no running subscription “gold”"),
        (["change_plan", "nobody", "basic", "basic"], "nobody"),
        (["cancel_subscription", "acme", "gold"], "no running subscription “gold”"),
        (["cancel_subscription", "acme", "a\0b"], "no running subscription"),
        (["uncancel_subscription", "acme", "basic"], "The subscription is not canceled."),
        (["extend_trial", "acme", "basic", "2026-03-01"], "The subscription is not on trial"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(arguments, message):
    attached(plan_of("basic", **a_month_for(20)))
    before = everything()
    with pytest.raises(CommandError, match=message) as refused:
        call_command(*arguments, *FEB_14)
    assert refused.value.returncode == 1
    assert everything() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["change_plan", "acme"],
        ["change_plan", "acme", "basic", "pro", "--quantity", "0"],
        ["change_plan", "acme", "basic", "pro", "--quantity", "1e999"],
        ["change_plan", "acme", "basic", "pro", "--prepaid", "credits"],
        ["change_plan", "acme", "basic", "pro", "--at-once", "--at-period-end"],
        ["cancel_subscription", "acme", "basic", "--at", "tomorrow"],
        ["cancel_subscription", "acme", "basic", "--env", "space"],
        ["uncancel_subscription"],
        ["extend_trial", "acme", "basic", "2026-03-01T10:00:00"],
    ],
)
def test_wrong_arguments_are_usage_errors(arguments, capsys):
    command = load_command_class("billing", arguments[0])
    with pytest.raises(SystemExit) as left:
        command.run_from_argv(["manage.py", *arguments])
    assert left.value.code == 2
    assert "usage: manage.py" in capsys.readouterr().err
