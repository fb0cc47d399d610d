"""What lists sort by: each status that a page can show has a place."""

from __future__ import annotations

from billing.formats import INVOICE_STATES, SUBSCRIPTION_STATES
from crm.desk.facts.orders import INVOICE_PLACES, SUBSCRIPTION_PLACES


def test_each_status_has_one_place() -> None:
    assert sorted(SUBSCRIPTION_PLACES) == sorted(SUBSCRIPTION_STATES)
    assert sorted(INVOICE_PLACES) == sorted(INVOICE_STATES)
