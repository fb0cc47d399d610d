from datetime import UTC, datetime

import pytest

from billing.models import Invoice, InvoiceLine, Plan
from tests.billing.import_documents import exported, only, row_counts, take, take_one
from tests.billing.payloads import INVOICE, PLAN, SUBSCRIPTION
from tests.factories import make_invoice, make_invoice_line, make_plan

pytestmark = pytest.mark.django_db


def test_every_field_has_its_column():
    take_one(
        invoices=[
            {
                **INVOICE,
                "plan_ids": ["pro", "boost"],
                "status": "uncollectible",
                "hosted_invoice_url": "https://invoices.example.com/1",
            }
        ]
    )
    row = only(Invoice)
    assert (row.stripe_id, row.status) == ("in_1", "uncollectible")
    assert (row.currency, row.currency_as_sent, row.total) == ("USD", "usd", 1999)
    assert row.plan_ids == ["pro", "boost"]
    assert {plan.plan_id for plan in row.plans.all()} == {"pro", "boost"}
    assert row.hosted_invoice_url == "https://invoices.example.com/1"
    assert row.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert row.imported is True


@pytest.mark.parametrize(
    ("currency", "total", "minor"),
    [("JPY", 1200, 1200), ("usd", 12.05, 1205), ("kwd", 1.005, 1005), ("KWD", -0.5, -500), ("eur", 0, 0)],
)
def test_totals_are_minor_units_and_come_back_as_they_came(currency, total, minor):
    take_one(invoices=[{**INVOICE, "currency": currency, "total": total}])
    row = only(Invoice)
    assert (row.currency, row.total) == (currency.upper(), minor)
    line = only(InvoiceLine)
    assert (line.invoice, line.amount, line.quantity) == (row, minor, 1)
    assert line.description == "As billed by the source"
    [shown] = exported()["invoices"]
    assert (shown["currency"], float(shown["total"])) == (currency, total)


def test_a_total_with_too_many_digits_leaves_the_invoice_out_with_its_place():
    [report] = take({"id": "acme", "invoices": [{**INVOICE, "currency": "jpy", "total": 1.5}]})
    assert report.bad is None
    assert [remark.path for remark in report.remarks] == ["$.invoices[0].total"]
    assert not Invoice.objects.exists()


def test_the_line_follows_the_total():
    take_one(invoices=[INVOICE])
    line = only(InvoiceLine)
    take_one(invoices=[{**INVOICE, "total": 5}])
    assert only(InvoiceLine).pk == line.pk
    assert only(InvoiceLine).amount == 500


def test_lines_that_sum_to_the_total_stay():
    customer = take_one()
    invoice = make_invoice(customer=customer, stripe_id="in_1", currency="USD", total=1999)
    make_invoice_line(invoice=invoice, description="Seats", amount=1000)
    make_invoice_line(invoice=invoice, description="Calls", amount=999)
    take_one(invoices=[INVOICE])
    assert sorted(invoice.lines.values_list("description", flat=True)) == ["Calls", "Seats"]
    take_one(invoices=[{**INVOICE, "total": 20}])
    assert list(invoice.lines.values_list("description", "amount")) == [("As billed by the source", 2000)]


def test_one_that_disappears_is_removed_and_comes_back():
    take_one(invoices=[INVOICE, {**INVOICE, "stripe_id": "in_2", "status": "open"}])
    take_one(invoices=[INVOICE])
    assert [each["stripe_id"] for each in exported()["invoices"]] == ["in_1"]
    gone = only(Invoice, stripe_id="in_2")
    assert gone.removed_at is not None
    assert gone.lines.count() == 1
    assert not Invoice.objects.unpaid().exists()
    take_one(invoices=[INVOICE, {**INVOICE, "stripe_id": "in_2", "status": "open"}], name="A")
    assert [each["stripe_id"] for each in exported()["invoices"]] == ["in_1", "in_2"]
    assert gone.history.count() == 3


def test_one_that_a_person_made_stays():
    customer = take_one()
    make_invoice(customer=customer, stripe_id="")
    take_one(invoices=[])
    assert only(Invoice).removed_at is None


def test_an_old_invoice_stays_with_the_version_that_it_billed():
    first = {**SUBSCRIPTION, "plan": {**PLAN, "version": 1}}
    take_one(subscriptions=[first], invoices=[INVOICE])
    second = {**SUBSCRIPTION, "plan": {**PLAN, "version": 2}}
    take_one(subscriptions=[second], invoices=[INVOICE, {**INVOICE, "stripe_id": "in_2"}])
    old, new = Invoice.objects.order_by("stripe_id")
    assert [plan.version for plan in old.plans.all()] == [1]
    assert [plan.version for plan in new.plans.all()] == [2]


def test_links_follow_the_plan_ids():
    make_plan(plan_id="pro", version=4, name="Pro")
    take_one(invoices=[{**INVOICE, "plan_ids": ["pro", "boost", "pro"]}])
    assert {(plan.plan_id, plan.version, plan.is_stub) for plan in only(Invoice).plans.all()} == {
        ("pro", 4, False),
        ("boost", 1, True),
    }
    assert exported()["invoices"][0]["plan_ids"] == ["pro", "boost", "pro"]
    before = row_counts()
    take_one(invoices=[{**INVOICE, "plan_ids": ["pro", "boost", "pro"]}], name="A")
    assert row_counts() == {
        **before,
        "customers.HistoricalCustomer": before["customers.HistoricalCustomer"] + 1,
    }
    take_one(invoices=[{**INVOICE, "plan_ids": []}])
    assert not only(Invoice).plans.exists()
    assert Plan.objects.count() == 2
