"""The page that sends an invoice, a credit note or a receipt by email."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

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
from customers.admin.base import RecordAdmin
from customers.readings.emails import email, is_email


class SendForm(forms.Form):
    """To whom, and with which words. `seen` is how many emails there were when the page was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    to = forms.CharField(
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=f"Up to {MOST_RECIPIENTS} addresses, separated by commas. Each gets an email of its own.",
    )
    subject = forms.CharField(max_length=255, widget=UnfoldAdminTextInputWidget())
    text = forms.CharField(max_length=10_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}))

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


class InvoiceSending(RecordAdmin):
    """The action that sends an invoice, or with `attach` one of its credit notes or receipts."""

    @action(description="Send by email", url_path="send", icon="outgoing_mail", permissions=["send_email"])
    def send_email(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice: Invoice | None = self.get_object(request, unquote(object_id))
        if invoice is None:
            redirect: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return redirect
        paper = _attached(invoice, request.GET.get("attach", ""))
        back = reverse("admin:billing_invoice_change", args=[quote(invoice.pk)])
        proposed = {
            "to": proposed_recipient(invoice),
            "subject": f"{paper.title} from {paper.seller[0]}",
            "text": proposed_text(invoice, paper),
            "seen": emails_so_far(invoice),
        }
        form = SendForm(request.POST if request.method == "POST" else None, initial=proposed)
        if request.method == "POST" and form.is_valid():
            try:
                emails = send_paper(
                    invoice,
                    paper,
                    recipients=form.cleaned_data["to"],
                    subject=form.cleaned_data["subject"],
                    text=form.cleaned_data["text"],
                    seen=form.cleaned_data["seen"],
                    done_by=request.user.get_username(),
                )
            except CannotChangeInvoice as refused:
                form.add_error(None, str(refused))
            else:
                self._report(request, paper, emails)
                return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "billing/invoice_send.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"Send {paper.title}",
                "paper": paper,
                "form": form,
                "back": back,
                "seen": emails_so_far(invoice),
            },
        )

    def has_send_email_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_invoiceemail")

    def _report(self, request: HttpRequest, paper: Paper, emails: list[InvoiceEmail]) -> None:
        for each in emails:
            to = each.recipients[0]
            if each.status == InvoiceEmail.Status.SENT:
                self.message_user(request, f"Sent {paper.title} to {to}.", messages.SUCCESS)
            else:
                self.message_user(
                    request, f"Couldn't send {paper.title} to {to}. {each.error}", messages.ERROR
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
