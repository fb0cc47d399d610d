"""Lines that were added after the invoice of their period: the subscription's next invoice takes them up."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.utils.timezone import override

from billing.models import PendingLine, Subscription
from billing.rules.exact import total
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.formats import day, number


def take_pending_lines(work: UnitOfWork, subscription: Subscription, at: datetime) -> list[BilledLine]:
    """The lines that wait for this subscription's next invoice, marked as billed at `at`.

    One line for each grant and period. Call it once for each invoice that ends a period.
    """
    waiting = work.pending_lines.pop(str(subscription.pk), [])
    together: dict[tuple[str, datetime], list[PendingLine]] = defaultdict(list)
    for pending in waiting:
        together[str(pending.grant_id), pending.period_end].append(pending)
        pending.billed_at = at
        work.change(pending)
    return [_line(work, subscription, parts) for _, parts in sorted(together.items(), key=_by_period)]


def _line(work: UnitOfWork, subscription: Subscription, parts: list[PendingLine]) -> BilledLine:
    grant = parts[0].grant
    quantity = total(each.quantity for each in parts)
    # An invoice must not depend on who causes it, so its days are in the installation's time zone, not the user's.
    with override(None):
        until = day(parts[0].period_end)
    return BilledLine(
        kind="usage",
        description=f"{grant.balance.feature}: {number(quantity)} used before {until} and recorded after it",
        amount=sum(each.amount for each in parts),
        quantity=quantity,
        subscription_id=subscription.subscription_id,
        plan_id=subscription.plan.plan_id,
    )


def _by_period(of_period: tuple[tuple[str, datetime], list[PendingLine]]) -> tuple[datetime, str]:
    (grant_id, period_end), _ = of_period
    return period_end, grant_id
