"""The actions on an invoice in the admin: each has a form, a preview and a confirmation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localdate, make_aware
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from billing.formats import money
from billing.invoices.credit_notes import credit_note, creditable, to_return
from billing.invoices.issue import issue_invoice
from billing.invoices.locking import CannotChangeInvoice, locked_invoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.void import mark_uncollectible, void_invoice
from billing.models import Invoice, Payment
from billing.rules.money import from_minor, to_minor
from customers import clock
from customers.admin.base import RecordAdmin
from customers.formats import day

_FIRST_YEAR = 1970
_PAPERS = ["pdf", "print_page"]
#: Statuses of invoices with nothing due, even if no payment was recorded here.
_SETTLED = {Invoice.Status.VOID, Invoice.Status.PAID}
_CHANGED = "Review the figures and confirm again. Someone else just changed this invoice."


class InvoiceActionForm(forms.Form):
    """The form of an action that needs no input. `seen` is the state of the invoice when the page was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, invoice: Invoice, **options: Any) -> None:
        super().__init__(*args, **options)
        self.invoice = invoice


class _AmountForm(InvoiceActionForm):
    amount = forms.DecimalField(
        max_digits=25, decimal_places=10, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"].help_text = f"In {self.invoice.currency}, for example {self._default():f}."
        self.fields["amount"].initial = f"{self._default():f}"

    def clean_amount(self) -> int:
        """The amount in minor units."""
        try:
            return to_minor(self.cleaned_data["amount"], self.invoice.currency)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error

    def _default(self) -> Decimal:
        return from_minor(self.default_amount(), self.invoice.currency)

    def default_amount(self) -> int:
        """The initial value of the amount, in minor units."""
        raise NotImplementedError


class _PaymentForm(_AmountForm):
    received_on = forms.DateField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), help_text="The day the money arrived."
    )
    reference = forms.CharField(
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example, the bank reference.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["received_on"].initial = localdate().isoformat()

    def default_amount(self) -> int:
        return max(0, self.invoice.due)

    def clean_amount(self) -> int:
        """The amount in minor units. One below 0 would reverse a payment, which has a page of its own."""
        amount = super().clean_amount()
        if amount <= 0:
            raise ValidationError(
                "Enter an amount above 0. If a payment bounced or was a mistake, use Reverse payment."
            )
        return amount

    def clean_received_on(self) -> date:
        day: date = self.cleaned_data["received_on"]
        if day > localdate() or day.year < _FIRST_YEAR:
            raise ValidationError(f"Enter a day from {_FIRST_YEAR} to today.")
        return day

    def paid_at(self) -> datetime:
        """The time of the payment: now if it was received today, else the start of the day."""
        day: date = self.cleaned_data["received_on"]
        return clock.now() if day == localdate() else make_aware(datetime.combine(day, time.min))


class _CreditNoteForm(_AmountForm):
    reason = forms.CharField(
        max_length=500, widget=UnfoldAdminTextInputWidget(), help_text="Printed on the credit note."
    )

    def default_amount(self) -> int:
        return max(0, creditable(self.invoice))


class _PaymentField(forms.ModelChoiceField):
    def label_from_instance(self, payment: Payment) -> str:
        reference = f" ({payment.reference})" if payment.reference else ""
        return f"{money(payment.amount, payment.invoice.currency)}, {day(payment.paid_at)}{reference}"


class _ReversalForm(InvoiceActionForm):
    payment = _PaymentField(Payment.objects.none(), widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example, the bank returned it.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["payment"]
        choice.queryset = self.invoice.payments.counted().select_related("invoice")
        if len(choice.queryset) == 1:
            choice.initial = choice.queryset[0].pk


@dataclass(frozen=True, slots=True)
class InvoiceAction:
    """An action: its texts, its form, and the function that performs it and returns the success message."""

    title: str
    explanation: str
    button: str
    form: type[InvoiceActionForm]
    run: Callable[[Invoice, Any, str], str]


def _record_payment(invoice: Invoice, form: _PaymentForm, by: str) -> str:
    payment = record_payment(
        invoice,
        form.cleaned_data["amount"],
        paid_at=form.paid_at(),
        reference=form.cleaned_data["reference"],
        done_by=by,
    )
    return f"Recorded a payment of {money(payment.amount, invoice.currency)} on {invoice}."


def _reverse_payment(invoice: Invoice, form: _ReversalForm, by: str) -> str:
    payment: Payment = form.cleaned_data["payment"]
    reverse_payment(payment, reason=form.cleaned_data["reason"], done_by=by)
    return f"Reversed the payment of {money(payment.amount, invoice.currency)} on {invoice}."


def _credit(invoice: Invoice, form: _CreditNoteForm, by: str) -> str:
    note = credit_note(invoice, form.cleaned_data["amount"], reason=form.cleaned_data["reason"], done_by=by)
    message = f"Issued credit note {note.number} for {money(note.total, invoice.currency)}."
    refund = to_return(note.invoice)
    if refund:
        message += f" Refund {money(refund, invoice.currency)} to the customer. Clientele doesn't move money."
    return message


def _issue(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"Issued {issue_invoice(invoice, done_by=by).number}."


def _void(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"Voided {void_invoice(invoice, done_by=by)}."


def _mark_uncollectible(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"Marked {mark_uncollectible(invoice, done_by=by)} uncollectible."


_PAYMENT = InvoiceAction(
    "Record payment",
    "Records money that you received. Nothing is charged.",
    "Record payment",
    _PaymentForm,
    _record_payment,
)
_REVERSAL = InvoiceAction(
    "Reverse payment",
    "Reverses a payment that bounced or was a mistake. The payment stays in the list, and its amount is due again.",
    "Reverse payment",
    _ReversalForm,
    _reverse_payment,
)
_CREDIT_NOTE = InvoiceAction(
    "Issue credit note",
    "Reduces the amount due, tax included. The invoice itself doesn't change, and no money is refunded.",
    "Issue credit note",
    _CreditNoteForm,
    _credit,
)
_ISSUE = InvoiceAction(
    "Issue invoice",
    "Adds the number, discounts and tax. An issued invoice can't be changed.",
    "Issue invoice",
    InvoiceActionForm,
    _issue,
)
_VOID = InvoiceAction(
    "Void invoice",
    "Cancels an invoice that was a mistake. Nothing is due, and its discounts and credits can be used again. Credit that"
    " it carried over is removed. You can't undo this.",
    "Void invoice",
    InvoiceActionForm,
    _void,
)
_UNCOLLECTIBLE = InvoiceAction(
    "Mark uncollectible",
    "Marks an invoice that you don't expect to be paid. You can still record a payment.",
    "Mark uncollectible",
    InvoiceActionForm,
    _mark_uncollectible,
)


class InvoiceActions(RecordAdmin):
    """The pages of the actions on an invoice."""

    actions_detail = [
        "issue",
        "record_payment",
        "send_email",
        "pdf",
        "print_page",
        {"title": "More", "items": ["write_credit_note", "reverse_payment", "void", "mark_uncollectible"]},
    ]

    @action(description=_ISSUE.title, url_path="issue", icon="send", permissions=["work_on"])
    def issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _ISSUE)

    @action(
        description=_PAYMENT.title,
        url_path="record-payment",
        icon="payments",
        permissions=["record_payment"],
    )
    def record_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _PAYMENT)

    @action(description=_CREDIT_NOTE.title, url_path="credit", icon="undo", permissions=["write_credit_note"])
    def write_credit_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _CREDIT_NOTE)

    @action(
        description=_REVERSAL.title,
        url_path="reverse-payment",
        icon="money_off",
        permissions=["reverse_payment"],
    )
    def reverse_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _REVERSAL)

    @action(description=_VOID.title, url_path="void", icon="block", permissions=["work_on"])
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _VOID)

    @action(
        description=_UNCOLLECTIBLE.title, url_path="uncollectible", icon="money_off", permissions=["work_on"]
    )
    def mark_uncollectible(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._action_page(request, object_id, _UNCOLLECTIBLE)

    def has_record_payment_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("billing.add_payment")

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
        available = () if invoice is None else _available_actions(invoice)
        names = {f"billing_invoice_{name}" for name in available}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    def _action_page(self, request: HttpRequest, object_id: str, action: InvoiceAction) -> HttpResponse:
        invoice = self.get_object(request, unquote(object_id))
        if invoice is None:
            redirect: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return redirect
        back = reverse("admin:billing_invoice_change", args=[quote(invoice.pk)])
        is_plain = action.form is InvoiceActionForm
        form = action.form(
            request.POST if request.method == "POST" else None,
            invoice=invoice,
            # The link beside a payment chooses it.
            initial={"payment": request.GET["payment"]} if "payment" in request.GET else None,
        )
        after: Sequence[tuple[str, str]] = ()
        try:
            if request.method == "POST" and form.is_valid() and "confirm" in request.POST:
                message = _confirmed(action, invoice, form, request)
                self.message_user(request, message, messages.SUCCESS)
                return HttpResponseRedirect(back)
            if form.is_valid() or is_plain:
                after = _previewed(action, invoice, form, request)
        except CannotChangeInvoice as refused:
            if is_plain:
                self.message_user(request, str(refused), messages.ERROR)
                return HttpResponseRedirect(back)
            form.add_error(None, str(refused))
        invoice.refresh_from_db()
        return TemplateResponse(
            request,
            "billing/invoice_action.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"{action.title}: {invoice}",
                "action": action,
                "form": form,
                "back": back,
                "seen": _state(invoice),
                "figures": _beside(_figures(invoice), after),
                "is_previewed": bool(after),
            },
        )


