"""Take what is due by time before the worklist is computed: alerts fire, and unpaid invoices reach their next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.balances.alerts import fire_alerts
from billing.subscriptions.dunning import take_steps
from customers.local_formats import formats_of

_BATCH = 500


@dataclass(frozen=True, slots=True)
class NoticesTaken:
    """How many alerts fired, and how many steps of dunning were taken."""

    alerts: int
    steps: int


# Its texts are stored, for every user.
@formats_of("")
def take_notices_of(locked: Sequence[str], at: datetime) -> NoticesTaken:
    """Fire alerts and take steps of dunning of some customers, which the caller has locked."""
    steps = take_steps(locked, at)
    return NoticesTaken(len(fire_alerts(locked, at)), len(steps))
