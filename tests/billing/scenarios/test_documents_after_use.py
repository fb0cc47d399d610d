"""Documents as the starting state and as the outcome: rows win, what is exported can be imported again."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.balances.adjust import add
from billing.models import Balance, Flag, Grant, Invoice, LedgerEntry, Posting, Rollover, Subscription
from customers import clock
from customers.lookup import find_customer
from customers.models import ApiToken
from tests.billing.import_documents import row_counts
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    balance,
    carried,
    credit_system,
    customer,
    document,
    feature,
    figures,
    given,
    holder,
    item,
    moment,
    monthly,
    ms,
    pay,
    plan,
    renew,
    row,
    run,
    taken,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db


def test_an_aggregate_that_disagrees_with_its_rows_loses_and_it_is_said():
    wrong = balance("calls", row(10, 4, id="one"), granted=99, remaining=95, usage=7)
    taken(holder(wrong))
    assert figures() == (10, 6, 4)
    assert LedgerEntry.objects.filter(posting__kind="import").count() == 2
    [payload] = find_customer("acme").source_records.get().payloads.all()
    assert {each["path"] for each in payload.remarks} == {
        f"$.balances.calls.{name}" for name in ("granted", "remaining", "usage")
    }


def test_an_aggregate_alone_becomes_one_standalone_row():
    lone = balance("calls", granted=100, remaining=30, usage=70, next_reset_at=ms("2026-02-01"))
    del lone["breakdown"]
    taken(holder(lone))
    assert figures() == (100, 30, 70)
    assert document()["balances"]["calls"]["next_reset_at"] == ms("2026-02-01")
    use(30)
    assert figures() == (100, 0, 100)
    assert Grant.objects.get().plan is None
    # How often it resets nobody said, so it waits for the next document.
    use_refused(1, when="2026-02-01")
    assert "Nothing is due" in renew("2026-02-01")
    assert figures(when="2026-02-01") == (100, 0, 100)


def test_imported_rows_are_used_reset_and_billed_by_nobody():
    """The platform that sent the subscription bills it: overage is reset and no invoice is raised."""
    taken(
        holder(
            balance(
                "calls",
                row(100, 110, id="one", plan_id="pro", reset=monthly("2026-02-01"), price=usage_price(1)),
                row(0, 5, id="packs", plan_id="pro", prepaid_grant=50, reset=monthly("2026-02-01")),
                overage_allowed=True,
                rollovers=[{"balance": 3, "granted": 8, "expires_at": ms("2026-01-20")}],
            ),
        )
    )
    # 100 + 50 + 8 granted; 45 + 3 remaining; 110 + 5 + 5 used.
    assert figures() == (158, 48, 120)
    use(50, when="2026-01-19")
    # The rollover's 3, the packs' 45, and 2 more beyond the first.
    assert usages(when="2026-01-19") == [112, 50]
    assert figures(when="2026-01-20") == (150, 0, 162)
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (150, 150, 0)
    assert carried(when="2026-02-01") == []
    assert not Invoice.objects.exists()
    assert_adds_up()


def test_a_later_document_posts_the_difference():
    taken(holder(balance("calls", row(100, 10, id="one"))))
    use(5)
    taken(holder(balance("calls", row(120, 40, id="one"))))
    assert figures() == (120, 80, 40)
    amounts: Any = LedgerEntry.objects.values_list("posting__kind", "figure", "amount")
    assert sorted(amounts) == [
        ("import", "included_grant", 20),
        ("import", "included_grant", 100),
        ("import", "usage", 10),
        ("import", "usage", 25),
        ("usage", "usage", 5),
    ]
    assert_adds_up()


def lived():
    """A customer with a plan, an add-on, a grant of its own, credits, rollovers, overage, an adjustment, a trial."""
    rule = {"max": 150, "expiry_duration_type": "month", "expiry_duration_length": 3}
    given(
        feature("calls"),
        feature("mails"),
        feature("sso", type="boolean"),
        credit_system("credits", mails=0.3),
        plan(
            "pro",
            item("calls", 100, rollover=rule, price=usage_price(0.5, 10)),
            item("credits", 50, "week"),
            item("sso", 0, None),
            price=20,
        ),
        plan("extra", item("calls", 30), add_on=True),
        plan("pack", item("calls", 15, None), price=9.99, every="one_off"),
    )
    customer(entities=[{"id": "a", "name": "a", "created_at": ms(JAN_1), "env": "live"}])
    attach("pro", since="2026-01-31T00:00:00Z")
    attach("extra", since="2026-01-31T00:00:00Z")
    attach("pack", since="2026-01-31T00:00:00Z")
    run("grant", "acme", "calls", "7", "--at", "2026-01-31")
    use(40, when="2026-02-01")
    use(21, when="2026-02-02", of="mails")
    renew("2026-02-28")
    pay("2026-03-01")
    use(200, when="2026-03-01")
    use("-2.5", when="2026-03-02")
    add(
        Balance.objects.get(feature__feature_id="credits"),
        Decimal("12.5"),
        reason="For the outage",
        done_by="test",
        at=moment("2026-03-02"),
    )
    return "2026-03-02"


@pytest.fixture
def _then(monkeypatch):
    """It is the day that `lived` tells about: what has expired since still counts."""
    monkeypatch.setattr(clock, "now", lambda: moment("2026-03-02"))


def exported(tmp_path):
    """What the export writes, as a file to import."""
    file = tmp_path / "billing.ndjson"
    run("export_customers", "billing", "--output", str(file))
    return str(file)


def test_the_document_of_a_lived_life():
    """Worked out by hand; rows: pro 100, extra 30, pack 15, own 7."""
    when = lived()
    # 40 in February were pro's; 60 and 30 were left, and pro's 60 carried over until 28 May.
    # 200 in March: 60 carried over, extra's 30 (no overage, so before pro), pro's 100, 7 or 15: the grants that
    # are never refilled, pack's 15 and the 7 of its own, less 12 that were not asked for: 200-60-130 = 10.
    shown = document(when)["balances"]["calls"]
    assert [(each["plan_id"], each["included_grant"]) for each in shown["breakdown"]] == [
        ("pro", 100),
        ("extra", 30),
        ("pack", 15),
        (None, 7),
    ]
    # Giving 2.5 back refills the first in drawing order: the main plan's row.
    assert usages(when=when) == [Decimal("97.5"), 30, 10, 0]
    assert carried(when=when) == [(0, 60, ms("2026-05-28"))] or carried(when=when) == [
        (0, 60, ms("2026-05-31"))
    ]
    # 100 + 30 + 15 + 7 + 60; 2.5 + 5 + 7; 97.5 + 30 + 10 + 60.
    assert figures(when=when) == (212, Decimal("14.5"), Decimal("197.5"))
    # 21 mails at 0.3 were 6.3 of the first week's 50; four weeks later nothing is used, and 12.5 were added.
    assert figures("credits", when) == (Decimal("62.5"), Decimal("62.5"), 0)
    assert document(when)["flags"]["sso"]["plan_id"] == "pro"
    assert_adds_up()


@pytest.mark.usefixtures("_then")
def test_importing_ones_own_export_changes_nothing(tmp_path):
    when = lived()
    before, rows = document(when), row_counts()
    run("import_customers", "billing", exported(tmp_path))
    assert document(when) == before
    changed = {name: (rows[name], count) for name, count in row_counts().items() if rows[name] != count}
    # An invoice's place among the others is noted, and its history says so. The import itself is an event, and the audit
    # log says who exported and who imported.
    told = {"customers.Event", "customers.AuditEntry", "customers.AuditDetails"}
    assert set(changed) <= {"billing.HistoricalInvoice", *told}, changed
    for model in (Subscription, Grant, Balance, Rollover, Flag):
        assert not model.objects.filter(imported=True).exists(), model
    # And life goes on: nothing resets twice, nothing is billed or carried over twice.
    for _ in range(2):
        renew("2026-04-15")
    once = document("2026-04-15")
    assert [left for left, _, _ in carried(when="2026-04-15")] == [0, Decimal("2.5")]
    run("import_customers", "billing", exported(tmp_path))
    assert document("2026-04-15") == once
    assert_adds_up()


@pytest.mark.usefixtures("_then")
def test_an_export_imported_into_an_empty_database_gives_the_same_document(tmp_path):
    when = lived()
    before = document(when)
    file = exported(tmp_path)
    empty_the_database()
    told = run("import_customers", "billing", file)
    assert "1 created" in told
    assert document(when) == before
    assert_adds_up()
    # What can be used next is the same, too.
    use(14, when=when)
    assert figures(when=when) == (212, Decimal("0.5"), Decimal("211.5"))


def empty_the_database():
    """Every row goes, those of the ledger and the audit log too: their triggers step aside."""
    tables = [f'"{name}"' for name in connection.introspection.django_table_names(only_existing=True)]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            statements = [
                "PRAGMA defer_foreign_keys = ON",
                *(f'DROP TRIGGER "{name}"' for name, _ in triggers),
                *(f"DELETE FROM {table}" for table in tables),
                *(definition for _, definition in triggers),
            ]
        else:
            statements = [
                "SET CONSTRAINTS ALL IMMEDIATE",
                "SET LOCAL session_replication_role = replica",
                f"TRUNCATE {', '.join(tables)} CASCADE",
                "SET LOCAL session_replication_role = origin",
                "SET CONSTRAINTS ALL DEFERRED",
            ]
        for statement in statements:
            cursor.execute(statement)
    assert not Posting.objects.exists()
    assert not ApiToken.objects.exists()


def test_the_json_view_shows_the_same(client, django_user_model):
    when = lived()
    client.force_login(django_user_model.objects.create_superuser("someone"))
    answer = client.get("/api/v1/billing/customers/acme")
    assert answer.status_code == 200
    shown = json.loads(answer.content, parse_float=Decimal)["balances"]["credits"]
    assert (shown["granted"], shown["usage"]) == (Decimal("62.5"), 0)
    assert document(when)["id"] == "acme"


def test_a_use_counts_on_the_document_it_was_exported_with(tmp_path):
    """Export, use, import the older export: the platform's word wins, and the ledger says so."""
    taken(holder(balance("calls", row(100, 10, id="one"))))
    file = exported(tmp_path)
    use(5)
    run("import_customers", "billing", file)
    assert figures() == (100, 90, 10)
    assert_adds_up()
