"""A customer's life in random steps, against a plain model: no figure differs, and each is the sum of its entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.balances.adjust import add
from billing.balances.grant import grant
from billing.document.renderer import render_customers
from billing.models import Feature, Grant, LedgerEntry, Plan, Rollover, Subscription
from billing.subscriptions import (
    CannotSubscribe,
    attach_plan,
    cancel_subscription,
    change_plan,
    renew_customers,
    uncancel_subscription,
)
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers import clock
from tests.billing.balance_model import COST, PLANS, Model, Row
from tests.billing.subscriptions.timeline import at, metered, plan_of
from tests.factories import make_credit_cost, make_customer, make_feature

pytestmark = [pytest.mark.django_db, pytest.mark.once]

START = at("2026-01-31T10:00")
FIGURES: dict[Any, tuple[str, ...]] = {
    Grant: ("included_grant", "prepaid_grant", "usage"),
    Rollover: ("granted", "left"),
}

FEATURES = ("calls", "calls", "credits")
#: How many uses end each life.
MUCH = 280
HALF = 0.5

features = st.sampled_from(FEATURES)
amounts = st.one_of(st.integers(1, 60), st.decimals("0.1", "30", places=1)).map(Decimal)
pauses = st.sampled_from([0, 0, 0, 0, 1, 24, 24 * 5, 24 * 17, 24 * 31, 24 * 75]).map(
    lambda hours: timedelta(hours=hours)
)


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """The model's plans, and its clock; nobody pays, and all goes on nevertheless."""
    settings.RESET_PAST_DUE = True
    found = {"calls": metered("calls"), "credits": make_feature(feature_id="credits", type="credit_system")}
    make_credit_cost(credit_system=found["credits"], metered_feature=found["calls"], credit_cost=COST)
    for name, shape in PLANS.items():
        plan_of(
            name,
            *((found[feature], _item(*terms)) for feature, *terms in shape["items"]),
            group=shape["group"] or "",
            add_on=shape["add_on"],
            price_amount=Decimal(shape["price"]),
            price_interval="month",
        )
    monkeypatch.setattr(clock, "now", lambda: Machine.now)
    Machine.steps = 0
    Machine.known = found
    Machine.sold = {plan.plan_id: plan for plan in Plan.objects.all()}
    yield
    Machine.known, Machine.sold = {}, {}


def _item(
    amount: int, interval: str, rollover: tuple[int | None, int] | None, floor: int | None
) -> dict[str, Any]:
    item: dict[str, Any] = {"included": amount, "reset_interval": interval}
    if rollover is not None:
        maximum, months = rollover
        item |= {"rollover_max": maximum, "rollover_expiry_unit": "month", "rollover_expiry_length": months}
    if floor is not None:
        item |= {
            "billing_method": "usage_based",
            "price_amount": Decimal("0.5"),
            "price_interval": "month",
            "billing_units": 1,
            "max_purchase": floor,
        }
    return item


