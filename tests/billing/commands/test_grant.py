"""Granting by hand."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from billing.models import Balance, Grant, Posting
from billing.subscriptions import due_customers
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers import clock
from tests.factories import make_customer, make_entity, make_feature, make_grant

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("grant", *arguments, stdout=out)
    return out.getvalue().splitlines()


def refused(*arguments: str, status: int = 1) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == status
    return str(caught.value)


def test_a_balance_is_made_and_granted() -> None:
    customer = make_customer(external_id="acme", name="Acme")
    make_feature(feature_id="calls", name="Calls")

    told = run(
        "acme", "calls", "100.5", "--interval", "month", "--at", "2026-01-31", "--reason", "A present",
        "--expires-at", "2027-01-31T12:00:00Z",
    )  # fmt: skip

    grant = Grant.objects.get()
    assert (grant.balance.customer, grant.included_grant, grant.usage) == (customer, Decimal("100.5"), 0)
    assert (grant.created_at, grant.next_reset_at) == (
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 2, 28, tzinfo=UTC),
    )
    assert (grant.grant_id, grant.plan, grant.subscription, grant.purchase) == (grant.pk, None, None, None)
    posting = Posting.objects.get()
    assert (posting.kind, posting.done_by, posting.reason, posting.amount) == (
        "grant",
        "grant",
        "A present",
        Decimal("100.5"),
    )
    entry = posting.entries.get()
    assert (entry.figure, entry.amount, entry.after) == ("included_grant", Decimal("100.5"), Decimal("100.5"))
    assert told == [
        "Granted 100.5 Calls to Acme",
        "Resets every month, next on Feb 28, 2026",
        "Expires on Jan 31, 2027, 12:00",
        "Calls: granted 100.5, remaining 100.5, used 0",
    ]


def test_beside_what_is_there() -> None:
    grant = make_grant()
    feature = grant.balance.feature

    told = run(str(grant.balance.customer_id), feature.feature_id, "20")

    assert Balance.objects.count() == 1
    assert told[-1] == f"{feature}: granted 120, remaining 90, used 30"


def test_for_an_entity_alone() -> None:
    seat = make_entity(entity_id="s1")
    feature = make_feature(feature_id="calls")

    run(str(seat.customer_id), str(feature.pk), "5", "--entity", "s1")

    assert Grant.objects.get().entity == seat


def test_without_limit() -> None:
    make_customer(external_id="acme", name="Acme")
    make_feature(feature_id="calls", name="Calls")

    assert run("acme", "calls", "0", "--unlimited") == [
        "Granted unlimited Calls to Acme",
        "Calls: granted 0, remaining unlimited, used 0",
    ]


def test_one_and_none_in_the_words_of_the_feature() -> None:
    make_customer(external_id="acme", name="Acme")
    make_feature(feature_id="calls", name="API", display_singular="call", display_plural="calls")
    make_feature(feature_id="mails", name="Mails")

    assert run("acme", "calls", "1")[0] == "Granted 1 call to Acme"
    assert run("acme", "calls", "0") == [
        "Granted 0 calls to Acme",
        "API: granted 1, remaining 1, used 0",
    ]
    assert run("acme", "mails", "1")[0] == "Granted 1 unit of Mails to Acme"


def test_a_merged_customer_s_survivor() -> None:
    survivor = make_customer()
    make_customer(external_id="old", merged_into=survivor)
    make_feature(feature_id="calls")

    run("old", "calls", "5")

    assert Balance.objects.get().customer == survivor


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        (["acme", "sso", "1"], "Single sign-on is an on/off feature", 1),
        (["acme", "calls", "-1"], "Enter an amount of 0 or more", 1),
        (["nobody", "calls", "1"], "No customer is known by “nobody”", 1),
        (["acme", "fax", "1"], "No feature “fax”", 1),
        (["acme", "calls", "1", "--entity", "s9"], "has no entity “s9”", 1),
        (["acme", "calls", "1", "--interval-count", "2"], "together with an interval", 1),
        (
            ["acme", "calls", "1", "--interval", "month", "--interval-count", "0"],
            "an interval count of 1 or more",
            1,
        ),
        (
            ["acme", "calls", "1", "--at", "2026-01-02", "--expires-at", "2026-01-02"],
            "an expiry after the start",
            1,
        ),
        (["acme", "calls", "much"], "'much' cannot be read", 1),
        (["acme", "calls", "1", "--at", "soon"], "'soon' cannot be read", 1),
        (["acme", "calls", "1", "--interval", "multiple"], "invalid choice: 'multiple'", 1),
    ],
    ids=str,
)
def test_refusals(arguments: list[str], told: str, status: int) -> None:
    make_customer(external_id="acme")
    make_feature(feature_id="calls")
    make_feature(feature_id="sso", name="Single sign-on", type="boolean")

    assert told in refused(*arguments, status=status)
    assert Balance.objects.count() == Posting.objects.count() == 0


def test_a_later_grant_counts_from_its_start_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    make_feature(feature_id="calls", name="Calls")
    customer = make_customer(external_id="acme")
    start = datetime(2026, 1, 20, tzinfo=UTC)

    told = run(
        "acme", "calls", "10", "--at", "2026-01-20", "--interval", "month", "--expires-at", "2026-06-01",
        "--reason", "A present",
    )  # fmt: skip

    assert told[0].startswith("Granted 10 Calls to")
    assert told[0].endswith(", from Jan 20, 2026 on")
    assert told[-1] == "Calls: granted 0, remaining 0, used 0"
    scheduled = Grant.objects.get()
    assert (scheduled.included_grant, scheduled.next_reset_at) == (0, None)
    out = io.StringIO()
    call_command("explain_balance", "acme", "calls", stdout=out)
    assert "starts Jan 20, 2026" in out.getvalue()
    assert due_customers(start - timedelta(seconds=1)) == []
    assert due_customers(start) == [str(customer.pk)]
    now = start + timedelta(days=1)
    # Usage starts what is due before it.
    record_usage(
        UsageRequest(
            customer_id=str(customer.pk), feature=scheduled.balance.feature, amount=Decimal(4), done_by="test"
        )
    )
    started = Grant.objects.get()
    assert (started.included_grant, started.usage, started.next_reset_at) == (
        10,
        4,
        datetime(2026, 2, 20, tzinfo=UTC),
    )
    posting = Posting.objects.get(kind=Posting.Kind.GRANT)
    assert (posting.reason, posting.done_by) == ("A present", scheduled.scheduled_by)
    refused("acme", "calls", "1", "--at", "2026-03-01", "--unlimited")