def _confirmed(action: InvoiceAction, invoice: Invoice, form: InvoiceActionForm, request: HttpRequest) -> str:
    with transaction.atomic():
        if _state(locked_invoice(invoice)) != form.cleaned_data["seen"]:
            raise CannotChangeInvoice(_CHANGED)
        return action.run(invoice, form, request.user.get_username())


def _previewed(
    action: InvoiceAction, invoice: Invoice, form: InvoiceActionForm, request: HttpRequest
) -> list[tuple[str, str]]:
    """The figures of the invoice after the action, which is rolled back."""
    with transaction.atomic():
        action.run(invoice, form, request.user.get_username())
        after = _figures(Invoice.objects.get(pk=invoice.pk))
        transaction.set_rollback(True)
    return after


def _state(invoice: Invoice) -> str:
    return f"{invoice.status} {invoice.total} {invoice.paid} {invoice.credited}"


def _available_actions(invoice: Invoice) -> list[str]:
    status, states = invoice.status, Invoice.Status
    if not invoice.number:
        is_ours = status == states.DRAFT and not invoice.imported
        return [*_PAPERS, "issue", "void"] if is_ours else _PAPERS
    available = [*_PAPERS] if status == states.VOID else [*_PAPERS, "send_email"]
    if status in (states.OPEN, states.UNCOLLECTIBLE):
        available.append("record_payment")
        if not invoice.paid and not invoice.credited:
            available.append("void")
    if status == states.PAID and not invoice.total:
        available.append("void")
    if status != states.VOID and invoice.paid:
        available.append("reverse_payment")
    if status == states.OPEN:
        available.append("mark_uncollectible")
    if status in (states.OPEN, states.PAID, states.UNCOLLECTIBLE) and creditable(invoice) > 0:
        available.append("write_credit_note")
    return available


def _figures(invoice: Invoice) -> list[tuple[str, str]]:
    shown = {
        "Status": dict(Invoice.Status.choices).get(invoice.status, invoice.status),
        "Total": invoice.total,
        "Paid": invoice.paid,
        "Credited": invoice.credited,
        "Amount due": 0 if invoice.status in _SETTLED else max(0, invoice.due),
        "Refund due": to_return(invoice),
    }
    return [
        (name, money(value, invoice.currency) if isinstance(value, int) else str(value))
        for name, value in shown.items()
    ]


def _beside(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    then = dict(after)
    return [(name, value, then.get(name, "")) for name, value in before]
