"""Sources of billing entries: subscriptions, purchases, invoices, payments, credit notes, ledger entries."""

from __future__ import annotations

from typing import Any

from billing.formats import money
from billing.models import (
    AlertFired,
    CreditNote,
    DunningStep,
    Invoice,
    InvoiceEmail,
    Payment,
    PaymentReversal,
    PlatformChange,
    Posting,
    Purchase,
    Subscription,
)
from crm.desk.timeline.entry import EntryKind, Position, TimelineEntry, short
from crm.desk.timeline.origins import IMPORTED
from crm.desk.timeline.rows import RowSource
from customers.formats import counted, day, number, page_of

USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)
_DONE = {
    Posting.Kind.GRANT: "Granted",
    Posting.Kind.RESET: "Reset",
    Posting.Kind.ROLLOVER: "Carried over",
    Posting.Kind.EXPIRY: "Expired",
    Posting.Kind.ADJUSTMENT: "Adjusted",
    Posting.Kind.IMPORT: "Imported",
    Posting.Kind.MERGE: "Merged",
}


def _subscription(row: Subscription, position: Position) -> TimelineEntry:
    details = []
    if row.quantity != 1:
        details.append(f"Quantity: {number(row.quantity)}")
    if row.trial_ends_at is not None:
        details.append(f"Trial ends {day(row.trial_ends_at)}")
    return TimelineEntry(
        position=position,
        kind=EntryKind.SUBSCRIPTION,
        title=f"{short(str(row.plan))} "
        + ("scheduled" if row.status == Subscription.Status.SCHEDULED else "started"),
        details=tuple(details),
        url=page_of(row),
    )


def _platform_change(row: PlatformChange, position: Position) -> TimelineEntry:
    closed = "" if row.closed_at is None else f"{row.get_outcome_display()} {day(row.closed_at)}"
    return TimelineEntry(
        position=position,
        kind=EntryKind.SUBSCRIPTION,
        title=f"Requested on the billing platform: {short(row.words)}",
        details=(closed or "Waiting",),
        by=row.requested_by,
        url=page_of(row.subscription),
    )


def _purchase(row: Purchase, position: Position) -> TimelineEntry:
    times = "" if row.quantity == 1 else f"{number(row.quantity)} "
    return TimelineEntry(
        position=position,
        kind=EntryKind.SUBSCRIPTION,
        title=f"Purchased {times}{short(str(row.plan))}",
        url=page_of(row),
    )


def _invoice(row: Invoice, position: Position) -> TimelineEntry:
    due = f", due {day(row.due_at)}" if row.due_at else ""
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Invoice {short(str(row))} of {money(row.total, row.currency)}",
        details=(f"{(row.status or 'no status').capitalize()}{due}",),
        url=page_of(row),
    )


def _payment(row: Payment, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Paid {money(row.amount, row.invoice.currency)} of invoice {short(str(row.invoice))}",
        details=(short(row.reference),) if row.reference else (),
        by=row.recorded_by,
        url=page_of(row.invoice),
    )


def _payment_reversal(row: PaymentReversal, position: Position) -> TimelineEntry:
    payment = row.payment
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Reversed payment of {money(payment.amount, payment.invoice.currency)} of invoice"
        f" {short(str(payment.invoice))}",
        details=(short(row.reason),),
        by=row.reversed_by,
        url=page_of(payment.invoice),
    )


def _invoice_email(row: InvoiceEmail, position: Position) -> TimelineEntry:
    name = row.attachment.removesuffix(".pdf")
    file, to = short(name[:1].lower() + name[1:]), short(", ".join(row.recipients))
    is_failed = row.status == InvoiceEmail.Status.FAILED
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Couldn't email {file} to {to}" if is_failed else f"Emailed {file} to {to}",
        details=(short(row.error or row.subject),),
        by=row.sent_by,
        url=page_of(row),
    )


def _credit_note(row: CreditNote, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Credit note {row.number} of {money(row.total, row.invoice.currency)}"
        f" for invoice {short(str(row.invoice))}",
        details=(short(row.reason),) if row.reason else (),
        by=row.issued_by,
        url=page_of(row),
    )


def _posting(row: Posting, position: Position) -> TimelineEntry:
    what = short(str(row.feature)) if row.feature else "balances"
    figured = "" if row.amount is None else f"{number(row.amount)} "
    # The import's own entry says where it came from.
    imported = row.reason.startswith(IMPORTED)
    details = [] if imported or not row.reason else [short(row.reason)]
    if row.reverses_id is not None:
        details.append("Reverses an earlier ledger entry")
    return TimelineEntry(
        position=position,
        kind=EntryKind.BALANCE,
        title=f"{_DONE.get(Posting.Kind(row.kind), row.kind)}: {figured}{what}",
        details=tuple(details),
        by=row.done_by,
        url=page_of(row),
        group=row.reason if imported else "",
    )


