"""The page of one invoice: the document as the customer sees it, its facts, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.formats import INVOICE_STATES, invoice_state, money
from billing.invoices.paper import invoice_paper
from billing.models import Invoice, InvoiceEmail
from crm.desk.pages.actions import Action
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.records.happenings import Happening
from crm.desk.pages.records.shell import (
    CHIP_COLORS,
    Fact,
    Head,
    Meta,
    acts_on,
    menu_of,
    record_page,
    requested_row,
)
from crm.models import Note
from customers import clock
from customers.formats import (
    counted,
    customer_url,
    day,
    days_between,
    in_address,
    moment,
    opens_a_page,
    page_of,
    short_day,
    user_name,
)

#: Payments, credit notes, emails, reminders and notes: the most of each that the page shows.
_SHOWN = 20
_NOTES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A payment or a credit note: what it is, its amount, a line about it, and links (text, URL) to its papers."""

    text: str
    value: str
    details: Sequence[str]
    links: Sequence[tuple[str, str]]
    is_reversed: bool = False


def invoice_page(request: HttpRequest, key: str) -> HttpResponse:
    """The invoice with this ID. The number of queries doesn't depend on the amount of data."""
    rows = Invoice.objects.select_related("customer__relationship__owner", "subscription__plan")
    invoice = requested_row(request, rows, key, "billing.view_invoice")
    may, now = request.user.has_perm, clock.now()
    payments = (
        list(invoice.payments.select_related("reversal")[:_SHOWN]) if may("billing.view_payment") else []
    )
    notes = list(invoice.credit_notes.all()[:_SHOWN]) if may("billing.view_creditnote") else []
    emails = (
        list(invoice.emails.order_by("-sent_at", "-pk")[:_SHOWN]) if may("billing.view_invoiceemail") else []
    )
    happened = [
        *_course(invoice, now),
        *_emailed(emails),
        *_paid(invoice, payments),
        *_credited(invoice, notes),
    ]
    if may("billing.view_dunningstep"):
        happened += _reminded(invoice)
    if may("crm.view_note"):
        happened += _noted(invoice)
    acts = acts_on(request, invoice)
    by_name = {act.label.rstrip("…"): act for act in acts}
    context = {
        "invoice": invoice,
        "paper": invoice_paper(invoice),
        "facts": list(_facts(invoice, emails, now)),
        "happened": sorted(happened, key=attrgetter("at"), reverse=True),
        "settled": [*_payments(invoice, payments, by_name), *_credit_notes(invoice, notes, by_name)],
        "failed": emails[0] if emails and emails[0].status == InvoiceEmail.Status.FAILED else None,
        "send": by_name.get("Send by email"),
        "record": by_name.get("Record payment"),
    }
    crumbs = crumbs_of(
        invoice.customer,
        Crumb("Invoices", f"{reverse('desk-billing', args=[invoice.customer_id])}#section-invoices"),
        Crumb(str(invoice)),
    )
    head = _head(request, invoice, acts, now)
    return record_page(request, "crm/desk/records/invoice.html", head, crumbs, context)


def _head(request: HttpRequest, invoice: Invoice, acts: Sequence[Action], now: datetime) -> Head:
    state = invoice_state(invoice)
    is_late = state == "Past due" and invoice.due_at is not None
    late = f", {counted(days_between(invoice.due_at, now), 'day')}" if is_late and invoice.due_at else ""
    meta = [Meta(str(invoice.customer), customer_url(invoice.customer_id))]
    if invoice.subscription is not None:
        meta.append(Meta(str(invoice.subscription.plan), page_of(invoice.subscription)))
    meta.append(Meta("Billed by the billing platform" if invoice.imported else "Billed here"))
    if invoice.removed_at is not None:
        meta.append(Meta(f"No longer listed by the billing platform since {day(invoice.removed_at)}"))
    first, rest = list(acts[:1]), [*acts[1:], *_papers(invoice)]
    return Head(
        kind="invoice",
        name=str(invoice),
        icon="receipt_long",
        chips=[(f"{state}{late}", CHIP_COLORS[INVOICE_STATES.get(state, "default")])],
        meta=meta,
        buttons=first,
        actions=menu_of(request, invoice, rest),
    )