class Machine(RuleBasedStateMachine):
    """What people and time do, to the product and to the model."""

    now = START
    steps = 0
    is_later = False
    known: dict[str, Feature] = {}
    sold: dict[str, Plan] = {}

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        # One that draws from the example could end it in the middle of the teardown.
        self.random = Random(seed)
        self.is_sound = True
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        Machine.now = START
        self.customer = make_customer()
        self.model = Model(START)

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            if self.is_sound:
                # Whichever rules were left out, every life ends with much use.
                self.use_much(self.drawn_uses(), cap=self.random.random() < HALF)
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @rule(plan=st.sampled_from(sorted(PLANS)), pause=pauses)
    def attach(self, plan: str, pause: timedelta) -> None:
        self.wait(pause)
        if plan == "extra" and len(self.model.subscriptions) > 4:
            return
        expected = self.model.attach(plan)
        assert expected is self.is_done(lambda: attach_plan(self.customer, self.sold[plan], done_by="test"))
        self.check()

    @precondition(lambda self: self.model.main() is not None)
    @rule(quantity=st.integers(1, 3), pause=pauses)
    def change_quantity(self, quantity: int, pause: timedelta) -> None:
        self.wait(pause)
        current = self.model.main()
        if current is None:
            return
        plan, subscription = self.sold[current["plan"]], self.subscription(current)
        expected = self.model.change(current, current["plan"], quantity)
        done = self.is_done(
            lambda: change_plan(subscription, plan, quantity=Decimal(quantity), done_by="test")
        )
        assert expected is done
        self.check()

    @precondition(lambda self: self.model.subscriptions)
    @rule(place=st.integers(0, 5), at_once=st.sampled_from([False, False, True]), pause=pauses)
    def cancel(self, place: int, at_once: bool, pause: timedelta) -> None:
        self.wait(pause)
        if not self.model.subscriptions:
            return
        current = self.model.subscriptions[place % len(self.model.subscriptions)]
        subscription = self.subscription(current)
        expected = self.model.cancel(current, at_once=at_once)
        assert expected is self.is_done(
            lambda: cancel_subscription(subscription, at_once=at_once, done_by="test")
        )
        self.check()

    @precondition(lambda self: any(each.get("canceled_at") for each in self.model.subscriptions))
    @rule(pause=pauses)
    def uncancel(self, pause: timedelta) -> None:
        self.wait(pause)
        current = next((each for each in self.model.subscriptions if each["status"] == "active"), None)
        if current is None:
            return
        subscription = self.subscription(current)
        expected = self.model.uncancel(current)
        assert expected is self.is_done(lambda: uncancel_subscription(subscription, done_by="test"))
        self.check()

    @rule(
        feature=features,
        amount=amounts,
        interval=st.sampled_from(["", "", "day", "week", "month"]),
        days=st.sampled_from([None, None, 3, 40]),
        pause=pauses,
    )
    def grant(self, feature: str, amount: Decimal, interval: str, days: int | None, pause: timedelta) -> None:
        self.wait(pause)
        if len(self.model.rows) > 12:
            return
        expires_at = None if days is None else self.now + timedelta(days=days)
        self.model.grant(feature, amount, interval or None, expires_at)
        grant(
            self.customer,
            self.known[feature],
            amount,
            interval=interval,
            expires_at=expires_at,
            done_by="test",
        )
        self.check()

    @rule(feature=features, amount=st.integers(-20, 50).filter(bool).map(Decimal), pause=pauses)
    def adjust(self, feature: str, amount: Decimal, pause: timedelta) -> None:
        self.wait(pause)
        rows = [row for row in self.model.drawn(feature) if row["feature"] == feature]
        if not rows or rows[0]["included"] + rows[0]["adjusted"] + amount < 0:
            return
        self.model.add(rows[0], amount)
        balance = self.customer.balances.get(feature=self.known[feature])
        add(balance, amount, reason="A correction", done_by="test")
        self.check()

    @rule(feature=features, amount=amounts, cap=st.booleans(), pause=pauses)
    def use(self, feature: str, amount: Decimal, cap: bool, pause: timedelta) -> None:
        self.wait(pause)
        expected = self.model.use(feature, amount, cap=cap)
        assert expected == self.recorded(feature, amount, cap)
        self.check()

    @rule(feature=features, amount=amounts, pause=pauses)
    def refund(self, feature: str, amount: Decimal, pause: timedelta) -> None:
        self.wait(pause)
        expected = self.model.refund(feature, amount)
        assert expected == self.recorded(feature, -amount, False)
        self.check()

    @rule(
        uses=st.lists(st.tuples(features, amounts, st.integers(0, 3)), min_size=40, max_size=80),
        cap=st.booleans(),
        pause=pauses,
    )
    def use_from_a_file(self, uses: list[tuple[str, Decimal, int]], cap: bool, pause: timedelta) -> None:
        self.wait(pause)
        self.use_much(uses, cap=cap)

    def drawn_uses(self) -> list[tuple[str, Decimal, int]]:
        return [
            (
                self.random.choice(FEATURES),
                Decimal(self.random.randint(1, 4000)) / 100,
                self.random.randint(0, 3),
            )
            for _ in range(MUCH)
        ]

    def use_much(self, uses: list[tuple[str, Decimal, int]], *, cap: bool) -> None:
        """Every fourth is a refund; of each, what was left after it is compared too."""
        asked, expected = [], []
        for feature, amount, kind in uses:
            if kind:
                dropped, signed = self.model.use(feature, amount, cap=cap), amount
            else:
                dropped, signed = self.model.refund(feature, amount), -amount
            expected.append(None if dropped is None else (dropped, self.model.figures(feature)[1]))
            asked.append(self.of(feature, signed, cap))
        found = [
            None
            if isinstance(each, Exception)
            else (each.dropped, each.remaining.get(self.known[name].pk, 0))
            for (name, _, _), each in zip(uses, record_usage_batch(asked), strict=True)
        ]
        assert found == expected
        type(self).steps += len(uses)
        self.check()

    @rule(pause=st.sampled_from([1, 24, 24 * 31, 24 * 200]).map(lambda hours: timedelta(hours=hours)))
    def renew(self, pause: timedelta) -> None:
        self.wait(pause)
        self.check()

    def wait(self, pause: timedelta) -> None:
        """Time goes by; what falls due, the product must find by itself."""
        type(self).steps += 1
        self.is_sound = False
        self.is_later = self.is_later or bool(pause)
        Machine.now += pause
        self.model.advance(self.now)

    def of(self, feature: str, amount: Decimal, cap: bool) -> UsageRequest:
        return UsageRequest(
            customer_id=str(self.customer.pk),
            feature=self.known[feature],
            amount=amount,
            at=self.now,
            cap=cap,
            done_by="test",
        )

    def recorded(self, feature: str, amount: Decimal, cap: bool) -> Decimal | None:
        """What was dropped; None if it was refused."""
        try:
            return record_usage(self.of(feature, amount, cap)).dropped
        except UsageRefused:
            return None

    def is_done(self, verb: Any) -> bool:
        try:
            verb()
        except CannotSubscribe as refusal:
            note(f"refused: {refusal}")
            return False
        return True

    def subscription(self, wanted: Row) -> Subscription:
        """The product's own of one of the model's: of the same place among those of its plan and start."""
        alike = [
            each
            for each in self.model.subscriptions
            if (each["plan"], each["started_at"]) == (wanted["plan"], wanted["started_at"])
        ]
        if self.is_later:
            renew_customers([str(self.customer.pk)], self.now)
        found = Subscription.objects.running().filter(
            customer=self.customer, plan=self.sold[wanted["plan"]], started_at=wanted["started_at"]
        )
        return found.order_by("pk")[alike.index(wanted)]

    def check(self) -> None:
        """What the verb did not need is renewed now; then every figure is compared."""
        if self.is_later:
            renew_customers([str(self.customer.pk)], self.now)
            self.is_later = False
        document: Any = render_customers([self.customer], (), at=self.now)[0]
        for feature in self.known:
            granted, remaining, usage, resets_at = self.model.figures(feature)
            shown = document.balances.get(feature)
            if shown is None:
                assert (granted, remaining, usage, resets_at) == (Decimal(0),) * 3 + (None,)
                continue
            found = (shown.granted, shown.remaining, shown.usage, shown.next_reset_at)
            assert found == (granted, remaining, usage, resets_at), (
                feature,
                self.now,
                found,
                self.model.rows,
            )
        shown_plans = [
            (str(each.plan_id), int(each.quantity), str(each.status), each.canceled_at, each.expires_at)
            for each in document.subscriptions
        ]
        plans = [
            (each["plan"], each["quantity"], each["status"], each.get("canceled_at"), each.get("expires_at"))
            for each in self.model.subscriptions
        ]
        assert sorted(shown_plans, key=in_text) == sorted(plans, key=in_text), (shown_plans, plans)
        sums: dict[Any, Decimal] = defaultdict(Decimal)
        for owner, other, figure, amount in LedgerEntry.objects.filter(
            posting__customer=self.customer
        ).values_list("grant_id", "rollover_id", "figure", "amount"):
            sums[owner or other, figure] += amount
        for model, names in FIGURES.items():
            rows = model.objects.filter(balance__customer=self.customer).values_list("pk", *names)
            for key, *values in rows:
                assert values == [sums[key, name] for name in names]
        self.is_sound = True


def in_text(values: tuple[Any, ...]) -> list[str]:
    return [str(value) for value in values]


def steps_of(machine: type[Machine], examples: int, steps: int) -> int:
    """Run a machine; how many steps it went."""
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return machine.steps


@pytest.mark.usefixtures("catalog")
def test_hundreds_of_random_steps_show_no_difference() -> None:
    assert steps_of(Machine, examples=2, steps=30) >= 500


@pytest.mark.soak
@pytest.mark.usefixtures("catalog")
def test_a_hundred_thousand_random_steps_show_no_difference() -> None:
    assert steps_of(Machine, examples=500, steps=60) >= 100_000
