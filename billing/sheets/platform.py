"""What the sheets of subscriptions say and do if the billing platform bills the subscription."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from billing.models import PlatformChange, Subscription
from billing.sheets.subscription_forms import named
from billing.subscriptions import withdraw_change
from customers.sheets import Done


def undo_platform_change(request: HttpRequest, change: PlatformChange) -> Done:
    """Withdraw a change that waits for the billing platform. Raises `CannotSubscribe`."""
    withdraw_change(change)
    return Done(message=f"Withdrawn: {change.words}.")


def notes_on_platform(subscription: Subscription, verb: str) -> list[str]:
    """That the billing platform bills a subscription, and the change that waits there; empty if it is billed here."""
    if subscription.billed_here:
        return []
    is_there = f"{named(subscription)} is billed by the billing platform: {verb} it there."
    notes = [
        f"{is_there} Requesting it here only puts it on the worklist, until an import shows that it is done."
    ]
    waiting = subscription.platform_changes.waiting().select_related("plan_before", "plan").first()
    if waiting is not None:
        notes.append(f"Requested already: {waiting.words}.")
    return notes


def timing_of(when: str) -> str:
    """When a change is to be made on the platform, as chosen in the form; empty if that is the platform's to decide."""
    return when if when in PlatformChange.Timing.values else ""


def withdrawal_of(subscription: Subscription) -> str:
    """Where the change that waits on the platform is withdrawn; empty if none does."""
    waiting = None if subscription.billed_here else subscription.platform_changes.waiting().first()
    return "" if waiting is None else reverse("undo-platform-change", args=[waiting.pk])