def _papers(invoice: Invoice) -> list[Action]:
    """The document as a file, and to print."""
    key = in_address(invoice.pk)
    return [
        Action("Download PDF", reverse("admin:billing_invoice_pdf", args=[key]), "download"),
        Action("Print", reverse("admin:billing_invoice_print_page", args=[key]), "print"),
    ]


def _facts(invoice: Invoice, emails: Sequence[InvoiceEmail], now: datetime) -> Iterator[Fact]:
    currency = invoice.currency
    if invoice.is_owed:
        yield Fact(label="Amount due", value=money(max(0, invoice.due), currency))
    if invoice.due_at is not None:
        is_late = invoice_state(invoice) == "Past due"
        late = f"{counted(days_between(invoice.due_at, now), 'day')} late" if is_late else ""
        yield Fact(label="Due", value=day(invoice.due_at), detail=late, color="bad")
    yield Fact(label="Total", value=money(invoice.total, currency))
    if not invoice.imported:
        yield Fact(label="Paid", value=money(invoice.paid, currency))
    if invoice.credited:
        yield Fact(label="Credited", value=money(invoice.credited, currency))
    if emails:
        last = emails[0]
        is_failed = last.status == InvoiceEmail.Status.FAILED
        yield Fact(
            label="Sent to",
            value=", ".join(map(str, last.recipients)),
            detail=f"{'Failed' if is_failed else 'Sent'} {short_day(last.sent_at, now)}",
            color="warn" if is_failed else "subtle",
        )
    relationship: Any = getattr(invoice.customer, "relationship", None)
    if relationship is not None and relationship.owner is not None:
        yield Fact(label="Account manager", value=user_name(relationship.owner))
    if invoice.subscription is not None:
        yield Fact(
            label="Subscription", value=str(invoice.subscription.plan), url=page_of(invoice.subscription)
        )
    if invoice.period_start and invoice.period_end:
        yield Fact(label="Period", value=f"{day(invoice.period_start)} to {day(invoice.period_end)}")
    if invoice.hosted_invoice_url and opens_a_page(invoice.hosted_invoice_url):
        yield Fact(label="Payment page", value="Open", url=invoice.hosted_invoice_url)
    yield Fact(label="Invoice ID", value=str(invoice.pk), copied=True)
    if invoice.stripe_id:
        yield Fact(label="Stripe ID", value=invoice.stripe_id, copied=True)


def _course(invoice: Invoice, now: datetime) -> Iterator[Happening]:
    """What its own times tell."""
    name, total = str(invoice), money(invoice.total, invoice.currency)
    if invoice.issued_at is not None:
        yield Happening(
            at=invoice.issued_at, icon="send", actor="Clientele", words=f"issued the invoice for {total}"
        )
    else:
        actor = "The billing platform" if invoice.imported else "Clientele"
        verb = "issued" if invoice.imported else "drafted"
        yield Happening(
            at=invoice.created_at, icon="send", actor=actor, words=f"{verb} the invoice for {total}"
        )
    if invoice.due_at is not None and invoice_state(invoice) == "Past due" and invoice.due_at <= now:
        yield Happening(at=invoice.due_at, icon="flag", actor=name, words="became past due")
    if invoice.closed_at is not None:
        words = {
            Invoice.Status.VOID.value: "was voided",
            Invoice.Status.UNCOLLECTIBLE.value: "was marked uncollectible",
        }.get(invoice.status, "was paid in full")
        yield Happening(at=invoice.closed_at, icon="check", actor=name, words=words)


