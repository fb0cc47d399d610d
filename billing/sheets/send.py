"""Send an invoice, a credit note or a receipt by email."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, QueryDict

from billing.invoices.emails import (
    MOST_RECIPIENTS,
    emails_so_far,
    proposed_recipient,
    proposed_text,
    send_paper,
)
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.paper import Paper, credit_note_paper, invoice_paper, receipt_paper
from billing.models import CreditNote, Invoice, InvoiceEmail, Payment
from billing.sheets.fields import text_field
from customers.formats import counted, page_of
from customers.readings.emails import email, is_email
from customers.sheets import Act, Done, Preview, SheetForm, Target


class SendForm(SheetForm):
    """To whom, and with which words. `attach` names the credit note or the payment that is sent instead."""

    attach = forms.CharField(required=False, widget=forms.HiddenInput)
    to = text_field(
        "To",
        max_length=2000,
        help_text=f"Up to {MOST_RECIPIENTS} addresses, separated by commas. Each gets an email of its own.",
    )
    subject = text_field("Subject", max_length=255)
    text = forms.CharField(label="Text", max_length=10_000, widget=forms.Textarea(attrs={"rows": 10}))

    def clean_to(self) -> list[str]:
        """The addresses, each once."""
        parts = [part for part in self.cleaned_data["to"].replace(";", ",").split(",") if part.strip()]
        addresses = list(dict.fromkeys(email(part.strip())[0] for part in parts))
        wrong = [address for address in addresses if not is_email(address)]
        if wrong or not addresses:
            raise ValidationError(f"Enter an email address instead of “{(wrong or [''])[0]}”.")
        if len(addresses) > MOST_RECIPIENTS:
            raise ValidationError(f"Enter at most {MOST_RECIPIENTS} addresses.")
        return addresses

    def clean_subject(self) -> str:
        """The subject in one line."""
        return " ".join(self.cleaned_data["subject"].split())


class Send(Act):
    """Send the invoice, or with `attach` one of its credit notes or receipts."""

    name = "send"
    title = "Send by email"
    verb = "Send email"
    permissions = ("billing.add_invoiceemail", "billing.view_invoice")
    models = (Invoice,)
    refusals = (CannotChangeInvoice,)
    is_previewed = False

    def heading(self) -> str:
        """With the paper that is sent."""
        return f"Send {self.paper.in_a_sentence}"

    def home(self) -> str:
        """The invoice's own page."""
        return page_of(self.row)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> SendForm:
        """The form with a proposed text."""
        attach = initial.get("attach", "") if data is None else data.get("attach", "")
        self.paper = _attached(self.row, attach)
        proposed = {
            "to": proposed_recipient(self.row),
            "subject": f"{self.paper.title} from {self.paper.seller[0]}",
            "text": proposed_text(self.row, self.paper),
        }
        return SendForm(data, initial={**proposed, **initial})

    def target(self, form: SendForm) -> Target:
        """What is attached."""
        return Target(self.paper.title, f"Attached as {self.paper.file_name}")

    def preview(self, form: SendForm) -> Preview:
        """How many emails it will be."""
        to = form.cleaned_data["to"]
        return Preview(
            button=f"Send to {to[0]}" if len(to) == 1 else f"Send {counted(len(to), 'email')}",
            seen=emails_so_far(self.row),
        )

    def do(self, form: SendForm, seen: str) -> Done:
        """Send, if nobody else has sent it since."""
        values = form.cleaned_data
        emails = send_paper(
            self.row,
            self.paper,
            recipients=values["to"],
            subject=values["subject"],
            text=values["text"],
            seen=seen,
            done_by=self.by,
        )
        sent = [each.recipients[0] for each in emails if each.status == InvoiceEmail.Status.SENT]
        failed = [each for each in emails if each.status != InvoiceEmail.Status.SENT]
        return Done(
            message=f"Sent {self.paper.in_a_sentence} to {', '.join(sent)}." if sent else "",
            warnings=[
                f"Couldn't send {self.paper.in_a_sentence} to {each.recipients[0]}. {each.error}"
                for each in failed
            ],
        )


def _attached(invoice: Invoice, attach: str) -> Paper:
    """The paper that `attach` names by the ID of a credit note or a payment; the invoice if it is empty."""
    if not attach:
        return invoice_paper(invoice)
    rows: list[CreditNote | Payment] = [
        *invoice.credit_notes.select_related("invoice__customer"),
        *invoice.payments.select_related("invoice__customer", "reversal"),
    ]
    for row in rows:
        if str(row.pk) == attach:
            return credit_note_paper(row) if isinstance(row, CreditNote) else receipt_paper(row)
    raise Http404(f"The invoice has no credit note or payment {attach!r}.")
