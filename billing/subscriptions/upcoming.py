"""The invoice that the next renewal of a subscription would raise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.models import Invoice, InvoiceLine, Subscription
from billing.subscriptions.renew import renew_customers
from customers.ingest.engine import rolled_back


@dataclass(frozen=True, slots=True, kw_only=True)
class UpcomingInvoice:
    """An invoice that will be raised at `at`, in minor units of `currency`."""

    at: datetime
    due_at: datetime | None
    currency: str
    total: int
    lines: tuple[InvoiceLine, ...]


def bills_at(subscription: Subscription) -> datetime | None:
    """When its next period or billing cycle begins, with which an invoice may be raised.

    None for a subscription that is billed elsewhere, has no period or ends with it.
    """
    ends = [subscription.current_period_end, *(cycle.period_end for cycle in subscription.cycles.all())]
    at = min((end for end in ends if end is not None), default=None)
    if at is None or not subscription.billed_here or subscription.status != Subscription.Status.ACTIVE:
        return None
    ends_then = subscription.expires_at is not None and subscription.expires_at <= at
    if ends_then and not subscription.followed_by.filter(status=Subscription.Status.SCHEDULED).exists():
        return None
    return at


@transaction.atomic
def upcoming_invoice(subscription: Subscription) -> UpcomingInvoice | None:
    """What the subscription will be billed when it `bills_at`, if nothing more is used until then.

    Runs the renewal and rolls it back, so the customer is locked for that long. None if nothing is billed then, or it
    costs nothing. Raises `CannotBill` as the renewal does.
    """
    at = bills_at(subscription)
    if at is None:
        return None
    with rolled_back():
        renew_customers([str(subscription.customer_id)], at)
        raised = Invoice.objects.filter(subscription=subscription, created_at=at).first()
        lines = () if raised is None else tuple(raised.lines.order_by("position", "pk"))
    if raised is None or not any(line.amount for line in lines):
        return None
    return UpcomingInvoice(
        at=at, due_at=raised.due_at, currency=raised.currency, total=raised.total, lines=lines
    )
