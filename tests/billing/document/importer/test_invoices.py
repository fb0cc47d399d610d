import json
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from billing.doctor import CHECKS
from billing.document.renderer.customer import render_customers
from billing.document.schema import EXPANDABLE, BillingCustomer
from billing.models import BillingAccount, Invoice, InvoiceLine, Plan
from customers.ingest.not_understood import accounts_with_not_understood
from customers.json_types import encode
from customers.json_types.keys import unknown_keys
from customers.models import Source
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


DAY = timedelta(days=1)
CREATED = datetime(2025, 1, 1, tzinfo=UTC)
OPEN = {**INVOICE, "status": "open"}


def in_days(count):
    return int((CREATED + count * DAY).timestamp() * 1000)


class TestDueDates:
    def test_by_the_default_terms(self, settings):
        settings.INVOICE_DUE_DAYS = 45
        take_one(invoices=[OPEN])
        row = only(Invoice)
        assert (row.due_at, row.due) == (CREATED + 45 * DAY, 1999)
        assert list(Invoice.objects.overdue(CREATED + 45 * DAY)) == [row]
        assert not Invoice.objects.overdue(CREATED + 44 * DAY)

    @pytest.mark.parametrize("days", [0, 14])
    def test_by_the_customers_terms(self, days):
        take_one()
        BillingAccount.objects.update(payment_terms_days=days)
        take_one(invoices=[OPEN])
        assert only(Invoice).due_at == CREATED + days * DAY

    @pytest.mark.parametrize("key", ["due_date", "due_at", "dueDate"])
    def test_the_sources_own_comes_first(self, key):
        take_one(invoices=[{**OPEN, key: in_days(7)}])
        assert only(Invoice).due_at == CREATED + 7 * DAY

    @pytest.mark.parametrize("sent", [None, "soon", {}, "", True])
    def test_one_that_can_not_be_read_counts_as_absent(self, sent, settings):
        settings.INVOICE_DUE_DAYS = 45
        take_one(invoices=[{**OPEN, "due_date": sent}])
        assert only(Invoice).due_at == CREATED + 45 * DAY

    def test_it_stays_when_terms_change_and_when_it_is_paid(self, settings):
        settings.INVOICE_DUE_DAYS = 45
        take_one(invoices=[OPEN])
        BillingAccount.objects.update(payment_terms_days=10)
        for status in ("open", "paid"):
            take_one(invoices=[{**OPEN, "status": status, "total": 20}])
            assert only(Invoice).due_at == CREATED + 45 * DAY

    def test_another_date_of_the_source_replaces_it(self):
        take_one(invoices=[OPEN])
        take_one(invoices=[{**OPEN, "due_date": in_days(3)}])
        assert only(Invoice).due_at == CREATED + 3 * DAY

    @pytest.mark.parametrize(
        "changes", [{"status": "paid"}, {"status": "draft"}, {"total": 0}, {"total": -5}]
    )
    def test_what_nobody_owes_has_none(self, changes):
        take_one(invoices=[{**OPEN, **changes}])
        assert only(Invoice).due_at is None


class TestAmountsDue:
    @pytest.mark.parametrize(
        ("sent", "due"),
        [
            ({"amount_due": 5.5}, 550),
            ({"amountDue": 0}, 0),
            ({"amount_paid": 19}, 99),
            ({"amount_due": 5, "amount_paid": 1}, 500),
            ({"amount_due": 30}, 1999),
            ({"amount_due": -1}, 1999),
            ({"amount_due": 0.001}, 1999),
            ({"amount_due": None, "amount_paid": None}, 1999),
            ({"amount_due": "much"}, 1999),
        ],
    )
    def test_the_sources_own_comes_first(self, sent, due):
        take_one(invoices=[{**OPEN, **sent}])
        assert only(Invoice).due == due

    def test_one_with_nothing_due_has_no_due_date(self):
        take_one(invoices=[{**OPEN, "amount_due": 0}])
        assert only(Invoice).due_at is None

    def test_what_was_sent_comes_back_and_counts_as_understood(self):
        sent = {**OPEN, "due_date": in_days(7), "amount_due": 5.5, "amount_paid": None}
        customer = take_one(invoices=[sent])
        documents = render_customers([customer], EXPANDABLE, at=CREATED)
        [document] = accounts_with_not_understood(documents, [customer], Source.BILLING)
        assert json.loads(encode(document))["invoices"] == [sent]
        assert unknown_keys(BillingCustomer, {"invoices": [{**sent, "dueDate": 1, "other": 1}]}) == [
            "invoices[].other"
        ]

    def test_the_doctor_finds_nothing(self):
        take_one(invoices=[{**OPEN, "amount_due": 5.5}])
        assert [finding for check in CHECKS for finding in check.run(lambda count: None, fix=False)] == []


def test_open_invoices_of_before_get_their_due_date(settings):
    settings.INVOICE_DUE_DAYS = 45
    customer = take_one(invoices=[OPEN, {**OPEN, "stripe_id": "in_2", "status": "paid"}])
    Invoice.objects.update(due_at=None)
    migration = import_module("billing.migrations.0014_due_dates_of_imported_invoices")
    migration.give_due_dates(apps, None)
    assert dict(Invoice.objects.filter(customer=customer).values_list("stripe_id", "due_at")) == {
        "in_1": CREATED + 45 * DAY,
        "in_2": None,
    }
