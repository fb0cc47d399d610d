"""Clear the past-due mark of a subscription once none of its invoices is overdue. `billing.subscriptions.renew` sets it."""

from __future__ import annotations

from billing.models import Invoice, Subscription
from customers import clock
from customers.bulk import update_rows


def clear_past_due(subscription_id: str | None, reason: str) -> None:
    """Clear the mark if no invoice of the subscription is overdue. The caller has locked its customer.

    Does nothing if the billing platform bills the subscription, because then the platform sets the mark.
    """
    if subscription_id is None:
        return
    marked = Subscription.objects.filter(pk=subscription_id, past_due=True, billed_here=True).first()
    if marked is None or Invoice.objects.overdue(clock.now()).filter(subscription=marked).exists():
        return
    marked.past_due = False
    update_rows([marked], ["past_due"], reason)
