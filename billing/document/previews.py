"""`invoice_previews`: the next invoices of a customer, as the billing platform's clients read them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db.models import QuerySet

from billing.models import InvoiceLine, Subscription
from billing.rules.money import from_minor
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.upcoming import UpcomingInvoice, upcoming_invoice
from customers.json_types import to_plain
from customers.json_types.scalars import plain_number, to_epoch_ms

#: What readers expand.
PREVIEWS = "invoice_previews"
_NO_ITEMS = (InvoiceLine.Kind.CREDIT, InvoiceLine.Kind.DISCOUNT, InvoiceLine.Kind.TAX)


def with_previews(view: Any, subscriptions: QuerySet[Subscription]) -> Any:
    """The `view` of one customer or account with the invoices that renewals of its subscriptions will raise here.

    They come after those that the platform sent for what it bills itself.
    Not for lists: each preview runs a renewal and rolls it back.
    """
    ours = subscriptions.filter(billed_here=True).select_related("plan").order_by("pk")
    found = [(subscription, _upcoming(subscription)) for subscription in ours]
    previews = [_preview(upcoming, subscription) for subscription, upcoming in found if upcoming is not None]
    if not previews:
        return view
    plain = view if isinstance(view, dict) else to_plain(view)
    received = plain.get(PREVIEWS)
    return {**plain, PREVIEWS: [*(received if isinstance(received, list) else ()), *previews]}


def _upcoming(subscription: Subscription) -> UpcomingInvoice | None:
    with suppress(CannotBill):
        return upcoming_invoice(subscription)
    return None


def _preview(upcoming: UpcomingInvoice, subscription: Subscription) -> dict[str, Any]:
    lines = [line for line in upcoming.lines if line.kind not in _NO_ITEMS]
    items = [_item(line, upcoming.currency, subscription) for line in lines]
    return {
        "plan_ids": list(dict.fromkeys(item["plan_id"] for item in items)),
        "invoice_at": to_epoch_ms(upcoming.at),
        "currency": upcoming.currency.lower(),
        "subtotal": _major(sum(line.amount for line in lines), upcoming.currency),
        "total": _major(upcoming.total, upcoming.currency),
        "line_items": items,
    }


def _item(line: InvoiceLine, currency: str, subscription: Subscription) -> dict[str, Any]:
    plan = line.plan or subscription.plan
    item: dict[str, Any] = {
        "display_name": line.feature.name if line.feature else str(plan),
        "description": line.description,
        "subtotal": _major(line.amount, currency),
        "total": _major(line.amount - line.discounted, currency),
        "plan_id": plan.plan_id,
        "feature_id": line.feature.feature_id if line.feature else None,
        "quantity": plain_number(line.quantity),
    }
    if line.period_start and line.period_end:
        item["period"] = {"start": to_epoch_ms(line.period_start), "end": to_epoch_ms(line.period_end)}
    return item


def _major(minor: int, currency: str) -> Any:
    return plain_number(from_minor(minor, currency))
