"""The URLs of the acts of billing, below the admin's."""

from __future__ import annotations

from django.urls import URLPattern

from billing.invoices.locking import CannotChangeInvoice
from billing.ledger.entries import CannotReverse
from billing.models import Payment, PlatformChange, Posting, Subscription
from billing.sheets.adjust import Adjust
from billing.sheets.credits import ReturnCredit
from billing.sheets.grant import Grant
from billing.sheets.invoices import (
    REVERSE,
    Credit,
    Issue,
    RecordPayment,
    ReversePayment,
    Uncollectible,
    Void,
    undo_payment,
)
from billing.sheets.platform import undo_platform_change
from billing.sheets.send import Send
from billing.sheets.subscriptions import (
    CHANGE,
    REFUSALS,
    Attach,
    Cancel,
    ChangePlan,
    ExtendTrial,
    Keep,
    undo_cancel,
)
from billing.sheets.undo import PERMISSIONS, ReverseEntry, undo_entry
from customers.sheets import Act, act_path, undo_path

ACTS: tuple[type[Act], ...] = (
    Grant,
    Adjust,
    ReverseEntry,
    Attach,
    ChangePlan,
    Cancel,
    Keep,
    ExtendTrial,
    RecordPayment,
    ReversePayment,
    Credit,
    Issue,
    Void,
    Uncollectible,
    ReturnCredit,
    Send,
)

urlpatterns: list[URLPattern] = [
    *map(act_path, ACTS),
    undo_path("cancel", [Subscription], CHANGE, undo_cancel, REFUSALS),
    undo_path(
        "payment",
        [Payment],
        REVERSE,
        undo_payment,
        (CannotChangeInvoice,),
        customer_of=lambda payment: payment.invoice.customer,
    ),
    undo_path(
        "platform-change",
        [PlatformChange],
        CHANGE,
        undo_platform_change,
        REFUSALS,
        customer_of=lambda change: change.subscription.customer,
    ),
    undo_path("entry", [Posting], PERMISSIONS, undo_entry, (CannotReverse,)),
]
