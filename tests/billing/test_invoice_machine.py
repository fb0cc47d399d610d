"""A subscription's life in random steps, against a plain model that knows invoices.

The model keeps what each invoice billed for which time, as fractions of cents. After each step every invoice is within two
cents of it; nothing is billed for a moment that has not come, more given back than was billed, or attached twice; and the
doctor finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet, Sum

from billing.doctor.checks import CHECKS
from billing.invoices.credit_notes import credit_note
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.void import void_invoice
from billing.models import Feature, Invoice, InvoiceLine, Plan, Subscription
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
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers import clock
from tests.billing.balance_model import months_later
from tests.billing.subscriptions.timeline import at, metered, plan_of, run_until
from tests.examples import examples
from tests.factories import make_billing_account, make_customer, make_discount

pytestmark = [pytest.mark.django_db, pytest.mark.once]

START = at("2026-01-31T10:00")


@dataclass(frozen=True)
class Terms:
    """A plan in the model: price in cents, months of a period, days of trial, seats included and the cents of one more.

    Cents are the minor units of any currency.
    """

    price: int
    months: int
    trial: int = 0
    seats: tuple[int, int] | None = None


PLANS = {
    "free": Terms(0, 0),
    "small": Terms(1000, 1, seats=(1, 500)),
    "big": Terms(7777, 1, seats=(3, 433)),
    "tried": Terms(3000, 1, trial=7, seats=(2, 100)),
    "tried too": Terms(2500, 1, trial=14),
    "yearly": Terms(99900, 12),
}
#: How many minor units a price in a currency has more than the one in dollars, and its digits.
CURRENCIES = {"USD": (0, 2), "EUR": (-37, 2), "JPY": (59, 0)}
#: The end of a period of a plan that has none.
NEVER = datetime.max.replace(tzinfo=UTC)
STEPS = 40
CENTS = 2

#: A plan and its quantity.
Held = tuple[str, int]


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
        self.has_lines = False

    def add(self, amount: Fraction) -> None:
        self.net += amount
        self.has_lines = True


class Model:
    """One subscription of the group."""

    def __init__(self, kept: Fraction, plans: dict[str, Terms]) -> None:
        #: The part that discounts leave of a charge.
        self.kept = kept
        #: The terms of each plan in the customer's currency.
        self.plans = plans
        self.invoices: list[ModelInvoice] = []
        self.charges: list[Charge] = []
        self.plan: Held | None = None
        #: What comes next, and when: of a plan that runs its change or, without one, a start. Then, when it ends.
        self.next: Held | None = None
        self.next_at = self.ends_at = NEVER
        self.start = self.end = self.now = self.changed = START
        self.anchor = START.day
        self.tried: set[str] = set()
        self.is_trial = False
        self.seats = 0

    @property
    def terms(self) -> Terms:
        assert self.plan is not None
        return self.plans[self.plan[0]]

    def price(self, plan: Held) -> Fraction:
        return Fraction(self.plans[plan[0]].price * plan[1]) * self.kept

    def monthly(self, plan: Held) -> Fraction:
        terms = self.plans[plan[0]]
        return Fraction(terms.price * plan[1], terms.months) if terms.months else Fraction(0)

    def issue(self, bill: ModelInvoice) -> None:
        if bill.has_lines:
            self.invoices.append(bill)

    def bill(self, bill: ModelInvoice, amount: Fraction, start: datetime, end: datetime) -> None:
        bill.add(amount)
        self.charges.append(Charge(bill, amount, start, end))

    def bill_seats(self, bill: ModelInvoice) -> None:
        """What is in use at the end of a period, or at the end of the plan within one that has begun."""
        if self.plan is None or self.terms.seats is None or self.is_trial or self.now <= self.start:
            return
        included, price = self.terms.seats
        more = self.seats - included * self.plan[1]
        if more > 0:
            bill.add(Fraction(more * price) * self.kept)

    def attach(self, plan: Held) -> None:
        bill = ModelInvoice()
        self.plan, self.seats, self.changed = plan, 0, self.now
        self.forget()
        if not self.try_it(plan):
            self.begin(plan, bill)
        self.issue(bill)

    def forget(self) -> None:
        """Nothing is scheduled, neither a change nor the end."""
        self.next, self.next_at, self.ends_at = None, NEVER, NEVER

    def schedule(self, plan: Held, at: datetime) -> None:
        self.forget()
        self.next, self.next_at = plan, at

    def try_it(self, plan: Held) -> bool:
        """Begin the trial of the plan, if it has one and the customer had none of it."""
        days = PLANS[plan[0]].trial
        if not days or plan[0] in self.tried:
            return False
        self.tried.add(plan[0])
        self.plan, self.is_trial, self.start = plan, True, self.now
        self.end = self.now + timedelta(days=days)
        return True

    def begin(self, plan: Held, bill: ModelInvoice, *, keeps: bool = False) -> None:
        self.plan, self.start, self.is_trial = plan, self.now, False
        if not self.terms.months:
            self.end = NEVER
            return
        if not keeps:
            self.anchor = self.now.day
        self.end = months_later(self.now, self.terms.months, self.anchor)
        self.bill(bill, self.price(plan), self.start, self.end)

    def change(self, plan: Held) -> None:
        """Immediately: the unused time back, the rest of the period at the new price."""
        assert self.plan is not None
        self.forget()
        self.changed = self.now
        before, was_free, was_trial = self.plan, not self.monthly(self.plan), self.is_trial
        bill = ModelInvoice()
        if PLANS[plan[0]].seats is None:
            self.bill_seats(bill)
            self.seats = 0
        if plan[0] == before[0] and was_trial:
            self.plan = plan
            return
        if not was_trial:
            self.give_back(bill)
        if plan[0] != before[0] and (was_free or was_trial) and self.try_it(plan):
            self.issue(bill)
            return
        is_same_rhythm = PLANS[before[0]].months == PLANS[plan[0]].months
        self.plan = plan
        if is_same_rhythm and not was_trial and self.terms.months:
            share = part(self.now, self.end, self.start, self.end)
            self.bill(bill, self.price(plan) * share, self.now, self.end)
        elif not is_same_rhythm or was_trial:
            self.begin(plan, bill)
        self.issue(bill)

    def give_back(self, bill: ModelInvoice) -> None:
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
                    bill.add(-unused)
                    charge.returned_by = bill

    def stop(self) -> None:
        """It has ended, and what was billed for it is nothing that another subscription could give back."""
        bill = ModelInvoice()
        self.bill_seats(bill)
        self.issue(bill)
        self.plan, self.charges, self.is_trial, self.seats = None, [], False, 0
        self.forget()

    def advance(self, to: datetime) -> None:
        while True:
            at = min(self.next_at, self.ends_at, self.end if self.plan else NEVER)
            if at > to or at == NEVER:
                break
            self.now = at
            if self.plan is None:
                assert self.next is not None
                self.attach(self.next)
            elif at == self.ends_at:
                self.stop()
            elif at == self.next_at != self.end:
                assert self.next is not None
                self.change(self.next)
            else:
                self.renew(self.next if at == self.next_at else None)
        self.now = to

    def renew(self, plan: Held | None) -> None:
        """The next period, of another plan if a change was scheduled for this moment."""
        assert self.plan is not None
        bill = ModelInvoice()
        self.bill_seats(bill)
        if self.is_trial:
            self.anchor = self.now.day
        if plan is not None:
            self.forget()
            self.changed = self.now
            if PLANS[plan[0]].seats is None:
                self.seats = 0
        self.begin(plan or self.plan, bill, keeps=True)
        self.issue(bill)


def part(start: datetime, end: datetime, whole_start: datetime, whole_end: datetime) -> Fraction:
    tick = timedelta(microseconds=1)
    return Fraction((end - start) // tick, (whole_end - whole_start) // tick)


def in_currency(terms: Terms, currency: str) -> Terms:
    """The plan in the currency: each price has its own number there."""
    more, _ = CURRENCIES[currency]
    seats = None if terms.seats is None else (terms.seats[0], terms.seats[1] + more)
    return replace(terms, price=terms.price and terms.price + more, seats=seats)


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
        self.plans = {plan.plan_id: plan for plan in Plan.objects.filter(plan_id__in=PLANS)}
        self.seats = Feature.objects.get(feature_id="seats")
        self.currency = self.random.choice(sorted(CURRENCIES))
        plans = {name: in_currency(terms, self.currency) for name, terms in PLANS.items()}
        self.model = Model(1 - Fraction(off, 100), plans)
        self.known: dict[str, ModelInvoice] = {}
        self.billed: dict[str, int] = {}

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
        # As the command does: a customer that it doesn't find due is not renewed.
        run_until(self.now)
        self.model.advance(self.now)
        self.issued()
        self.random.choice(
            [
                self.move,
                self.move,
                self.sit,
                self.sit,
                self.cancel,
                self.keep,
                self.void,
                self.credit,
                self.pay,
                self.bounce,
            ]
        )()
        self.check()

    def moment(self) -> datetime | None:
        """Now, or later, or earlier."""
        return self.random.choice([None, None, self.now + self.some_time(), self.now - self.some_time()])

    def some_time(self) -> timedelta:
        return timedelta(hours=self.random.choice([1, 30, 24 * 9, 24 * 40]))

    def move(self) -> None:
        wanted = self.random.choice(sorted(PLANS)), self.random.choice([1, 1, 2, 3])
        plan, quantity = self.plans[wanted[0]], Decimal(wanted[1])
        current, model = self.subscription(), self.model
        at = self.moment()
        is_later = at is not None and at > self.now
        # What is paid for is billed in one currency, so that nobody has to ask for it again.
        asked = "" if model.plan is not None and model.monthly(model.plan) else self.currency
        if current is None:
            at = at if is_later else None
            is_done = self.tried(
                lambda: attach_plan(
                    self.customer, plan, quantity=quantity, at=at, currency=asked, done_by="test"
                )
            )
            assert is_done is (model.next is None)
            if is_done and at is not None:
                model.schedule(wanted, at)
            elif is_done:
                model.attach(wanted)
            return
        at_once = self.random.choice([None, None, True, False])
        is_done = self.tried(
            lambda: change_plan(
                current, plan, quantity=quantity, at=at, at_once=at_once, currency=asked, done_by="test"
            )
        )
        is_billed = at is not None and at < max(model.changed, model.start)
        assert is_done is (wanted != model.plan and not is_billed)
        if not is_done or model.plan is None:
            return
        is_up = model.monthly(wanted) >= model.monthly(model.plan)
        if at is not None and is_later:
            model.schedule(wanted, at)
        elif (is_up if at_once is None else at_once) or model.end == NEVER:
            model.now = at or self.now
            model.change(wanted)
            model.now = self.now
        else:
            model.schedule(wanted, model.end)

    def sit(self) -> None:
        """Seats are taken and given up, if the plan has them."""
        model = self.model
        if model.plan is None or model.terms.seats is None:
            return
        taken = self.random.choice([-2, -1, 1, 2, 5])
        if taken + model.seats < 0:
            return
        record_usage(
            UsageRequest(
                customer_id=str(self.customer.pk), feature=self.seats, amount=Decimal(taken), done_by="test"
            )
        )
        model.seats += taken

    def cancel(self) -> None:
        current, model = self.subscription(), self.model
        at_once, at = self.random.random() < 0.3, self.moment()
        if current is None or not self.tried(
            lambda: cancel_subscription(current, at=at, at_once=at_once, done_by="test")
        ):
            return
        assert at is None or at >= max(model.changed, model.start)
        model.forget()
        if at is not None and at > self.now:
            model.ends_at = at
        elif at_once or model.end == NEVER:
            model.now = at or self.now
            model.stop()
            model.now = self.now
        else:
            model.ends_at = model.end

    def keep(self) -> None:
        current = self.subscription()
        if current is not None and self.tried(lambda: uncancel_subscription(current, done_by="test")):
            self.model.forget()

    def invoices(self) -> QuerySet[Invoice]:
        return Invoice.objects.filter(customer=self.customer).order_by("number")

    def any_invoice(self) -> Invoice | None:
        found = list(self.invoices().values_list("pk", flat=True))
        return Invoice.objects.get(pk=self.random.choice(found)) if found else None

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

    def issued(self) -> dict[str, int]:
        """What is credited of each invoice; the new ones are what the model bills. An issued invoice never changes."""
        issued = {str(pk): credited for pk, credited in self.invoices().values_list("pk", "credited")}
        assert len(issued) == len(self.model.invoices)
        unknown = [pk for pk in issued if pk not in self.known]
        if unknown:
            new = self.invoices().filter(pk__in=unknown).prefetch_related("lines")
            expected = self.model.invoices[len(self.known) :]
            for invoice, model in zip(new, expected, strict=True):
                self.known[str(invoice.pk)] = model
                self.check_invoice(invoice, model)
        return issued

    def check_invoice(self, invoice: Invoice, model: ModelInvoice) -> None:
        assert invoice.created_at <= self.now
        assert invoice.currency == self.currency
        lines = invoice.lines.all()
        billed = sum(line.amount for line in lines if line.kind not in ("credit", "tax"))
        assert abs(billed - model.net) <= CENTS, invoice
        self.billed[str(invoice.pk)] = billed
        if self.tax is not None:
            taxed = sum(line.amount for line in lines if line.kind == "tax")
            assert abs(taxed - model.net * Fraction(self.tax) / 100) <= CENTS, invoice

    def check(self) -> None:
        self.check_given_back(self.issued())
        plans = Subscription.objects.running().filter(customer=self.customer).order_by("position")
        found = [(row.plan.plan_id, int(row.quantity), row.status) for row in plans.select_related("plan")]
        wanted = [(*self.model.plan, "active")] if self.model.plan else []
        wanted += [(*self.model.next, "scheduled")] if self.model.next else []
        assert sorted(found) == sorted(wanted)

    def check_given_back(self, issued: dict[str, int]) -> None:
        """Of no line is more given back than was billed; of no invoice more credited and given back together."""
        billed: dict[tuple[Any, ...], int] = {}
        returned: dict[str, int] = {}
        lines = InvoiceLine.objects.filter(invoice__customer=self.customer, gives_back__isnull=False)
        charges = [f"gives_back__{name}" for name in ("pk", "invoice", "amount", "discounted")]
        for amount, *charge in lines.exclude(invoice__status="void").values_list("amount", *charges):
            billed[tuple(charge)] = billed.get(tuple(charge), 0) - amount
            returned[str(charge[1])] = returned.get(str(charge[1]), 0) - amount
        for (_, _, amount, discounted), given_back in billed.items():
            assert 0 < given_back <= amount - discounted
        gross = 1 + Fraction(self.tax or 0) / 100
        for pk, credited in issued.items():
            # Of most invoices nothing is credited, which is never too much.
            if credited > CENTS:
                rest = (self.billed[pk] - returned.get(pk, 0)) * gross
                assert credited <= max(Fraction(0), rest) + CENTS, pk

    def finish(self) -> None:
        assert not [str(each) for check in CHECKS for each in check.run(lambda count: None, fix=False)]


def prices(minor: Callable[[Any], int], terms: Terms) -> dict[str, Any]:
    """The columns of a price in all currencies."""
    amounts = {
        code: Decimal(minor(in_currency(terms, code))).scaleb(-digits)
        for code, (_, digits) in CURRENCIES.items()
    }
    return {
        "price_amount": amounts.pop("USD"),
        "additional_currencies": [
            {"currency": code.lower(), "amount": str(amount)} for code, amount in amounts.items()
        ],
    }


@pytest.fixture
def _plans() -> None:
    seats = metered("seats", consumable=False)
    for name, terms in PLANS.items():
        fields: dict[str, Any] = {"group": "main"}
        if terms.months:
            fields |= prices(lambda each: each.price, terms)
            fields |= {"price_interval": "year" if terms.months == 12 else "month"}
        if terms.trial:
            fields |= {"free_trial_length": terms.trial, "free_trial_unit": "day"}
        items = []
        if terms.seats is not None:
            item = {"included": terms.seats[0], **prices(lambda each: each.seats[1], terms)}
            item |= {"price_interval": "month", "billing_method": "usage_based", "reset_interval": ""}
            items.append((seats, item))
        plan_of(name, *items, **fields)


@pytest.mark.usefixtures("_plans")
@pytest.mark.parametrize("seed", range(examples(2)))
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
