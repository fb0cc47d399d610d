"""What people do with an invoice in the admin: each asks, shows what would come of it, and does it."""

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
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.formats import money
from billing.invoices.credit_notes import credit_note, creditable, to_return
from billing.invoices.issue import issue_invoice
from billing.invoices.locking import CannotChangeInvoice, locked_invoice
from billing.invoices.payments import record_payment
from billing.invoices.void import mark_uncollectible, void_invoice
from billing.models import Invoice
from billing.rules.money import from_minor, to_minor
from customers import clock
from customers.admin.base import RecordAdmin

_FIRST_YEAR = 1970
#: Of what nothing is still to be paid, whatever of it was paid here.
_SETTLED = {Invoice.Status.VOID, Invoice.Status.PAID}
_CHANGED = "Somebody else has changed the invoice meanwhile. Look at the figures below, and confirm again."


class InvoiceActionForm(forms.Form):
    """What has to be known to do it; `seen` is the state of the invoice that the person saw."""

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
        self.fields["amount"].help_text = f"In {self.invoice.currency}, such as {self._whole():f}."
        self.fields["amount"].initial = f"{self._whole():f}"

    def clean_amount(self) -> int:
        """The amount in minor units."""
        try:
            return to_minor(self.cleaned_data["amount"], self.invoice.currency)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error

    def _whole(self) -> Decimal:
        return from_minor(self.usual(), self.invoice.currency)

    def usual(self) -> int:
        """What most people would enter, in minor units."""
        raise NotImplementedError


