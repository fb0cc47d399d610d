"""What was used of a balance by day, and its ledger with what remained after each entry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.ledger.uses import LedgerPage, days_of_use, ledger_page
from billing.models import Balance, Grant, Posting
from billing.usage.record import record_usage
from customers import clock
from tests.billing.uses import LATER, NOON, granted, use
from tests.factories import make_balance, make_entity

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def balance(monkeypatch: pytest.MonkeyPatch) -> Balance:
    """A balance to which 100 were granted before it was used. It is June now."""
    monkeypatch.setattr(clock, "now", lambda: START)
    balance = make_balance(overage_allowed=True)
    granted(balance, 100)
    monkeypatch.setattr(clock, "now", lambda: LATER)
    return balance


def page_of(balance: Balance, limit: int = 10, before: tuple[datetime, str] | None = None) -> LedgerPage:
    return ledger_page(balance, [str(balance.customer_id)], START, LATER, limit, before)


def shown(page: LedgerPage) -> list[tuple[int | None, int | None]]:
    return [
        (
            None if row.change is None else int(row.change),
            None if row.remaining is None else int(row.remaining),
        )
        for row in page.rows
    ]


def test_days_say_what_was_used_by_whom_and_how_much_was_overage(balance: Balance) -> None:
    lab = make_entity(customer=balance.customer, entity_id="lab")
    # 60 + 50 - 5 of 100 by the end of the first day, then 20 more.
    record_usage(use(balance, 60))
    record_usage(use(balance, 50, at=NOON + HOUR, entity=lab))
    record_usage(use(balance, -5, at=NOON + 2 * HOUR))
    record_usage(use(balance, 20, at=NOON + timedelta(days=1)))
    found = days_of_use(balance, [str(balance.customer_id)], START, LATER)
    assert {(each.day, each.entity_id): (int(each.used), int(each.over)) for each in found} == {
        (date(2026, 5, 4), None): (55, -5),
        (date(2026, 5, 4), str(lab.pk)): (50, 10),
        (date(2026, 5, 5), None): (20, 20),
    }
    assert not days_of_use(balance, [str(balance.customer_id)], LATER, LATER + HOUR)


def test_the_ledger_says_what_remained_after_each_entry_page_by_page(balance: Balance) -> None:
    for hours, amount in enumerate((30, 50, -10, 40)):
        record_usage(use(balance, amount, at=NOON + hours * HOUR))
    everything = page_of(balance)
    # 100 granted; 70, 20, 30 remain, and 10 more than granted is used at last.
    assert shown(everything)[:4] == [(-40, 0), (10, 30), (-50, 20), (-30, 70)]
    first = page_of(balance, 2)
    assert (shown(first), first.has_more) == (shown(everything)[:2], True)
    last = first.rows[-1].posting
    assert shown(page_of(balance, 2, (last.occurred_at, last.pk))) == shown(everything)[2:4]


def test_what_an_import_found_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: LATER)
    balance = make_balance()
    grant = Grant.objects.create(balance=balance, created_at=NOON - timedelta(days=9))
    post(
        PostingDraft(
            customer_id=balance.customer_id,
            kind=Posting.Kind.IMPORT,
            feature_id=balance.feature_id,
            occurred_at=NOON,
            done_by="import",
            changes=[
                FigureChange(grant, "included_grant", Decimal(100)),
                FigureChange(grant, "usage", Decimal(30)),
            ],
        )
    )
    record_usage(use(balance, 5, at=NOON + HOUR))
    record_usage(use(balance, 5, at=NOON - HOUR))
    # 70 of 100 remained when it was found. What was used an hour before is counted back from there.
    assert shown(page_of(balance)) == [(-5, 60), (None, 65), (-5, 65)]
