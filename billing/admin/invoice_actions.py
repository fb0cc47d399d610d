"""The links from the form of an invoice to the sheets that issue, credit, void or send it, and record its payments."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action

from billing.invoices.possible import possible_verbs
from customers.admin.base import RecordAdmin
from customers.sheets import act_url

_PAPERS = ("pdf", "print_page")
#: The actions of the form by the names of their acts.
_NAMES = {
    "issue": "issue",
    "record-payment": "record_payment",
    "send": "send_email",
    "credit": "write_credit_note",
    "reverse-payment": "reverse_payment",
    "void": "void",
    "uncollectible": "mark_uncollectible",
}


class InvoiceActions(RecordAdmin):
    """The actions on an invoice, each a link to its sheet."""

    actions_detail = [
        "issue",
        "record_payment",
        "send_email",
        *_PAPERS,
        {"title": "More", "items": ["write_credit_note", "reverse_payment", "void", "mark_uncollectible"]},
    ]

    @action(description="Issue invoice", url_path="issue", icon="send", permissions=["work_on"])
    def issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("issue", object_id)

    @action(
        description="Record payment",
        url_path="record-payment",
        icon="payments",
        permissions=["record_payment"],
    )
    def record_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("record-payment", object_id)

    @action(description="Send by email", url_path="send", icon="outgoing_mail", permissions=["send_email"])
    def send_email(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("send", object_id)

    @action(
        description="Issue credit note", url_path="credit", icon="undo", permissions=["write_credit_note"]
    )
    def write_credit_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("credit", object_id)

    @action(
        description="Reverse payment",
        url_path="reverse-payment",
        icon="money_off",
        permissions=["reverse_payment"],
    )
    def reverse_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("reverse-payment", object_id)

    @action(description="Void invoice", url_path="void", icon="block", permissions=["work_on"])
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("void", object_id)

    @action(
        description="Mark uncollectible", url_path="uncollectible", icon="money_off", permissions=["work_on"]
    )
    def mark_uncollectible(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _open("uncollectible", object_id)

    def has_record_payment_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_payment")

    def has_send_email_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_invoiceemail")

    def has_write_credit_note_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_creditnote")

    def has_reverse_payment_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_paymentreversal")

    def has_work_on_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        # The permission to change invoices means their status: their content never changes.
        return request.user.has_perm("billing.change_invoice")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the actions that fit the status of the invoice."""
        invoice = self.get_object(request, unquote(str(object_id)))
        available = () if invoice is None else (*_PAPERS, *(_NAMES[verb] for verb in possible_verbs(invoice)))
        names = {f"billing_invoice_{name}" for name in available}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]


def _open(act: str, object_id: str) -> HttpResponse:
    return HttpResponseRedirect(act_url(act, unquote(object_id)))
