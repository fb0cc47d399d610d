"""Each check of the doctor finds what was broken for it, says what to do, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.balances.adjust import expire
from billing.doctor import CHECKS, Finding
from billing.doctor.revenue import check_revenue
from billing.doctor.triggers import TRIGGERS
from billing.models import (
    CreditNote,
    Grant,
    Invoice,
    InvoiceSeries,
    LedgerEntry,
    Payment,
    Posting,
    Rollover,
)
from customers import clock
from customers import triggers as merging_guards
from customers.models import Customer
from tests.billing.corrupt import unguarded
from tests.factories import (
    MOMENT,
    make_balance,
    make_customer,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_invoice_line,
    make_merged_record,
    make_note,
    make_plan,
    make_plan_item,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def findings(*, fix: bool = False) -> list[Finding]:
    """What all checks find."""
    return [finding for check in CHECKS for finding in check.run(lambda count: None, fix=fix)]


def said(*, fix: bool = False) -> list[tuple[str, str]]:
    """Which rows are amiss, and how."""
    return [(finding.row, finding.what) for finding in findings(fix=fix)]


def last_entry() -> LedgerEntry:
    """The entry that was written last."""
    return LedgerEntry.objects.latest("posting_id", "number")


def issued(number: str, total: int = 1234, **fields: Any) -> Invoice:
    """An open invoice with one line over its total and a number; the series goes on from there."""
    invoice = make_invoice(**{"status": "open", **fields}, total=total)
    make_invoice_line(invoice=invoice, amount=total)
    invoice.number = number
    invoice.save()
    prefix, _, place = number.rpartition("-")
    InvoiceSeries.objects.update_or_create(prefix=prefix, defaults={"last_number": int(place)})
    return invoice


def test_nothing_is_amiss_in_rows_that_are_whole() -> None:
    make_grant(next_reset_at=clock.now() + DAY, reset_interval="month")
    make_grant(usage=0, prepaid_grant=Decimal("0.0000000001"))
    make_rollover()
    make_flag()
    make_subscription(current_period_start=clock.now(), current_period_end=clock.now() + DAY)
    paid = issued("INV-000001")
    Payment.objects.create(invoice=paid, amount=1234)
    Invoice.objects.filter(pk=paid.pk).update(paid=1234, status="paid")
    Customer.objects.filter(pk=make_customer().pk).update(merged_into=make_customer())
    assert findings() == []


# The ledger


def test_a_figure_that_is_not_the_sum_of_its_entries_is_found_and_mended() -> None:
    grant = make_grant(usage=30)
    with unguarded():
        Grant.objects.filter(pk=grant.pk).update(usage=Decimal("42.5"))
    (finding,) = findings()
    assert finding.row == grant.pk
    assert finding.name == str(grant.balance)
    assert finding.what == "usage is 42.5, but its ledger entries sum to 30"
    assert finding.remedy == "Run with --fix to post an entry of 12.5."
    assert LedgerEntry.objects.count() == 2

    (mended,) = findings(fix=True)
    assert mended.mended == "Posted an entry of 12.5."
    entry = last_entry()
    assert (entry.figure, entry.number, entry.amount, entry.after) == (
        "usage",
        3,
        Decimal("12.5"),
        Decimal("42.5"),
    )
    assert (entry.posting.kind, entry.posting.reason, entry.posting.done_by) == (
        "adjustment",
        "doctor",
        "doctor",
    )
    assert entry.posting.customer_id == grant.balance.customer_id
    grant.refresh_from_db()
    assert (grant.usage, grant.entries, grant.included_grant) == (Decimal("42.5"), 3, 100)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert findings(fix=True) == []


def test_figures_that_have_no_entry_at_all_and_those_of_rollovers_are_mended_too() -> None:
    bare = make_grant(included_grant=0, usage=0)
    rollover = make_rollover(granted=10, left=4)
    with unguarded():
        Grant.objects.filter(pk=bare.pk).update(included_grant=7, prepaid_grant=-1)
        Rollover.objects.filter(pk=rollover.pk).update(left=Decimal("4.0000000001"))
    assert said() == [
        (bare.pk, "included_grant is 7, but its ledger entries sum to 0"),
        (bare.pk, "prepaid_grant is -1, but its ledger entries sum to 0"),
        (rollover.pk, "left is 4.0000000001, but its ledger entries sum to 4"),
    ]
    assert all(finding.mended for finding in findings(fix=True))
    assert findings() == []
    amounts = LedgerEntry.objects.filter(posting__kind="adjustment").order_by("pk")
    assert [entry.amount for entry in amounts] == [7, -1, Decimal("0.0000000001")]


def test_an_entry_that_does_not_go_on_from_the_one_before_it_cannot_be_mended() -> None:
    grant = make_grant(included_grant=100, usage=30)
    with unguarded():
        LedgerEntry.objects.filter(grant=grant, figure="usage").update(amount=20)
    expected = [
        (grant.pk, "ledger entry number 2 leaves usage at 30, but it was 0 and changed by 20"),
        (grant.pk, "usage is 30, but its ledger entries sum to 20"),
    ]
    assert said() == expected
    assert said(fix=True) == expected
    assert not any(finding.can_be_mended or finding.mended for finding in findings(fix=True))


def test_entries_that_are_missing_or_not_counted_are_found() -> None:
    gone, more, fewer = (make_grant(included_grant=100, usage=30) for _ in range(3))
    with unguarded():
        LedgerEntry.objects.filter(grant=gone, number=1).delete()
        Grant.objects.filter(pk=gone.pk).update(included_grant=0)
        Grant.objects.filter(pk=more.pk).update(entries=5)
        Grant.objects.filter(pk=fewer.pk).update(entries=1)
    assert said() == [
        (gone.pk, "its ledger entry number 1 is missing"),
        (more.pk, "it counts 5 ledger entries, but there are 2"),
        (fewer.pk, "it counts 1 ledger entries, but there are 2"),
    ]


def test_what_is_mended_goes_on_from_the_highest_number() -> None:
    grant = make_grant(included_grant=100, usage=30)
    with unguarded():
        Grant.objects.filter(pk=grant.pk).update(entries=1, usage=31)
    findings(fix=True)
    assert last_entry().number == 3
    assert findings() == []


def test_the_database_is_asked_as_often_for_many_grants_as_for_one() -> None:
    counts = []
    for number in (1, 20):
        for _ in range(number):
            make_grant()
        with CaptureQueriesContext(connection) as captured:
            assert findings() == []
        counts.append(len(captured))
    assert counts[0] == counts[1]


# What the database guards


def test_the_doctor_knows_every_trigger_that_migrations_make() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        installed = {
            name for (name,) in cursor.fetchall() if name.startswith(("billing_", "customers_audit"))
        }
    installed -= merging_guards.names(connection.vendor)
    assert installed == TRIGGERS[connection.vendor]


def test_a_missing_trigger_is_found() -> None:
    name = min(TRIGGERS[connection.vendor])
    table = "billing_creditnote"
    with connection.cursor() as cursor:
        on = f" ON {table}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {name}{on}")
    assert [finding.row for finding in findings()] == [name]


def test_a_missing_trigger_of_the_outbox_is_found() -> None:
    name, table = "crm_note_records_change_insert", "crm_note"
    with connection.cursor() as cursor:
        on = f" ON {table}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {name}{on}")
    (finding,) = findings()
    assert finding.row == name
    assert "prune_changes --all" in str(finding)


def test_a_key_without_a_digest_is_found() -> None:
    posting = Posting.objects.create(
        customer=make_customer(), kind="usage", occurred_at=MOMENT, done_by="test", key="k 1"
    )
    Posting.objects.create(
        customer=make_customer(), kind="usage", occurred_at=MOMENT, done_by="test", key="k2", digest="0" * 64
    )
    ((row, what),) = said()
    assert row == posting.pk
    assert "'k 1' has no digest" in what


def test_a_grant_that_was_let_expire_by_hand_is_in_order() -> None:
    grant = make_grant(included_grant=Decimal(5), usage=Decimal(0))
    expire(grant, reason="Too much", done_by="test")
    assert said() == []


@pytest.mark.postgresql
def test_two_balances_of_one_feature_are_found() -> None:
    balance = make_balance()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX balance_once_per_feature")
    other = make_balance(customer=balance.customer, feature=balance.feature)
    first, second = sorted([balance.pk, other.pk])
    assert said() == [(second, f"the customer has another balance of this feature: {first}")]


# What fell due


def test_missed_resets_are_found_after_a_day(settings: Any) -> None:
    now = clock.now()
    missed = make_grant(reset_interval="month", next_reset_at=now - DAY - HOUR)
    make_grant(reset_interval="month", next_reset_at=now - DAY + HOUR)
    make_grant(reset_interval="one_off", next_reset_at=now - 2 * DAY)
    make_grant(reset_interval="month", next_reset_at=now - 2 * DAY, ended_at=now)
    late = make_grant(
        reset_interval="month", next_reset_at=now - 2 * DAY, subscription=make_subscription(past_due=True)
    )
    assert [finding.row for finding in findings()] == [missed.pk]
    assert findings()[0].remedy == "Run `manage.py renew`."
    settings.RESET_PAST_DUE = True
    assert {finding.row for finding in findings()} == {missed.pk, late.pk}


def test_what_has_expired_and_was_not_ended_is_found() -> None:
    now = clock.now()
    expired = [make(expires_at=now - 2 * DAY) for make in (make_grant, make_rollover)]
    for make in (make_grant, make_rollover):
        make(expires_at=now - HOUR)
        make(expires_at=now - 2 * DAY, ended_at=now)
    assert [row for row, _ in said()] == [row.pk for row in expired]


def test_subscriptions_that_time_forgot_are_found() -> None:
    now = clock.now()
    over = {"current_period_start": now - 9 * DAY, "current_period_end": now - 2 * DAY}
    cases = [
        (make_subscription(**over), "its period ended on "),
        (
            make_subscription(**over, canceled_at=now - 3 * DAY, expires_at=now - 2 * DAY),
            "it should have ended on ",
        ),
        (make_subscription(status="scheduled", started_at=now - 2 * DAY), "it should have started on "),
    ]
    make_subscription(status="ended", **over)
    make_subscription(current_period_start=now - 9 * DAY, current_period_end=now - HOUR)
    found = dict(said())
    assert found.keys() == {subscription.pk for subscription, _ in cases}
    for subscription, words in cases:
        assert found[subscription.pk].startswith(words)


# Plans


def test_two_plans_of_a_group_at_once_are_found() -> None:
    now, customer = clock.now(), make_customer()
    plans = [make_plan(group="main") for _ in range(2)]
    first = make_subscription(customer=customer, plan=plans[0], started_at=now - 9 * DAY)
    second = make_subscription(customer=customer, plan=plans[1], started_at=now - 2 * DAY)
    assert said() == [
        (
            second.pk,
            f"it overlaps {first.pk} ({plans[0]}) of the same group “main”",
        )
    ]


def test_plans_that_may_stand_beside_each_other_are_left_alone() -> None:
    now, customer = clock.now(), make_customer()
    main = make_plan(group="main")
    end = now + DAY
    make_subscription(customer=customer, plan=main, canceled_at=now, expires_at=end, started_at=now - DAY)
    make_subscription(customer=customer, plan=main, status="scheduled", started_at=end)
    make_subscription(customer=customer, plan=main, status="ended")
    make_subscription(customer=customer, plan=main, entity=make_entity(customer=customer))
    make_subscription(customer=customer, plan=make_plan(group="other"))
    make_subscription(customer=customer, plan=make_plan(group="main", add_on=True), add_on=True)
    make_subscription(customer=customer, plan=make_plan())
    make_subscription(customer=customer, plan=make_plan(group=""))
    make_subscription(customer=customer, plan=make_plan(group=""))
    make_subscription(plan=main)
    assert findings() == []


def test_a_long_plan_overlaps_with_every_later_one() -> None:
    now, customer, plan = clock.now(), make_customer(), make_plan(group="main")
    moments = [(now - 9 * DAY, now + 9 * DAY), (now - 8 * DAY, now + DAY), (now + 2 * DAY, now + 3 * DAY)]
    subscriptions = [
        make_subscription(customer=customer, plan=plan, started_at=start, expires_at=end)
        for start, end in moments
    ]
    assert [row for row, _ in said()] == [each.pk for each in subscriptions[1:]]


def test_a_period_that_was_billed_twice_is_found() -> None:
    subscription = make_subscription()
    periods = [(0, 30), (30, 60), (45, 75), (75, 105)]
    invoices = [
        issued(
            f"INV-{number:06d}",
            customer=subscription.customer,
            subscription=subscription,
            period_start=MOMENT + start * DAY,
            period_end=MOMENT + end * DAY,
        )
        for number, (start, end) in enumerate(periods, start=1)
    ]
    ((row, what),) = said()
    assert row == invoices[2].pk
    assert "but INV-000002 already bills it until Oct 25, 2024, 12:15" in what
    Invoice.objects.filter(pk=invoices[2].pk).update(status="void")
    assert findings() == []


def test_a_price_that_nobody_could_charge_is_found() -> None:
    plan = make_plan()
    item = make_plan_item(
        plan=plan,
        price_tiers=[{"to": "inf", "amount": "much"}],
        price_interval="month",
        billing_method="prepaid",
    )
    assert findings() == []
    make_subscription(plan=plan)
    odd = make_subscription(plan=make_plan(currency="QQQ")).plan
    (first, what), second = said()
    assert first == plan.pk
    assert f"the price of {item.feature} can't be used" in what
    assert "'much' as its amount" in what
    assert second == (odd.pk, "its subscriptions are left out of revenue because QQQ is not a currency")


# Merged customers


def merge(customer: Customer, into: Customer) -> None:
    """As no page lets anybody do."""
    with unguarded():
        Customer.objects.filter(pk=customer.pk).update(merged_into=into)


def test_a_chain_and_a_circle_of_merged_customers_are_found() -> None:
    a, b, c = (make_customer(name=name) for name in "abc")
    merge(a, b)
    merge(b, c)
    (finding,) = findings()
    assert (finding.row, finding.what) == (a.pk, f"it is merged into {b.pk}, which is itself merged")
    assert finding.remedy == f"Change its survivor to {c.pk} (c)."
    merge(c, a)
    assert dict(said())[a.pk] == f"it is merged in a circle: {a.pk} → {b.pk} → {c.pk} → {a.pk}"
    assert len(findings()) == 3


def test_a_merged_customer_that_owns_rows_is_found() -> None:
    merged, survivor = make_customer(name="Merged"), make_customer()
    grant = make_grant(balance=make_balance(customer=merged))
    make_note(customer=merged)
    make_note(customer=merged)
    assert findings() == []
    merge(merged, survivor)
    assert sorted(said()) == [
        (merged.pk, f"it is merged into {survivor.pk} but still has 1 balance"),
        (merged.pk, f"it is merged into {survivor.pk} but still has 2 notes"),
    ]
    assert grant.balance.customer.postings.exists()


def test_a_row_that_came_with_somebody_else_is_found() -> None:
    survivor, stranger = make_customer(), make_customer()
    merged = make_customer(merged_into=survivor)
    make_note(customer=survivor, came_with=merged)
    make_balance(customer=survivor, came_with=merged)
    assert findings() == []
    note = make_note(customer=survivor, came_with=stranger)
    record = make_merged_record(survivor=stranger, came_with=merged)
    balance = make_balance(customer=stranger, came_with=merged)
    assert sorted(said()) == sorted(
        (
            row.pk,
            f"its merged origin {row.came_with_id} isn't merged into the row's customer",
        )
        for row in (note, record, balance)
    )


# Invoices


def test_an_invoice_that_is_not_the_sum_of_its_lines_is_found() -> None:
    draft = make_invoice(status="draft", total=5000)
    make_invoice(status="void", total=0)
    for amount in (3000, 1999):
        make_invoice_line(invoice=draft, amount=amount)
    fixed = issued("INV-000001", 1234)
    with unguarded():
        Invoice.objects.filter(pk=fixed.pk).update(total=1235)
    assert said() == [
        (draft.pk, "its total is $50.00, but its lines sum to $49.99"),
        (fixed.pk, "its total is $12.35, but its lines sum to $12.34"),
    ]


@pytest.mark.parametrize(
    ("fields", "payments", "notes", "what"),
    [
        ({"paid": 500}, [400], [], "$5.00 of it is paid, but its payments sum to $4.00"),
        ({"credited": 1}, [], [], "$0.01 of it is credited, but its credit notes sum to $0.00"),
        ({"paid": 1300}, [1300], [], "$13.00 was paid of a total of $12.34"),
        (
            {"credited": 1235},
            [],
            [1000, 235],
            "its credit notes sum to $12.35, more than the total of $12.34",
        ),
        (
            {"paid": 1000, "credited": 100, "status": "paid"},
            [1000],
            [100],
            "its status is paid, but $1.34 is due",
        ),
        ({"paid": 1234, "credited": 234, "status": "paid"}, [1234], [234], None),
        ({"paid": 500, "status": "uncollectible"}, [500], [], None),
    ],
)
def test_an_invoice_that_disagrees_with_its_payments_or_credit_notes_is_found(
    fields: dict[str, Any], payments: list[int], notes: list[int], what: str | None
) -> None:
    invoice = issued("INV-000001")
    for amount in payments:
        Payment.objects.create(invoice=invoice, amount=amount)
    for number, total in enumerate(notes, start=1):
        CreditNote.objects.create(invoice=invoice, number=f"CN-{number:06d}", total=total, reason="Wrong")
    InvoiceSeries.objects.create(prefix="CN", last_number=len(notes))
    Invoice.objects.filter(pk=invoice.pk).update(**fields)
    assert said() == ([] if what is None else [(invoice.pk, what)])


def test_an_imported_invoice_may_be_paid_without_payments_of_ours() -> None:
    invoice = make_invoice(status="paid", total=100)
    make_invoice_line(invoice=invoice, amount=100)
    assert findings() == []


def test_gaps_in_the_numbers_of_a_series_are_found() -> None:
    for number in ("INV-000002", "INV-000005", "TEST-INV-000001"):
        issued(number)
    InvoiceSeries.objects.filter(prefix="INV").update(last_number=7)
    InvoiceSeries.objects.create(prefix="CN", last_number=0)
    assert said() == [
        ("INV-000001", "no invoice or credit note has this number"),
        ("INV-000003 to INV-000004", "no invoices or credit notes have these numbers"),
        ("INV-000006 to INV-000007", "no invoices or credit notes have these numbers"),
    ]


def test_a_number_that_its_series_has_not_given_out_is_found() -> None:
    issued("INV-000001")
    issued("INV-000002")
    InvoiceSeries.objects.update(last_number=1)
    ((row, what),) = said()
    assert row == "INV-000002"
    assert "has issued numbers up to 1 only" in what


def test_a_finding_is_one_line_of_what_where_and_what_to_do() -> None:
    subscription = make_subscription(
        customer=make_customer(name="Example Ltd"),
        plan=make_plan(name="Pro"),
        status="scheduled",
        started_at=MOMENT,
    )
    (finding,) = findings()
    assert str(finding) == (
        f"{subscription.pk} (Pro v1 of Example Ltd): it should have started on Aug 26, 2024, 12:15."
        " Run `manage.py renew`."
    )


def test_moments_are_those_of_the_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    make_subscription(status="scheduled", started_at=MOMENT)
    [finding] = findings()
    assert finding.what == "it should have started on Aug 27, 2024, 00:15"


def test_packs_that_invoices_charge_and_mrr_does_not_count() -> None:
    """5 packs are charged, 3 were granted: $10 + 5 x $2 on invoices, and $10 + 3 x $2 of MRR."""
    feature = make_feature(feature_id="seats", consumable=False)
    plan = make_plan(price_amount=Decimal(10), price_interval="month")
    price = {"price_amount": Decimal(2), "price_interval": "month", "billing_units": Decimal(1)}
    make_plan_item(plan=plan, feature=feature, included=0, billing_method="prepaid", **price)
    subscription = make_subscription(plan=plan, billed_here=True, prepaid_quantities={"seats": "5"})
    balance = make_balance(customer=subscription.customer, feature=feature)
    make_grant(balance=balance, plan=plan, subscription=subscription, prepaid_grant=Decimal(3))

    found = [each.what for each in check_revenue(lambda count: None)]

    assert found == ["its invoices charge $20.00/month, but its MRR is $16.00"]
    subscription.prepaid_quantities = {"seats": "3"}
    subscription.save()
    assert not list(check_revenue(lambda count: None))
