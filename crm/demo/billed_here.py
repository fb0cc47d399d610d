"""Plans of the demo that Clientele bills itself, so that there are invoices to send, pay, credit and void."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.invoices.credit_notes import credit_note
from billing.invoices.payments import record_payment
from billing.models import Invoice, Plan
from billing.subscriptions import attach_plan
from customers.models import Customer, Source

_DONE_BY = "demo"
_PLANS = ("pro", "scale", "credit_pack")
#: How long ago the plans began. A trial of two weeks is still on after the last.
_MONTHLY, _LARGE, _TRIAL = timedelta(days=20), timedelta(days=3), timedelta(days=8)


def bill_here(now: datetime) -> bool:
    """Attach plans to customers that no platform bills: one paid and bought credits, one was credited, one tries.

    Attaches nothing and returns False if there is an invoice of our own, or too few such customers.
    """
    plans = {plan.plan_id: plan for plan in Plan.objects.filter(env="live", plan_id__in=_PLANS)}
    free = Customer.objects.current().filter(env="live", email__endswith=".example")
    free = free.exclude(source_records__source=Source.BILLING)
    customers = list(free.filter(source_records__source=Source.PAYMENTS).order_by("pk").distinct()[:3])
    if Invoice.objects.exclude(number="").exists() or len(plans) < len(_PLANS) or len(customers) < 3:
        return False
    payer, credited, trying = customers
    attach_plan(payer, plans["pro"], at=now - _MONTHLY, with_trial=False, done_by=_DONE_BY)
    first = Invoice.objects.get(customer=payer)
    record_payment(first, first.due, reference="Bank transfer", done_by=_DONE_BY)
    attach_plan(payer, plans["credit_pack"], done_by=_DONE_BY)
    attach_plan(credited, plans["scale"], at=now - _LARGE, done_by=_DONE_BY)
    credit_note(
        Invoice.objects.get(customer=credited),
        10_000,
        reason="Two days without service",
        done_by=_DONE_BY,
    )
    attach_plan(trying, plans["pro"], at=now - _TRIAL, done_by=_DONE_BY)
    return True