def _emailed(emails: Sequence[InvoiceEmail]) -> Iterator[Happening]:
    for email in emails:
        to = ", ".join(map(str, email.recipients))
        file = email.attachment.removesuffix(".pdf")
        if email.status == InvoiceEmail.Status.FAILED:
            yield Happening(
                at=email.sent_at,
                icon="warning",
                actor="Email",
                words=f"to {to} couldn't be sent",
                body=email.error,
            )
        else:
            yield Happening(
                at=email.sent_at,
                icon="mail",
                actor=email.sent_by or "Clientele",
                words=f"sent {file} to {to}",
            )


def _paid(invoice: Invoice, payments: Sequence[Any]) -> Iterator[Happening]:
    for payment in payments:
        amount = money(payment.amount, invoice.currency)
        yield Happening(
            at=payment.paid_at,
            icon="payments",
            actor=payment.recorded_by or "Clientele",
            words=f"recorded a payment of {amount}",
            body=payment.reference,
        )
        reversal = getattr(payment, "reversal", None)
        if reversal is not None:
            yield Happening(
                at=reversal.reversed_at,
                icon="undo",
                actor=reversal.reversed_by or "Clientele",
                words=f"reversed the payment of {amount}",
                body=reversal.reason,
            )


def _credited(invoice: Invoice, notes: Sequence[Any]) -> Iterator[Happening]:
    for note in notes:
        yield Happening(
            at=note.issued_at,
            icon="undo",
            actor=note.issued_by or "Clientele",
            words=f"issued credit note {note.number} of {money(note.total, invoice.currency)}",
            body=note.reason,
        )


def _reminded(invoice: Invoice) -> Iterator[Happening]:
    for step in invoice.dunning_steps.order_by("-taken_at", "-pk")[:_SHOWN]:
        yield Happening(
            at=step.taken_at,
            icon="notifications",
            actor="Clientele",
            words=f"took reminder {step.step} of {step.of}",
            body=step.outcome,
        )


def _noted(invoice: Invoice) -> Iterator[Happening]:
    """The notes of the customer that name the invoice."""
    if not invoice.number:
        return
    rows = Note.objects.filter(customer=invoice.customer_id, body__icontains=invoice.number)
    for note in rows.select_related("author").order_by("-created_at", "-pk")[:_NOTES_SHOWN]:
        yield Happening(
            at=note.created_at,
            icon="sticky_note_2",
            actor=user_name(note.author) or "A note",
            words="mentioned this invoice",
            body=note.body,
        )


def _payments(invoice: Invoice, payments: Sequence[Any], acts: dict[str, Action]) -> Iterator[Settled]:
    key = in_address(invoice.pk)
    for payment in payments:
        reversal = getattr(payment, "reversal", None)
        links = [("PDF", reverse("admin:billing_invoice_receipt_pdf", args=[key, payment.pk]))]
        if send := acts.get("Send by email"):
            links.append(("Send…", f"{send.url}?attach={payment.pk}"))
        if reversal is None and (reverse_it := acts.get("Reverse payment")):
            links.append(("Reverse…", f"{reverse_it.url}?payment={payment.pk}"))
        details = [payment.reference, f"Recorded by {payment.recorded_by}" if payment.recorded_by else ""]
        if reversal is not None:
            details.append(f"Reversed {moment(reversal.reversed_at)}: {reversal.reason}")
        yield Settled(
            text=f"Payment, {day(payment.paid_at)}",
            value=money(payment.amount, invoice.currency),
            details=[part for part in details if part],
            links=links,
            is_reversed=reversal is not None,
        )


def _credit_notes(invoice: Invoice, notes: Sequence[Any], acts: dict[str, Action]) -> Iterator[Settled]:
    key = in_address(invoice.pk)
    for note in notes:
        links = [
            ("Print", reverse("admin:billing_invoice_print_credit_note", args=[key, note.pk])),
            ("PDF", reverse("admin:billing_invoice_credit_note_pdf", args=[key, note.pk])),
        ]
        if send := acts.get("Send by email"):
            links.append(("Send…", f"{send.url}?attach={note.pk}"))
        yield Settled(
            text=f"Credit note {note.number}, {day(note.issued_at)}",
            value=money(note.total, invoice.currency),
            details=[note.reason],
            links=links,
        )
