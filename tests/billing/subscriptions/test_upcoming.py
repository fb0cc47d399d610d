"""The next invoice is foreseen by the renewal itself, of which nothing is kept."""

from decimal import Decimal

import pytest
from autumn_sdk.models.customer import InvoicePreview
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.invoices.numbers import series_of_invoices
from billing.models import Grant, Invoice, InvoiceSeries, LedgerEntry, Posting, Subscription
from billing.subscriptions import CannotBill, attach_plan, cancel_subscription, change_plan
from billing.subscriptions.upcoming import UpcomingInvoice, upcoming_invoice
from tests.billing.subscriptions.timeline import at, draw, metered, plan_of, run_until
from tests.clocks import clock_at
from tests.factories import make_billing_account, make_customer, make_discount

pytestmark = pytest.mark.django_db

JAN_31 = at("2026-01-31T10:00")
FEB_28 = at("2026-02-28T10:00")
MONTHLY = {"price_amount": Decimal(20), "price_interval": "month"}
METERED = {
    "included": 100,
    "billing_method": "usage_based",
    "price_amount": Decimal("0.5"),
    "price_interval": "month",
    "billing_units": Decimal(10),
}


def attach(customer, plan, moment=JAN_31, **options):
    return attach_plan(customer, plan, at=moment, done_by="test", **options).subscription


def use(customer, amount):
    for grant in Grant.objects.filter(balance__customer=customer, ended_at=None):
        draw(grant, amount, JAN_31)


def everything():
    models = (Subscription, Invoice, InvoiceSeries, Posting, LedgerEntry, Grant)
    return [list(model.objects.order_by("pk").values()) for model in models]


def expected(subscription: Subscription) -> UpcomingInvoice:
    found = upcoming_invoice(subscription)
    assert found is not None
    return found


def test_it_is_what_the_renewal_then_raises_and_nothing_is_kept():
    with clock_at(FEB_28):
        is_what_the_renewal_then_raises()


def is_what_the_renewal_then_raises():
    customer = make_customer()
    make_billing_account(customer=customer, tax_rate=Decimal(20))
    make_discount(customer=customer)
    subscription = attach(customer, plan_of("pro", (metered("calls"), METERED), **MONTHLY))
    use(customer, 125)
    before = everything()
    found = expected(subscription)
    assert everything() == before
    # 25 beyond are three packs at 0.50, then February's 20.00; a tenth off 21.50; a fifth of 19.35 is tax.
    assert (found.at, found.currency, found.total) == (FEB_28, "USD", 2322)
    assert [(line.kind, line.amount) for line in found.lines if line.kind in ("usage", "base", "tax")] == [
        ("usage", 150),
        ("base", 2000),
        ("tax", 387),
    ]
    run_until(FEB_28)
    raised = Invoice.objects.latest("number")
    assert (raised.total, raised.due_at) == (found.total, found.due_at)
    assert [line.amount for line in raised.lines.all()] == [line.amount for line in found.lines]
    # The number that was looked at was not used up.
    assert [row["number"][-6:] for row in Invoice.objects.order_by("number").values("number")] == [
        "000001",
        "000002",
    ]
    assert InvoiceSeries.objects.get(pk=series_of_invoices("live")).last_number == 2


def test_a_trial_is_billed_when_it_ends():
    plan = plan_of("pro", free_trial_length=14, free_trial_unit="day", **MONTHLY)
    found = expected(attach(make_customer(), plan))
    assert (found.at, found.total, len(found.lines)) == (at("2026-02-14T10:00"), 2000, 1)


def test_there_is_none_where_nothing_will_be_billed():
    free = attach(make_customer(), plan_of("free", (metered("calls"), {"included": 10})))
    costs_nothing = attach(make_customer(), plan_of("gift", price_amount=Decimal(0), price_interval="month"))
    pro = plan_of("pro", group="main", **MONTHLY)
    to_end = attach(make_customer(), pro)
    to_end = cancel_subscription(to_end, at=JAN_31, done_by="test").subscription
    ended = cancel_subscription(attach(make_customer(), pro), at=JAN_31, at_once=True, done_by="test")
    elsewhere = attach(make_customer(), pro)
    Subscription.objects.filter(pk=elsewhere.pk).update(billed_here=False)
    elsewhere.refresh_from_db()
    scheduled = attach(make_customer(), pro, at("2999-01-01T00:00"))
    for subscription in (free, costs_nothing, to_end, ended.subscription, elsewhere, scheduled):
        assert subscription is not None
        assert upcoming_invoice(subscription) is None, subscription


def test_a_scheduled_change_is_on_it():
    subscription = attach(make_customer(), plan_of("pro", group="main", **MONTHLY))
    basic = plan_of("basic", group="main", price_amount=Decimal(5), price_interval="month")
    change_plan(subscription, basic, at=JAN_31, done_by="test")
    subscription.refresh_from_db()
    found = expected(subscription)
    assert (found.at, found.total) == (FEB_28, 500)


def test_a_price_that_makes_no_sense_is_told():
    calls = metered("calls")
    subscription = attach(make_customer(), plan_of("pro", (calls, METERED), **MONTHLY))
    Grant.objects.update(billing_units=Decimal(10), price_tiers=[{"to": 10, "amount": "x"}])
    use(subscription.customer, 125)
    before = everything()
    with pytest.raises(CannotBill, match="can't be charged"):
        upcoming_invoice(subscription)
    assert everything() == before


def test_it_takes_as_many_queries_for_much_as_for_little():
    def count(subscription):
        with CaptureQueriesContext(connection) as captured:
            assert expected(subscription).total
        return len(captured)

    little, much = make_customer(), make_customer()
    first = attach(little, plan_of("pro", (metered("calls"), METERED), **MONTHLY))
    items = [(metered(f"calls_{number}"), METERED) for number in range(4)]
    second = attach(much, plan_of("more", *items, **MONTHLY))
    attach(much, plan_of("extra", (metered("other"), METERED), add_on=True, **MONTHLY))
    use(little, 125)
    use(much, 125)
    assert count(second) == count(first)


def test_readers_of_the_billing_document_expand_it(api: Client):
    customer = make_customer(external_id="acme")
    make_billing_account(customer=customer)
    make_discount(customer=customer)
    with clock_at(JAN_31):
        attach(customer, plan_of("pro", **MONTHLY))
        shown = api.get("/api/v1/billing/customers/acme", {"expand": "invoice_previews"}).json()
        plain = api.get("/api/v1/billing/customers/acme").json()
    # A tenth off 20 USD, in the month that begins on February 28.
    period = {"start": 1772272800000, "end": 1774951200000}
    preview = InvoicePreview.model_validate(shown["invoice_previews"][0])
    assert (preview.plan_ids, preview.invoice_at, preview.currency) == (["pro"], 1772272800000, "usd")
    assert (preview.subtotal, preview.total) == (20, 18)
    (line,) = preview.line_items
    assert (line.subtotal, line.total, line.plan_id, line.quantity) == (20, 18, "pro", 1)
    assert shown["invoice_previews"][0]["line_items"][0]["period"] == period
    assert "invoice_previews" not in plain
    assert not Invoice.objects.filter(created_at__gt=JAN_31).exists()
