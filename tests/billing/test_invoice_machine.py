"""A subscription's life in random steps, against a plain model that knows invoices.

The model keeps what each invoice billed for which time, as fractions of cents. After each step every invoice is within two
cents of it; nothing is billed for a moment that has not come, more given back than was billed, or attached twice; and the
doctor finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from billing.doctor.checks import CHECKS
from billing.invoices.credit_notes import credit_note
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.void import void_invoice
from billing.models import Invoice, InvoiceLine, Plan, Subscription
from billing.revenue.monthly import charges_of, with_charges
from billing.rules.monthly_value import yearly
from billing.subscriptions import (
    CannotSubscribe,
    attach_plan,
    cancel_subscription,
    change_plan,
    renew_customers,
    uncancel_subscription,
)
from customers import clock
from tests.billing.balance_model import months_later
from tests.billing.subscriptions.timeline import at, metered, plan_of
from tests.examples import examples
from tests.factories import make_billing_account, make_customer, make_discount

pytestmark = [pytest.mark.django_db, pytest.mark.once]

START = at("2026-01-31T10:00")
#: Price in cents and months of a period, by plan.
PRICES = {"small": (1000, 1), "big": (7777, 1), "yearly": (99900, 12)}
STEPS = 40
CENTS = 2


class Charge:
    """What an invoice billed for a time, after discounts and before tax. `returned_by` is the invoice that gave it back."""

    def __init__(self, invoice: ModelInvoice, amount: Fraction, start: datetime, end: datetime) -> None:
        self.invoice, self.amount, self.start, self.end = invoice, amount, start, end
        self.returned_by: ModelInvoice | None = None


class ModelInvoice:
    """The sum of the lines, and whether it still counts."""

    def __init__(self) -> None:
        self.net = Fraction(0)
        self.is_void = False
        self.credited = Fraction(0)


class Model:
    """One subscription of the group."""

    def __init__(self, kept: Fraction) -> None:
        #: The part that discounts leave of a charge.
        self.kept = kept
        self.invoices: list[ModelInvoice] = []
        self.charges: list[Charge] = []
        self.plan: tuple[str, int] | None = None
        self.next: tuple[str, int] | None = None
        self.is_canceled = False
        self.start = self.end = self.now = START
        self.anchor = START.day

    def price(self, plan: tuple[str, int]) -> Fraction:
        return Fraction(PRICES[plan[0]][0] * plan[1]) * self.kept

    def monthly(self, plan: tuple[str, int]) -> Fraction:
        return Fraction(PRICES[plan[0]][0] * plan[1], PRICES[plan[0]][1])

    def bill(
        self, amount: Fraction, start: datetime, end: datetime, invoice: ModelInvoice | None = None
    ) -> None:
        bill = invoice or ModelInvoice()
        if invoice is None:
            self.invoices.append(bill)
        bill.net += amount
        self.charges.append(Charge(bill, amount, start, end))

    def begin(
        self, plan: tuple[str, int], *, invoice: ModelInvoice | None = None, keeps: bool = False
    ) -> None:
        self.plan, self.start = plan, self.now
        if not keeps:
            self.anchor = self.now.day
        self.end = months_later(self.now, PRICES[plan[0]][1], self.anchor)
        self.bill(self.price(plan), self.start, self.end, invoice)

    def change(self, plan: tuple[str, int]) -> None:
        """Immediately: the unused time back, the rest of the period at the new price."""
        assert self.plan is not None
        self.next, self.is_canceled = None, False
        before, self.plan = self.plan, plan
        bill = ModelInvoice()
        self.invoices.append(bill)
        for charge in self.charges:
            is_live = charge.returned_by is None or charge.returned_by.is_void
            if is_live and not charge.invoice.is_void and charge.end > self.now and charge.amount > 0:
                left = (
                    1 - charge.invoice.credited / charge.invoice.net
                    if charge.invoice.credited
                    else Fraction(1)
                )
                unused = charge.amount * part(self.now, charge.end, charge.start, charge.end) * left
                if round(unused) > 0:
                    bill.net -= unused
                    charge.returned_by = bill
        if PRICES[before[0]][1] == PRICES[plan[0]][1]:
            share = part(self.now, self.end, self.start, self.end)
            self.bill(self.price(plan) * share, self.now, self.end, bill)
        else:
            self.begin(plan, invoice=bill)

    def stop(self) -> None:
        """It has ended, and what was billed for it is nothing that another subscription could give back."""
        self.plan, self.next, self.charges, self.is_canceled = None, None, [], False

    def advance(self, to: datetime) -> None:
        while self.plan is not None and self.end <= to:
            self.now = self.end
            if self.next is not None:
                plan, self.next, self.is_canceled = self.next, None, False
                self.begin(plan, keeps=True)
            elif self.is_canceled:
                self.stop()
            else:
                self.begin(self.plan, keeps=True)
        self.now = to


def part(start: datetime, end: datetime, whole_start: datetime, whole_end: datetime) -> Fraction:
    tick = timedelta(microseconds=1)
    return Fraction((end - start) // tick, (whole_end - whole_start) // tick)


class Life:
    """The product and the model, side by side."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random = Random(seed)
        self.now = START
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.customer = make_customer()
        self.tax = self.random.choice([None, Decimal(20), Decimal("7.7")])
        off = self.random.choice([0, 0, 25, 50])
        if self.tax is not None:
            make_billing_account(customer=self.customer, tax_rate=self.tax)
        if off:
            make_discount(customer=self.customer, discount_value=Decimal(off), duration_type="forever")
        self.plans = {plan.plan_id: plan for plan in Plan.objects.filter(plan_id__in=PRICES)}
        self.model = Model(1 - Fraction(off, 100))
        self.known: dict[str, ModelInvoice] = {}

    def subscription(self) -> Subscription | None:
        return Subscription.objects.active().filter(customer=self.customer).first()

    def tried(self, verb: Callable[[], object]) -> bool:
        try:
            with transaction.atomic():
                verb()
        except (CannotSubscribe, CannotChangeInvoice):
            return False
        return True

    def step(self) -> None:
        hours = self.random.choice([0, 1, 24, 24 * 5, 24 * 11, 24 * 33])
        self.now += timedelta(
            hours=hours, microseconds=self.random.randrange(3_600_000) * 1000 if hours else 0
        )
        renew_customers([str(self.customer.pk)], self.now)
        self.model.advance(self.now)
        self.random.choice(
            [self.move, self.move, self.cancel, self.keep, self.void, self.credit, self.pay, self.bounce]
        )()
        self.check()

    def move(self) -> None:
        wanted = self.random.choice(sorted(PRICES)), self.random.choice([1, 1, 2, 3])
        plan, quantity = self.plans[wanted[0]], Decimal(wanted[1])
        current, model = self.subscription(), self.model
        if current is None:
            attach_plan(self.customer, plan, quantity=quantity, done_by="test")
            model.begin(wanted)
            return
        at_once = self.random.choice([None, None, True, False])
        is_done = self.tried(
            lambda: change_plan(current, plan, quantity=quantity, at_once=at_once, done_by="test")
        )
        assert is_done is (wanted != model.plan)
        if not is_done or model.plan is None:
            return
        is_up = model.monthly(wanted) >= model.monthly(model.plan)
        if is_up if at_once is None else at_once:
            model.change(wanted)
        else:
            model.next, model.is_canceled = wanted, True

    def cancel(self) -> None:
        current = self.subscription()
        at_once = self.random.random() < 0.3
        if current is None or not self.tried(
            lambda: cancel_subscription(current, at_once=at_once, done_by="test")
        ):
            return
        if at_once:
            self.model.stop()
        else:
            self.model.next, self.model.is_canceled = None, True

    def keep(self) -> None:
        current = self.subscription()
        if current is not None and self.tried(lambda: uncancel_subscription(current, done_by="test")):
            self.model.next, self.model.is_canceled = None, False

    def any_invoice(self) -> Invoice | None:
        found = list(Invoice.objects.filter(customer=self.customer).order_by("number"))
        return self.random.choice(found) if found else None

    def void(self) -> None:
        invoice = self.any_invoice()
        if invoice is not None and self.tried(lambda: void_invoice(invoice, done_by="test")):
            self.known[str(invoice.pk)].is_void = True

    def credit(self) -> None:
        invoice = self.any_invoice()
        if invoice is None or invoice.total < 2:
            return
        amount = self.random.randint(1, invoice.total)
        if self.tried(lambda: credit_note(invoice, amount, reason="Goodwill", done_by="test")):
            gross = invoice.total - (
                invoice.lines.filter(kind="credit", amount__lt=0).aggregate(Sum("amount"))["amount__sum"] or 0
            )
            model = self.known[str(invoice.pk)]
            model.credited += model.net * Fraction(amount, gross)

    def pay(self) -> None:
        invoice = self.any_invoice()
        if invoice is not None and invoice.due > 0:
            self.tried(lambda: record_payment(invoice, self.random.randint(1, invoice.due), done_by="test"))

    def bounce(self) -> None:
        invoice = self.any_invoice()
        payment = invoice.payments.filter(reversal=None).first() if invoice else None
        if payment is not None:
            self.tried(lambda: reverse_payment(payment, reason="Bounced", done_by="test"))

    def check(self) -> None:
        issued = list(Invoice.objects.filter(customer=self.customer).order_by("number"))
        assert len(issued) == len(self.model.invoices)
        for invoice, expected in zip(issued, self.model.invoices, strict=True):
            self.known.setdefault(str(invoice.pk), expected)
            assert self.known[str(invoice.pk)] is expected
            assert invoice.created_at <= self.now
            lines = [line for line in invoice.lines.all() if line.kind not in ("credit", "tax")]
            assert abs(sum(line.amount for line in lines) - expected.net) <= CENTS, invoice
            if self.tax is not None:
                taxed = sum(line.amount for line in invoice.lines.all() if line.kind == "tax")
                assert abs(taxed - expected.net * Fraction(self.tax) / 100) <= CENTS, invoice
        self.check_given_back()
        plans = Subscription.objects.running().filter(customer=self.customer).order_by("position")
        found = [(row.plan.plan_id, int(row.quantity), row.status) for row in plans.select_related("plan")]
        wanted = [(*self.model.plan, "active")] if self.model.plan else []
        wanted += [(*self.model.next, "scheduled")] if self.model.next else []
        assert sorted(found) == sorted(wanted)

    def check_given_back(self) -> None:
        """Of no line is more given back than was billed, less what was credited of its invoice."""
        billed: dict[Any, int] = {}
        for line in InvoiceLine.objects.filter(invoice__customer=self.customer, gives_back__isnull=False):
            if line.invoice.status != "void":
                billed[line.gives_back] = billed.get(line.gives_back, 0) - line.amount
        for charge, given_back in billed.items():
            assert 0 < given_back <= charge.amount - charge.discounted

    def finish(self) -> None:
        # Who voids an invoice that gave time back leaves that time billed twice, and the doctor says so.
        undone = InvoiceLine.objects.filter(gives_back__isnull=False, invoice__status="void").exists()
        checks = [check for check in CHECKS if not (undone and check.words == "billed periods")]
        assert not [str(each) for check in checks for each in check.run(lambda count: None, fix=False)]


