"""What remained of a balance, day by day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.ledger.past_figures import PastFigures
from billing.ledger.totals import DailyFigures, daily_figures, history_begins
from billing.models import Balance, Grant, Posting
from customers import clock
from tests.factories import make_balance, make_grant

pytestmark = pytest.mark.django_db


def happen(grant: Grant, kind: Posting.Kind, figure: str, amount: int, days_ago: int) -> None:
    post(
        PostingDraft(
            customer_id=grant.balance.customer_id,
            kind=kind,
            occurred_at=clock.now() - timedelta(days=days_ago),
            done_by="test",
            changes=[FigureChange(grant, figure, Decimal(amount))],
        )
    )


def granted(balance: Balance, days_ago: int, **fields: object) -> Grant:
    """A grant of 100 that was made so many days ago."""
    made_at = clock.now() - timedelta(days=days_ago)
    grant = make_grant(balance=balance, included_grant=0, usage=0, created_at=made_at, **fields)
    happen(grant, Posting.Kind.GRANT, "included_grant", 100, days_ago)
    return grant


def history(balance: Balance) -> list[DailyFigures]:
    """The days up to now."""
    now = clock.now()
    return daily_figures(balance, now, PastFigures.of(balance, history_begins(now)))


def test_it_is_worked_out_backwards_from_the_figures() -> None:
    balance = make_balance()
    grant = granted(balance, 20)
    happen(grant, Posting.Kind.USAGE, "usage", 30, 5)
    happen(grant, Posting.Kind.USAGE, "usage", 30, 10)
    remaining = [point.remaining for point in history(balance)]
    assert remaining == [100] * 10 + [70] * 5 + [40] * 6


def test_it_goes_back_ninety_days() -> None:
    balance = make_balance()
    granted(balance, 400)
    days = [point.day for point in history(balance)]
    assert (len(days), days[-1] - days[0]) == (91, timedelta(days=90))


def test_what_ended_or_expired_counted_until_then() -> None:
    balance, over = make_balance(), clock.now() - timedelta(days=4)
    granted(balance, 9, ended_at=over)
    granted(balance, 9, expires_at=over)
    assert [point.granted for point in history(balance)] == [200] * 5 + [0] * 5


def test_what_an_import_found_was_there_when_its_first_use_happened() -> None:
    balance = make_balance()
    grant = make_grant(balance=balance, included_grant=0, usage=0)
    happen(grant, Posting.Kind.IMPORT, "included_grant", 100, 0)
    happen(grant, Posting.Kind.USAGE, "usage", 30, 3)
    happen(grant, Posting.Kind.IMPORT, "usage", 5, 0)
    assert [point.remaining for point in history(balance)] == [70, 70, 70, 65]


def test_without_a_grant_it_is_today_alone() -> None:
    assert [point.remaining for point in history(make_balance())] == [0]
