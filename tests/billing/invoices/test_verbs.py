"""What happens to an invoice after it was issued: paid, voided, given up, credited, overdue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.invoices.credit_notes import credit_note, tax_part, to_return
from billing.invoices.issue import InvoiceRequest, draft_invoice, raise_invoices
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment
from billing.invoices.void import mark_uncollectible, void_invoice
from billing.models import CreditNote, Discount, Invoice, Payment, Subscription
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions import renew
from customers import clock
from customers.models import Customer
from tests.clocks import clock_at
from tests.factories import (
    make_billing_account,
    make_customer,
    make_discount,
    make_invoice,
    make_subscription,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def issued(
    amount: int = 10000,
    *,
    customer: Customer | None = None,
    subscription: Subscription | None = None,
    at: datetime | None = None,
    currency: str = "USD",
) -> Invoice:
    """An open invoice over one line; due 30 days after `at`."""
    owner = customer or (subscription.customer if subscription else make_customer())
    bill = InvoiceRequest(
        customer_id=str(owner.pk),
        currency=currency,
        at=at or clock.now(),
        lines=[BilledLine(kind="base", description="Pro", amount=amount)],
        subscription_id=str(subscription.pk) if subscription else None,
    )
    with clock_at(bill.at):
        [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    return invoice


def overdue_of(subscription: Subscription) -> Invoice:
    return issued(subscription=subscription, at=clock.now() - 46 * DAY)


def state(invoice: Invoice) -> tuple[str, int, int, int]:
    invoice.refresh_from_db()
    return invoice.status, invoice.paid, invoice.credited, invoice.due


def pay(invoice: Invoice, amount: int, **options: Any) -> Payment:
    return record_payment(invoice, amount, **{"done_by": "ada", **options})


class TestPayments:
    def test_in_part_and_in_full(self) -> None:
        invoice = issued()
        paid_at = clock.now() - DAY

        first = pay(invoice, 4000, reference="bank 17")
        assert state(invoice) == ("open", 4000, 0, 6000)
        assert invoice.closed_at is None
        pay(invoice, 6000, paid_at=paid_at)
        assert state(invoice) == ("paid", 10000, 0, 0)
        assert invoice.closed_at == paid_at
        assert (first.reference, first.recorded_by) == ("bank 17", "ada")
        latest = invoice.history.latest("history_id")
        assert (latest.status, latest.history_change_reason) == ("paid", "Payment recorded by ada")

    @pytest.mark.parametrize(
        ("amount", "message"),
        [
            (10001, r"\$100.01 is more than the \$100.00 that is due"),
            (0, "above 0"),
            (-1, "above 0"),
        ],
    )
    def test_a_wrong_amount_is_refused(self, amount: int, message: str) -> None:
        invoice = issued()
        with pytest.raises(CannotChangeInvoice, match=message):
            pay(invoice, amount)
        assert state(invoice) == ("open", 0, 0, 10000)
        assert not Payment.objects.exists()

    def test_money_that_is_not_there_yet_is_refused(self) -> None:
        with pytest.raises(CannotChangeInvoice, match="in the future"):
            pay(issued(), 1, paid_at=clock.now() + DAY)

    def test_what_waits_for_no_money_is_refused(self) -> None:
        paid, void = issued(), issued()
        pay(paid, 10000)
        void_invoice(void, done_by="ada")
        for invoice in (paid, void):
            with pytest.raises(CannotChangeInvoice, match="can't be paid because"):
                pay(invoice, 1)

    def test_one_that_was_given_up_can_be_paid(self) -> None:
        invoice = issued()
        mark_uncollectible(invoice, done_by="ada")
        pay(invoice, 1000)
        assert state(invoice) == ("uncollectible", 1000, 0, 9000)
        pay(invoice, 9000)
        assert state(invoice) == ("paid", 10000, 0, 0)

    def test_a_payment_never_changes(self) -> None:
        pay(issued(), 1000)
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            Payment.objects.update(amount=1)


VERBS: list[Callable[[Invoice], object]] = [
    lambda invoice: pay(invoice, 1),
    lambda invoice: void_invoice(invoice, done_by="ada"),
    lambda invoice: mark_uncollectible(invoice, done_by="ada"),
    lambda invoice: credit_note(invoice, 1, reason="Wrong", done_by="ada"),
]


class TestWhatIsNotOurs:
    @pytest.mark.parametrize("verb", VERBS)
    def test_an_imported_invoice_says_who_owns_it(self, verb: Callable[[Invoice], object]) -> None:
        theirs = make_invoice(status="open", imported=True)
        with pytest.raises(CannotChangeInvoice, match=r"the billing platform issued it. Change it there"):
            verb(theirs)

    @pytest.mark.parametrize("verb", [VERBS[0], VERBS[2], VERBS[3]])
    def test_a_draft_is_to_be_issued_first(self, verb: Callable[[Invoice], object]) -> None:
        draft = draft_invoice(
            make_customer(), "USD", [BilledLine(kind="base", description="Pro", amount=5)], done_by="ada"
        )
        with pytest.raises(CannotChangeInvoice, match=r"never issued. Issue it first"):
            verb(draft)


class TestVoid:
    def test_it_gives_discounts_back(self) -> None:
        customer = make_customer()
        once = make_discount(customer=customer, duration_type="one_off")
        credit = make_discount(
            customer=customer, type="invoice_credits", discount_value=Decimal(20), currency="usd"
        )
        invoice = issued(customer=customer)
        assert invoice.total == 7000

        void_invoice(invoice, done_by="ada")

        assert state(invoice)[0] == "void"
        assert invoice.closed_at is not None
        for discount in (once, credit):
            discount.refresh_from_db()
            assert (discount.times_used, discount.spent, discount.start) == (0, Decimal(0), None)
        assert issued(customer=customer).total == 7000

    def test_a_discount_that_was_used_before_keeps_its_start(self) -> None:
        customer = make_customer()
        make_discount(customer=customer)
        start = clock.now() - DAY
        issued(customer=customer, at=start)
        void_invoice(issued(customer=customer), done_by="ada")
        assert list(Discount.objects.values_list("times_used", "start")) == [(1, start)]

    def test_a_discount_that_an_import_took_away_is_no_obstacle(self) -> None:
        customer = make_customer()
        discount = make_discount(customer=customer)
        invoice = issued(customer=customer)
        discount.delete()
        assert void_invoice(invoice, done_by="ada").status == "void"

    def test_a_draft_is_dropped(self) -> None:
        draft = draft_invoice(
            make_customer(), "USD", [BilledLine(kind="base", description="Pro", amount=5)], done_by="ada"
        )
        assert void_invoice(draft, done_by="ada").status == "void"
        with pytest.raises(CannotChangeInvoice, match="Draft another one"):
            pay(draft, 5)

    def test_what_was_paid_or_credited_is_refused(self) -> None:
        in_part, in_full, credited = issued(), issued(), issued()
        pay(in_part, 1)
        pay(in_full, 10000)
        credit_note(credited, 1, reason="Wrong", done_by="ada")
        for invoice, message in (
            (in_part, "partly paid"),
            (in_full, "because it is paid"),
            (credited, "partly credited"),
        ):
            with pytest.raises(CannotChangeInvoice, match=f"credit note.* {message}"):
                void_invoice(invoice, done_by="ada")


class TestUncollectible:
    def test_it_is_closed_and_still_owed(self) -> None:
        invoice = issued()
        mark_uncollectible(invoice, done_by="ada")
        assert state(invoice) == ("uncollectible", 0, 0, 10000)
        with pytest.raises(CannotChangeInvoice, match="can't be marked uncollectible"):
            mark_uncollectible(invoice, done_by="ada")


class TestCreditNotes:
    def taxed(self, amount: int, rate: int, billed_in: str = "USD", **discount: Any) -> Invoice:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(rate))
        if discount:
            make_discount(customer=customer, **discount)
        return issued(amount, customer=customer, currency=billed_in)

    def test_in_part_lowers_what_is_due_and_the_rest_closes_it(self) -> None:
        invoice = self.taxed(10000, 19)
        first = credit_note(invoice, 5000, reason="Outage", done_by="ada")
        assert state(invoice) == ("open", 0, 5000, 6900)
        second = credit_note(invoice, reason="Outage", done_by="ada")
        assert state(invoice) == ("paid", 0, 11900, 0)
        # 1900 x 5000 / 11900 is 798.3; the two together have all the tax.
        assert [(note.number, note.total, note.tax) for note in (first, second)] == [
            ("CN-000001", 5000, 798),
            ("CN-000002", 6900, 1102),
        ]
        assert (first.reason, first.issued_by, to_return(invoice)) == ("Outage", "ada", 0)

    def test_of_a_paid_one_money_is_to_be_returned(self) -> None:
        invoice = self.taxed(1000, 10, "JPY")
        pay(invoice, 1100)
        note = credit_note(invoice, 550, reason="Outage", done_by="ada")
        assert (note.total, note.tax, state(invoice)) == (550, 50, ("paid", 1100, 550, -550))
        assert to_return(invoice) == 550

    def test_of_one_paid_in_part(self) -> None:
        invoice = self.taxed(10000, 5, "KWD")
        pay(invoice, 4500)
        credit_note(invoice, reason="Cancelled", done_by="ada")
        assert state(invoice) == ("paid", 4500, 10500, -4500)
        assert to_return(invoice) == 4500

    def test_credits_that_paid_it_lower_no_tax(self) -> None:
        invoice = self.taxed(
            10000, 19, type="invoice_credits", discount_value=Decimal("59.50"), currency="USD"
        )
        note = credit_note(invoice, reason="Cancelled", done_by="ada")
        # Half of 119.00 was paid by credits; in the other half is half of the tax.
        assert (note.total, note.tax) == (5950, 950)

    def test_never_more_than_is_left(self) -> None:
        invoice = issued()
        credit_note(invoice, 6000, reason="Outage", done_by="ada")
        for amount, message in (
            (4001, r"at most \$40.00"),
            (0, "above 0"),
            (-5, "above 0"),
        ):
            with pytest.raises(CannotChangeInvoice, match=message):
                credit_note(invoice, amount, reason="Outage", done_by="ada")
        credit_note(invoice, 4000, reason="Outage", done_by="ada")
        with pytest.raises(CannotChangeInvoice, match="INV-000001 is already credited in full"):
            credit_note(invoice, reason="Outage", done_by="ada")
        assert CreditNote.objects.count() == 2

    def test_a_reason_must_be_given_and_a_void_one_has_nothing_to_correct(self) -> None:
        invoice = issued()
        with pytest.raises(CannotChangeInvoice, match="Enter a reason"):
            credit_note(invoice, 1, reason=" ", done_by="ada")
        void_invoice(invoice, done_by="ada")
        with pytest.raises(CannotChangeInvoice, match="can't be credited because it is void"):
            credit_note(invoice, 1, reason="Outage", done_by="ada")

    def test_sandbox_has_numbers_of_its_own(self) -> None:
        note = credit_note(issued(customer=make_customer(env="sandbox")), 1, reason="Outage", done_by="ada")
        assert note.number == "TEST-CN-000001"
        assert credit_note(issued(), 1, reason="Outage", done_by="ada").number == "CN-000001"

    def test_it_never_changes(self) -> None:
        credit_note(issued(), 1, reason="Outage", done_by="ada")
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            CreditNote.objects.update(total=2)

    def test_the_parts_of_the_tax_sum_to_it(self) -> None:
        parts = [tax_part(100, 700, credited, 1) for credited in range(700)]
        assert sum(parts) == 100
        assert set(parts) == {0, 1}


def marked_past_due(now: datetime) -> int:
    """How many subscriptions a renewal marks as past due."""
    return sum(batch.counts.past_due for batch in renew(now, done_by="test"))


class TestPastDue:
    def mark(self) -> Subscription:
        subscription = make_subscription(billed_here=True)
        overdue_of(subscription)
        assert marked_past_due(clock.now()) == 1
        subscription.refresh_from_db()
        assert subscription.past_due
        return subscription

    def test_who_is_marked(self) -> None:
        late, early, ended, theirs = (
            make_subscription(billed_here=True),
            make_subscription(billed_here=True),
            make_subscription(billed_here=True, status="ended"),
            make_subscription(),
        )
        for subscription in (late, ended, theirs):
            overdue_of(subscription)
        issued(subscription=early)

        assert marked_past_due(clock.now()) == 1
        assert list(Subscription.objects.filter(past_due=True)) == [late]
        assert late.history.latest("history_id").history_change_reason == "Renewed"
        assert marked_past_due(clock.now()) == 0

    def test_in_as_many_queries_for_ten_as_for_one(self) -> None:
        taken = []
        for count in (1, 10):
            for _ in range(count):
                overdue_of(make_subscription(billed_here=True))
            with CaptureQueriesContext(connection) as captured:
                assert marked_past_due(clock.now()) == count
            taken.append(len(captured))
        assert taken[0] == taken[1]

    def test_it_is_marked_when_the_invoice_falls_due(self) -> None:
        due = issued(subscription=make_subscription(billed_here=True)).due_at
        assert due is not None
        assert marked_past_due(due - timedelta(milliseconds=1)) == 0
        assert marked_past_due(due) == 1

    @pytest.mark.parametrize(
        "verb",
        [
            lambda invoice: pay(invoice, 10000),
            lambda invoice: void_invoice(invoice, done_by="ada"),
            lambda invoice: mark_uncollectible(invoice, done_by="ada"),
            lambda invoice: credit_note(invoice, reason="Outage", done_by="ada"),
        ],
    )
    def test_what_leaves_nothing_overdue_clears_it(self, verb: Callable[[Invoice], object]) -> None:
        subscription = self.mark()
        issued(subscription=subscription)
        verb(subscription.invoices.order_by("due_at")[0])
        subscription.refresh_from_db()
        assert not subscription.past_due

    def test_a_part_or_another_overdue_one_does_not(self) -> None:
        subscription = self.mark()
        first, second = subscription.invoices.get(), overdue_of(subscription)
        pay(first, 9999)
        pay(second, 10000)
        subscription.refresh_from_db()
        assert subscription.past_due
        pay(first, 1)
        subscription.refresh_from_db()
        assert not subscription.past_due

    def test_of_a_subscription_billed_elsewhere_the_mark_is_not_ours(self) -> None:
        subscription = make_subscription(past_due=True)
        pay(issued(subscription=subscription), 10000)
        subscription.refresh_from_db()
        assert subscription.past_due