@pytest.fixture
def _plans() -> None:
    for name, (price, months) in PRICES.items():
        interval = "year" if months == 12 else "month"
        plan_of(name, group="main", price_amount=Decimal(price) / 100, price_interval=interval)


@pytest.mark.usefixtures("_plans")
@pytest.mark.parametrize("seed", range(examples(4)))
def test_every_invoice_is_what_the_model_bills(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(seed, monkeypatch)
    for _ in range(STEPS):
        life.step()
    life.finish()


@pytest.mark.parametrize("quantity", [1, 3])
@pytest.mark.parametrize(
    ("price", "interval", "packs"),
    [(2000, "month", None), (9990, "quarter", None), (12345, "year", "month"), (700, "month", "year")],
)
def test_twelve_times_the_mrr_is_what_a_year_bills(
    monkeypatch: pytest.MonkeyPatch, price: int, interval: str, packs: str | None, quantity: int
) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    items = []
    if packs is not None:
        sold = {"included": 0, "reset_interval": "", "billing_method": "prepaid", "billing_units": Decimal(1)}
        items.append((metered("seats"), sold | {"price_amount": Decimal("9.99"), "price_interval": packs}))
    plan = plan_of("plan", *items, price_amount=Decimal(price) / 100, price_interval=interval)
    customer = make_customer()
    prepaid = {"seats": Decimal(7)} if packs else {}
    attach_plan(customer, plan, quantity=Decimal(quantity), prepaid=prepaid, done_by="test")
    [subscription] = with_charges(Subscription.objects.all())
    year = yearly(charges_of(subscription))["USD"]
    almost = months_later(START, 12, START.day) - timedelta(milliseconds=1)
    renew_customers([str(customer.pk)], almost)
    assert sum(invoice.total for invoice in Invoice.objects.all()) == year * 100


@pytest.mark.soak
@pytest.mark.usefixtures("_plans")
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_a_hundred_thousand_steps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(seed, monkeypatch)
    for _ in range(500):
        life.step()
    life.finish()