def _alert(row: AlertFired, position: Position) -> TimelineEntry:
    of = f" of {short(str(row.entity))}" if row.entity else ""
    details = [row.figures[0].upper() + row.figures[1:]]
    if row.name:
        details.insert(0, short(row.name))
    return TimelineEntry(
        position=position,
        kind=EntryKind.BALANCE,
        title=f"Alert: {short(str(row.feature))}{of} {row.words}",
        details=tuple(details),
        url=page_of(row),
    )


def _dunning_step(row: DunningStep, position: Position) -> TimelineEntry:
    details = [f"{counted(row.days, 'day')} past due"]
    if row.outcome:
        details.append(short(row.outcome))
    return TimelineEntry(
        position=position,
        kind=EntryKind.INVOICE,
        title=f"Reminder {row.step} of {row.of} due for invoice {short(str(row.invoice))}",
        details=tuple(details),
        url=page_of(row.invoice),
    )


def _of_plan(model: Any) -> Any:
    return lambda ids: model.objects.filter(customer__in=ids).select_related("plan")


SUBSCRIPTIONS = RowSource(
    name="subscription",
    kind=EntryKind.SUBSCRIPTION,
    permission="billing.view_subscription",
    at="started_at",
    rows=_of_plan(Subscription),
    entry=_subscription,
    text=("plan__name", "plan__plan_id", "subscription_id"),
)
PLATFORM_CHANGES = RowSource(
    name="platform_change",
    kind=EntryKind.SUBSCRIPTION,
    permission="billing.view_platformchange",
    at="requested_at",
    rows=lambda ids: PlatformChange.objects.filter(subscription__customer__in=ids).select_related(
        "subscription", "plan_before", "plan"
    ),
    entry=_platform_change,
    by_name="requested_by",
    text=("plan__name", "plan__plan_id", "plan_before__name", "plan_before__plan_id"),
)
PURCHASES = RowSource(
    name="purchase",
    kind=EntryKind.SUBSCRIPTION,
    permission="billing.view_purchase",
    at="started_at",
    rows=_of_plan(Purchase),
    entry=_purchase,
    text=("plan__name", "plan__plan_id"),
)
INVOICES = RowSource(
    name="invoice",
    kind=EntryKind.INVOICE,
    permission="billing.view_invoice",
    at="created_at",
    rows=lambda ids: Invoice.objects.filter(customer__in=ids),
    entry=_invoice,
    text=("number", "stripe_id"),
)
PAYMENTS = RowSource(
    name="payment",
    kind=EntryKind.INVOICE,
    permission="billing.view_payment",
    at="paid_at",
    rows=lambda ids: Payment.objects.filter(invoice__customer__in=ids).select_related("invoice"),
    entry=_payment,
    by_name="recorded_by",
    text=("reference", "invoice__number", "invoice__stripe_id"),
)
PAYMENT_REVERSALS = RowSource(
    name="payment_reversal",
    kind=EntryKind.INVOICE,
    permission="billing.view_payment",
    at="reversed_at",
    rows=lambda ids: PaymentReversal.objects.filter(payment__invoice__customer__in=ids).select_related(
        "payment__invoice"
    ),
    entry=_payment_reversal,
    by_name="reversed_by",
    text=("reason", "payment__invoice__number"),
)
INVOICE_EMAILS = RowSource(
    name="invoice_email",
    kind=EntryKind.INVOICE,
    permission="billing.view_invoiceemail",
    at="sent_at",
    rows=lambda ids: InvoiceEmail.objects.filter(invoice__customer__in=ids),
    entry=_invoice_email,
    by_name="sent_by",
    text=("subject", "attachment"),
)
CREDIT_NOTES = RowSource(
    name="credit_note",
    kind=EntryKind.INVOICE,
    permission="billing.view_creditnote",
    at="issued_at",
    rows=lambda ids: CreditNote.objects.filter(invoice__customer__in=ids).select_related("invoice"),
    entry=_credit_note,
    by_name="issued_by",
    text=("number", "reason", "invoice__number", "invoice__stripe_id"),
)
POSTINGS = RowSource(
    name="posting",
    kind=EntryKind.BALANCE,
    permission="billing.view_posting",
    at="occurred_at",
    rows=lambda ids: (
        Posting.objects.filter(customer__in=ids)
        .exclude(kind__in=USES)
        .select_related("feature")
        .defer("answer")
    ),
    entry=_posting,
    by_name="done_by",
    text=("reason", "feature__name", "feature__feature_id"),
)
ALERTS = RowSource(
    name="alert",
    kind=EntryKind.BALANCE,
    permission="billing.view_alertfired",
    at="fired_at",
    rows=lambda ids: AlertFired.objects.filter(customer__in=ids).select_related("feature", "entity"),
    entry=_alert,
    text=("name", "feature__name", "feature__feature_id"),
)
DUNNING_STEPS = RowSource(
    name="dunning_step",
    kind=EntryKind.INVOICE,
    permission="billing.view_dunningstep",
    at="taken_at",
    rows=lambda ids: DunningStep.objects.filter(invoice__customer__in=ids).select_related("invoice"),
    entry=_dunning_step,
    text=("outcome", "invoice__number", "invoice__stripe_id"),
)
