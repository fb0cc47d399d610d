"""Invoices, credit notes and receipts as pages to print and as PDF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.decorators import action

from billing.invoices.paper import Paper, credit_note_paper, invoice_paper, receipt_paper
from billing.invoices.pdf import to_pdf
from billing.models import Invoice
from customers.admin.base import RecordAdmin


class InvoicePages(RecordAdmin):
    """The pages to print and the PDFs of an invoice, its credit notes and its payments."""

    def get_urls(self) -> list[Any]:
        def view(answer: Callable[..., HttpResponse]) -> Any:
            return self.admin_site.admin_view(answer)

        own = [
            path(
                "<path:object_id>/credit-notes/<str:note_id>/print/",
                view(self.print_credit_note),
                name="billing_invoice_print_credit_note",
            ),
            path(
                "<path:object_id>/credit-notes/<str:note_id>/pdf/",
                view(self.credit_note_pdf),
                name="billing_invoice_credit_note_pdf",
            ),
            path(
                "<path:object_id>/payments/<str:payment_id>/pdf/",
                view(self.receipt_pdf),
                name="billing_invoice_receipt_pdf",
            ),
        ]
        return [*own, *super().get_urls()]

    @action(
        description="Print",
        url_path="print",
        icon="print",
        permissions=["view"],
        attrs={"target": "_blank"},
    )
    def print_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _page(request, invoice_paper(self._shown_invoice(request, object_id)))

    @action(description="Download PDF", url_path="pdf", icon="download", permissions=["view"])
    def pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _file(invoice_paper(self._shown_invoice(request, object_id)))

    def print_credit_note(self, request: HttpRequest, object_id: str, note_id: str) -> HttpResponse:
        return _page(request, self._credit_note(request, object_id, note_id))

    def credit_note_pdf(self, request: HttpRequest, object_id: str, note_id: str) -> HttpResponse:
        return _file(self._credit_note(request, object_id, note_id))

    def receipt_pdf(self, request: HttpRequest, object_id: str, payment_id: str) -> HttpResponse:
        invoice = self._shown_invoice(request, object_id)
        payments = invoice.payments.select_related("invoice__customer", "reversal")
        for payment in payments:
            if str(payment.pk) == payment_id:
                return _file(receipt_paper(payment))
        raise Http404(f"The invoice has no payment {payment_id!r}.")

    def _credit_note(self, request: HttpRequest, object_id: str, note_id: str) -> Paper:
        invoice = self._shown_invoice(request, object_id)
        for note in invoice.credit_notes.select_related("invoice__customer"):
            if str(note.pk) == note_id:
                return credit_note_paper(note)
        raise Http404(f"The invoice has no credit note {note_id!r}.")

    def _shown_invoice(self, request: HttpRequest, object_id: str) -> Invoice:
        invoice: Invoice | None = self.get_object(request, unquote(object_id))
        if invoice is None or not self.has_view_permission(request, invoice):
            raise Http404("Invoice not found.")
        return invoice


def _page(request: HttpRequest, paper: Paper) -> HttpResponse:
    return TemplateResponse(request, "billing/paper.html", {"paper": paper})


def _file(paper: Paper) -> HttpResponse:
    disposition = f'attachment; filename="{paper.file_name}"'
    return HttpResponse(
        to_pdf(paper), content_type="application/pdf", headers={"Content-Disposition": disposition}
    )
