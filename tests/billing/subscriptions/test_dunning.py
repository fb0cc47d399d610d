"""The steps of dunning of an unpaid invoice, and what the last one does."""

from datetime import timedelta

import pytest

from billing.invoices.payments import record_payment
from billing.models import DunningStep, Invoice, Subscription
from billing.subscriptions.dunning import take_steps
from tests.billing.scenarios.steps import attach, clock_at, customer, feature, given, item, plan, renew
from tests.billing.subscriptions.timeline import at
from tests.factories import make_customer, make_invoice

pytestmark = pytest.mark.django_db

DUE = at("2026-03-01T00:00")


@pytest.fixture(autouse=True)
def _steps(settings):
    settings.DUNNING_STEPS, settings.DUNNING_OUTCOME = [7, 14, 30], "nothing"


def open_invoice(**fields):
    return make_invoice(**{"status": "open", "due_at": DUE, **fields})


def take(days, *invoices):
    """The steps that are taken so many days after the due date, with the days that they note."""
    customers = sorted({str(each.customer_id) for each in invoices})
    return [(step.step, step.days) for step in take_steps(customers, DUE + timedelta(days=days))]


def test_each_step_is_taken_once_and_in_order():
    invoice = open_invoice()
    taken = {day: found for day in range(40) if (found := take(day, invoice))}
    assert taken == {7: [(1, 7)], 14: [(2, 14)], 30: [(3, 30)]}
    assert {step.of for step in DunningStep.objects.all()} == {3}


def test_an_invoice_that_is_found_late_gets_every_reminder_with_its_time():
    """100 days late: the first now, the second 7 days later, the last 16 days after that."""
    invoice = open_invoice()
    taken = {day: found for day in range(100, 130) if (found := take(day, invoice))}
    assert taken == {100: [(1, 100)], 107: [(2, 107)], 123: [(3, 123)]}


def test_what_is_paid_or_closed_is_left_alone():
    customer_of_both = make_customer()
    paid = open_invoice(customer=customer_of_both, status="paid")
    void = open_invoice(customer=customer_of_both, status="void")
    assert take(50, paid, void) == []


def test_no_steps_no_dunning(settings):
    settings.DUNNING_STEPS = []
    assert take(50, open_invoice()) == []


def a_late_payer():
    """Attached on January 1 and never paid: due on January 1 + 45 days."""
    given(feature("calls"), plan("pro", item("calls", 100), price=20))
    customer()
    attach("pro")
    return Invoice.objects.get()


def test_the_last_step_cancels_immediately_if_that_is_the_outcome(settings):
    settings.DUNNING_OUTCOME = "cancel"
    settings.DUNNING_STEPS = [1, 2]
    invoice = a_late_payer()
    due = invoice.due_at
    for days in (1, 2):
        moment = due + timedelta(days=days)
        with clock_at(f"{moment:%Y-%m-%dT%H:%M}Z"):
            steps = take_steps([str(invoice.customer_id)], moment)
    assert [step.outcome for step in steps][:1] == ["pro was canceled"]
    subscription = Subscription.objects.get()
    assert (subscription.status, subscription.expires_at) == ("ended", moment)
    renew(f"{moment + timedelta(days=90):%Y-%m-%dT%H:%M}Z")
    assert Subscription.objects.get().status == "ended"


def test_a_payment_between_the_steps_ends_them(settings):
    settings.DUNNING_OUTCOME = "cancel"
    invoice = a_late_payer()
    due = invoice.due_at
    assert len(take_steps([str(invoice.customer_id)], due + timedelta(days=7))) == 1
    record_payment(invoice, invoice.due, paid_at=due + timedelta(days=8), done_by="test")
    assert take_steps([str(invoice.customer_id)], due + timedelta(days=31)) == []
    assert Subscription.objects.get().status == "active"


def test_a_subscription_that_its_platform_bills_is_not_canceled(settings):
    settings.DUNNING_OUTCOME, settings.DUNNING_STEPS = "cancel", [7]
    invoice = a_late_payer()
    Subscription.objects.update(billed_here=False)
    [step] = take_steps([str(invoice.customer_id)], invoice.due_at + timedelta(days=7))
    assert step.outcome == "pro is billed by its platform, so it was not canceled"
    assert Subscription.objects.get().status == "active"
