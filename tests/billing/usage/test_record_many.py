"""Many uses together: what came of each, and what it costs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from billing.models import Balance, Grant, Posting, Rollover
from billing.usage.batch import UsageOutcome
from billing.usage.deduct import UsageRefused, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record_many import record_usage_batch
from tests.billing.uses import NOON, granted, usages, use
from tests.factories import make_balance, make_credit_cost, make_rollover

pytestmark = pytest.mark.django_db


class TestInBulk:
    def test_each_for_itself_in_their_order(self) -> None:
        balance = make_balance()
        grant = granted(balance, 10)
        asked = [
            use(balance, 6, key="a"),
            use(balance, 6, key="b"),
            use(balance, -3),
            use(balance, 6, key="b"),
        ]
        asked += [use(balance, 6, key="a"), use(balance, 5, key="a"), use(balance, 1, at=NOON + timedelta(1))]

        outcomes = record_usage_batch(asked)

        assert [_told(outcome) for outcome in outcomes] == [6, "2 missing", -3, 6, "again", "conflict", 1]
        assert usages(grant) == [10]
        assert Posting.objects.filter(kind="usage").count() == 3

    def test_resets_fall_between_uses(self) -> None:
        balance, other = make_balance(), make_balance()
        grant = granted(balance, 10, reset_interval="month", next_reset_at=datetime(2026, 6, 1, tzinfo=UTC))
        granted(other, 10)
        may, june, august = (datetime(2026, month, 5, tzinfo=UTC) for month in (5, 6, 8))

        outcomes = record_usage_batch(
            [
                use(balance, 8, at=may),
                use(balance, 8, at=june),
                use(other, 8),
                use(balance, 8, at=june),
                use(balance, 8, at=august),
            ]
        )

        assert [_told(outcome) for outcome in outcomes] == [8, 8, 8, "6 missing", 8]
        assert usages(grant) == [8]
        assert Posting.objects.filter(kind="reset").count() == 2

    def test_a_grant_expires_between_uses_in_any_order(self) -> None:
        balance = make_balance()
        first = granted(balance, 100, expires_at=NOON + timedelta(hours=1))
        second = granted(balance, 100)

        record_usage_batch(
            [use(balance, 1), use(balance, 2, at=NOON + timedelta(hours=1)), use(balance, 4), use(balance, 8)]
        )

        assert usages(first, second) == [13, 2]

    def test_several_features_that_share_credits(self) -> None:
        cost = make_credit_cost(credit_cost=Decimal(2))
        dear = make_credit_cost(credit_system=cost.credit_system, credit_cost=Decimal(5))
        system = make_balance(feature=cost.credit_system)
        grant = granted(system, 20)

        outcomes = record_usage_batch(
            [
                use(system, 3, feature=cost.metered_feature),
                use(system, 2, feature=dear.metered_feature),
                use(system, 1),
                use(system, 2, feature=cost.metered_feature),
                use(system, 3),
            ]
        )

        # 6 + 10 + 1 are drawn; 3 are left: one and a half messages, so 0.5 are missing; then the 3 themselves.
        assert [_told(outcome) for outcome in outcomes] == [3, 2, 1, "0.5 missing", 3]
        assert usages(grant) == [20]

    def test_what_costs_less_than_the_smallest_credit_has_no_entry(self) -> None:
        cost = make_credit_cost(credit_cost=Decimal("0.3"))
        system = make_balance(feature=cost.credit_system)
        grant = granted(system, 20)

        record_usage_batch([use(system, "1e-10", feature=cost.metered_feature, key="a")])

        assert not grant.ledger.filter(figure="usage").exists()
        assert Posting.objects.get(key="a").answer is not None

    def test_one_that_the_database_refuses_does_not_spoil_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        balance = make_balance()
        grant = granted(balance, 10)
        monkeypatch.setattr("billing.usage.record_many.write", _refuse)

        outcomes = record_usage_batch([use(balance, 6), use(balance, 6), use(balance, 1)])

        assert [_told(outcome) for outcome in outcomes] == [6, "2 missing", 1]
        assert usages(grant) == [7]

    def test_as_many_queries_for_many_as_for_few(self) -> None:
        balances = [make_balance() for _ in range(12)]
        for balance in balances:
            granted(balance, 1000)

        def queries(some: list[Balance], times: int) -> int:
            asked = [
                use(each, 1, key=f"{len(some)}{times}{n}{each.pk}") for n in range(times) for each in some
            ]
            with CaptureQueriesContext(connection) as captured:
                record_usage_batch(asked)
            # SQLite takes a hundred rows or so at a time.
            return sum(not query["sql"].startswith("INSERT") for query in captured.captured_queries)

        assert queries(balances[:2], 2) == queries(balances, 40) <= 20

    def test_everything_adds_up(self) -> None:
        balance = make_balance()
        granted(balance, 10)
        make_rollover(balance=balance)
        record_usage_batch([use(balance, 6), use(balance, 5), use(balance, -2)])

        assert _sums() == []


def _refuse(*args: Any) -> None:
    raise IntegrityError("no")


def _told(outcome: UsageOutcome) -> Any:
    if isinstance(outcome, UsageResult):
        return "again" if outcome.is_replay else outcome.units if outcome.amount > 0 else -outcome.units
    if isinstance(outcome, UsageRefused) and outcome.missing is not None:
        return f"{outcome.missing.normalize():f} missing"
    return "conflict" if isinstance(outcome, KeyConflict) else str(outcome)


def _sums() -> list[str]:
    """The figures that are not the sums of their entries."""
    wrong = []
    rows: list[Grant | Rollover] = [*Grant.objects.all(), *Rollover.objects.all()]
    for row in rows:
        for name in ("included_grant", "prepaid_grant", "usage", "granted", "left"):
            entries = [each.amount for each in row.ledger.all() if each.figure == name]
            if sum(entries, Decimal(0)) != getattr(row, name, 0):
                wrong.append(f"{name} of {row.pk}")
    return wrong