class _PaymentForm(_AmountForm):
    received_on = forms.DateField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), help_text="When the money was there."
    )
    reference = forms.CharField(
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as the bank's reference.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["received_on"].initial = localdate().isoformat()

    def usual(self) -> int:
        """All that is due."""
        return max(0, self.invoice.due)

    def clean_received_on(self) -> date:
        """A day that has been."""
        day: date = self.cleaned_data["received_on"]
        if day > localdate() or day.year < _FIRST_YEAR:
            raise ValidationError(f"Enter a day from {_FIRST_YEAR} to today.")
        return day

    def paid_at(self) -> datetime:
        """Now for today, the beginning of any other day."""
        day: date = self.cleaned_data["received_on"]
        return clock.now() if day == localdate() else make_aware(datetime.combine(day, time.min))


class _CreditNoteForm(_AmountForm):
    reason = forms.CharField(
        max_length=500, widget=UnfoldAdminTextInputWidget(), help_text="Printed on the credit note."
    )

    def usual(self) -> int:
        """All that is left to be credited."""
        return max(0, creditable(self.invoice))


@dataclass(frozen=True, slots=True)
class InvoiceAction:
    """One thing that can be done: how it is asked for, and the verb, which answers what is to be said then."""

    title: str
    explanation: str
    button: str
    form: type[InvoiceActionForm]
    do: Callable[[Invoice, Any, str], str]


def _pay(invoice: Invoice, form: _PaymentForm, by: str) -> str:
    payment = record_payment(
        invoice,
        form.cleaned_data["amount"],
        paid_at=form.paid_at(),
        reference=form.cleaned_data["reference"],
        done_by=by,
    )
    return f"{money(payment.amount, invoice.currency)} was recorded as paid on {invoice}."


def _credit(invoice: Invoice, form: _CreditNoteForm, by: str) -> str:
    note = credit_note(invoice, form.cleaned_data["amount"], reason=form.cleaned_data["reason"], done_by=by)
    said = f"Credit note {note.number} over {money(note.total, invoice.currency)} was written."
    back = to_return(note.invoice)
    if back:
        said += f" {money(back, invoice.currency)} is to be returned to the customer; nothing here moves it."
    return said


def _issue(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"{issue_invoice(invoice, done_by=by).number} was issued."


def _void(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"{void_invoice(invoice, done_by=by)} is void."


def _give_up(invoice: Invoice, form: InvoiceActionForm, by: str) -> str:
    return f"{mark_uncollectible(invoice, done_by=by)} is given up as uncollectible."


_PAYMENT = InvoiceAction(
    "Record a payment",
    "Notes money that was received. Nothing is charged or moved.",
    "Record the payment",
    _PaymentForm,
    _pay,
)
_CREDIT_NOTE = InvoiceAction(
    "Write a credit note",
    "Takes an amount, tax included, off the invoice, which itself never changes. Nothing is paid back.",
    "Write the credit note",
    _CreditNoteForm,
    _credit,
)
_ISSUE = InvoiceAction(
    "Issue the invoice",
    "Gives it its number, discounts and tax. From then on it never changes.",
    "Issue it",
    InvoiceActionForm,
    _issue,
)
_VOID = InvoiceAction(
    "Void the invoice",
    "Declares that it should not have been: nothing is due, and discounts that it used can be used again. This"
    " cannot be undone.",
    "Void it",
    InvoiceActionForm,
    _void,
)
_GIVE_UP = InvoiceAction(
    "Mark as uncollectible",
    "Declares that its money is not expected any more. A payment can still be recorded.",
    "Mark it",
    InvoiceActionForm,
    _give_up,
)


class InvoiceActions(RecordAdmin):
    """The pages on which somebody works on one invoice."""

    actions_detail = [
        "issue",
        "record_payment",
        "print_page",
        {"title": "More", "items": ["write_credit_note", "void", "mark_uncollectible"]},
    ]

    @action(description=_ISSUE.title, url_path="issue", icon="send", permissions=["work_on"])
    def issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Issue a draft."""
        return self._ask(request, object_id, _ISSUE)

    @action(
        description=_PAYMENT.title,
        url_path="record-payment",
        icon="payments",
        permissions=["record_payment"],
    )
    def record_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Record a payment."""
        return self._ask(request, object_id, _PAYMENT)

    @action(description=_CREDIT_NOTE.title, url_path="credit", icon="undo", permissions=["write_credit_note"])
    def write_credit_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Write a credit note."""
        return self._ask(request, object_id, _CREDIT_NOTE)

    @action(description=_VOID.title, url_path="void", icon="block", permissions=["work_on"])
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Void the invoice."""
        return self._ask(request, object_id, _VOID)

    @action(description=_GIVE_UP.title, url_path="uncollectible", icon="money_off", permissions=["work_on"])
    def mark_uncollectible(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the invoice's money up."""
        return self._ask(request, object_id, _GIVE_UP)

    def has_record_payment_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may add payments."""
        return request.user.has_perm("billing.add_payment")

    def has_write_credit_note_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may add credit notes."""
        return request.user.has_perm("billing.add_creditnote")

    def has_work_on_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change invoices: their state, that is, since nobody changes what they say."""
        return request.user.has_perm("billing.change_invoice")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Those that the state of the invoice lets one do."""
        invoice = self.get_object(request, unquote(str(object_id)))
        fitting = () if invoice is None else _fitting(invoice)
        names = {f"billing_invoice_{name}" for name in fitting}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    def _ask(self, request: HttpRequest, object_id: str, step: InvoiceAction) -> HttpResponse:
        invoice = self.get_object(request, unquote(object_id))
        if invoice is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return elsewhere
        back = reverse("admin:billing_invoice_change", args=[quote(invoice.pk)])
        is_plain = step.form is InvoiceActionForm
        form = step.form(request.POST if request.method == "POST" else None, invoice=invoice)
        after: Sequence[tuple[str, str]] = ()
        try:
            if request.method == "POST" and form.is_valid() and "confirm" in request.POST:
                said = _do(step, invoice, form, request)
                self.message_user(request, said, messages.SUCCESS)
                return HttpResponseRedirect(back)
            if form.is_valid() or is_plain:
                after = _tried(step, invoice, form, request)
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
                "title": f"{step.title}: {invoice}",
                "step": step,
                "form": form,
                "back": back,
                "seen": _state(invoice),
                "figures": _beside(_figures(invoice), after),
                "is_previewed": bool(after),
            },
        )


def _do(step: InvoiceAction, invoice: Invoice, form: InvoiceActionForm, request: HttpRequest) -> str:
    with transaction.atomic():
        if _state(locked_invoice(invoice)) != form.cleaned_data["seen"]:
            raise CannotChangeInvoice(_CHANGED)
        return step.do(invoice, form, request.user.get_username())


def _tried(
    step: InvoiceAction, invoice: Invoice, form: InvoiceActionForm, request: HttpRequest
) -> list[tuple[str, str]]:
    """The figures of the invoice as they would be afterwards; nothing is kept."""
    with transaction.atomic():
        step.do(invoice, form, request.user.get_username())
        after = _figures(Invoice.objects.get(pk=invoice.pk))
        transaction.set_rollback(True)
    return after


def _state(invoice: Invoice) -> str:
    return f"{invoice.status} {invoice.total} {invoice.paid} {invoice.credited}"


def _fitting(invoice: Invoice) -> list[str]:
    status, states = invoice.status, Invoice.Status
    if not invoice.number:
        is_ours = status == states.DRAFT and not invoice.imported
        return ["print_page", "issue", "void"] if is_ours else ["print_page"]
    fitting = ["print_page"]
    if status in (states.OPEN, states.UNCOLLECTIBLE):
        fitting.append("record_payment")
        if not invoice.paid and not invoice.credited:
            fitting.append("void")
    if status == states.OPEN:
        fitting.append("mark_uncollectible")
    if status in (states.OPEN, states.PAID, states.UNCOLLECTIBLE) and creditable(invoice) > 0:
        fitting.append("write_credit_note")
    return fitting


def _figures(invoice: Invoice) -> list[tuple[str, str]]:
    shown = {
        "Status": dict(Invoice.Status.choices).get(invoice.status, invoice.status),
        "Total": invoice.total,
        "Paid": invoice.paid,
        "Credited": invoice.credited,
        "Still to pay": 0 if invoice.status in _SETTLED else max(0, invoice.due),
        "To be returned": to_return(invoice),
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
