"""Issue an invoice, record and reverse payments, credit, void, and mark uncollectible: the figures before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.timezone import localdate, make_aware

from billing.formats import money
from billing.invoices.credit_notes import credit_note, creditable, to_return
from billing.invoices.issue import issue_invoice
from billing.invoices.locking import CannotChangeInvoice, locked_invoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.void import mark_uncollectible, void_invoice
from billing.models import Invoice, Payment
from billing.rules.money import from_minor, to_minor
from billing.sheets.fields import day_field, focus, text_field
from billing.sheets.figures import change_line
from customers import clock
from customers.formats import day, page_of
from customers.models import Customer
from customers.sheets import Act, Block, Changed, Done, Preview, Refused, SheetForm, Target

_FIRST_YEAR = 1970
#: Statuses of invoices with nothing due, even if no payment was recorded here.
_SETTLED = {Invoice.Status.VOID, Invoice.Status.PAID}
REVERSE = ("billing.add_paymentreversal", "billing.view_invoice")


class InvoiceForm(SheetForm):
    """The form of an act on `invoice`. It has no fields of its own."""

    def __init__(self, invoice: Invoice, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.invoice = invoice


class _AmountForm(InvoiceForm):
    """An amount of money in the currency of the invoice."""

    amount = forms.DecimalField(
        max_digits=25,
        decimal_places=10,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"].unit = self.invoice.currency  # type: ignore[attr-defined]
        self.fields["amount"].initial = f"{from_minor(self.default_amount(), self.invoice.currency):f}"
        focus(self, "amount")

    def clean_amount(self) -> int:
        """The amount in minor units."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            return to_minor(amount, self.invoice.currency)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error

    def default_amount(self) -> int:
        """The initial value of the amount, in minor units."""
        raise NotImplementedError


class PaymentForm(_AmountForm):
    """What was received, when, and under which reference."""

    pairs = (("received_on", "reference"),)

    received_on = day_field("Received on", help_text="The day the money arrived.")
    reference = text_field(
        "Reference", max_length=255, required=False, help_text="For example, the bank reference."
    )

    def __init__(self, invoice: Invoice, others: Sequence[Invoice], *args: Any, **options: Any) -> None:
        super().__init__(invoice, *args, **options)
        self.fields["received_on"].initial = localdate().isoformat()
        if others:
            choices = [
                (str(each.pk), f"{each}, {money(max(0, each.due), each.currency)} due") for each in others
            ]
            self.fields["invoice"] = forms.ChoiceField(
                label="Invoice", choices=choices, initial=str(invoice.pk)
            )
            self.order_fields(["invoice", "amount"])

    def default_amount(self) -> int:
        """What is due."""
        return max(0, self.invoice.due)

    def clean_amount(self) -> int:
        """The amount in minor units. One below 0 would reverse a payment, which has a sheet of its own."""
        amount = super().clean_amount()
        if amount <= 0:
            raise ValidationError(
                "Enter an amount above 0. If a payment bounced or was a mistake, reverse it."
            )
        return amount

    def clean_received_on(self) -> date:
        """A day that isn't in the future."""
        received: date = self.cleaned_data["received_on"]
        if received > localdate() or received.year < _FIRST_YEAR:
            raise ValidationError(f"Enter a day from {_FIRST_YEAR} to today.")
        return received

    def paid_at(self) -> datetime:
        """The time of the payment: now if it was received today, else the start of the day."""
        received: date = self.cleaned_data["received_on"]
        return clock.now() if received == localdate() else make_aware(datetime.combine(received, time.min))


class CreditForm(_AmountForm):
    """What is credited, and why."""

    reason = text_field("Reason", help_text="Printed on the credit note.")

    def default_amount(self) -> int:
        """All that can be credited."""
        return max(0, creditable(self.invoice))


class ReversalForm(InvoiceForm):
    """Which payment is reversed, and why."""

    payment = forms.ChoiceField(label="Payment")
    reason = text_field("Reason", help_text="For example, the bank returned it.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.payments = {str(each.pk): each for each in self.invoice.payments.counted()}
        field: Any = self.fields["payment"]
        field.choices = [(key, self._named(each)) for key, each in self.payments.items()]
        if len(field.choices) != 1:
            field.choices = [("", "Choose a payment"), *field.choices]
        field.error_messages["invalid_choice"] = "Choose another payment. This one was reversed."
        focus(self, "reason" if len(self.payments) == 1 else "payment")

    def _named(self, payment: Payment) -> str:
        reference = f" ({payment.reference})" if payment.reference else ""
        return f"{money(payment.amount, self.invoice.currency)}, {day(payment.paid_at)}{reference}"


class InvoiceAct(Act):
    """An act on an invoice: it is really done and rolled back for the preview, then done if nothing has changed."""

    models: ClassVar[tuple[Any, ...]] = (Invoice,)
    permissions: ClassVar[tuple[str, ...]] = ("billing.change_invoice", "billing.view_invoice")
    refusals: ClassVar[tuple[type[Exception], ...]] = (CannotChangeInvoice,)

    def run(self, form: Any) -> Done:
        """Do it and report it."""
        raise NotImplementedError

    def button(self, form: Any) -> str:
        """The button that does it."""
        return self.verb

    def home(self) -> str:
        """The invoice's own page, or the customer's."""
        return page_of(self.row) if isinstance(self.row, Invoice) else super().home()

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> Any:
        """A form without fields."""
        return InvoiceForm(self.row, data, initial=initial)

    def target(self, form: Any) -> Target:
        """The invoice, with what is due on it."""
        invoice: Invoice = form.invoice
        due = f"{money(_due(invoice), invoice.currency)} due" if _due(invoice) else ""
        until = f"Due {day(invoice.due_at)}" if invoice.due_at else ""
        return Target(str(invoice), " · ".join(part for part in (due, until) if part))

    def preview(self, form: Any) -> Preview:
        """The figures of the invoice before and after."""
        invoice: Invoice = form.invoice
        before = _figures(invoice)
        with transaction.atomic():
            self.run(form)
            after = _figures(Invoice.objects.get(pk=invoice.pk))
            transaction.set_rollback(True)
        invoice.refresh_from_db()
        lines = [
            change_line(name, was, after[name])
            for name, was in before.items()
            if was != after[name] or name in ("Total", "Amount due")
        ]
        return Preview(button=self.button(form), blocks=[Block("Preview", lines)], seen=_state(invoice))

    def do(self, form: Any, seen: str) -> Done:
        """Do it if the invoice is still the same."""
        with transaction.atomic():
            if _state(locked_invoice(form.invoice)) != seen:
                raise Changed
            return self.run(form)


class RecordPayment(InvoiceAct):
    """Record money that was received; from a customer, choose the invoice first."""

    name = "record-payment"
    title = "Record payment"
    about = "Records money that you received. Nothing is charged."
    verb = "Record payment"
    permissions = ("billing.add_payment", "billing.view_invoice", "billing.view_payment")
    models = (Invoice, Customer)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> PaymentForm:
        """The form with the amount that is due."""
        if isinstance(self.row, Invoice):
            return PaymentForm(self.row, [], data, initial=initial)
        rows = Invoice.objects.unpaid().filter(customer=self.row, removed_at=None, imported=False)
        unpaid = [each for each in rows.order_by("due_at", "pk") if each.number]
        if not unpaid:
            raise Refused("This customer has no unpaid invoice that was issued here.")
        sent = (None if data is None else data.get("invoice")) or initial.get("invoice", "")
        chosen = next((each for each in unpaid if str(each.pk) == sent), unpaid[0])
        return PaymentForm(chosen, unpaid if len(unpaid) > 1 else [], data, initial=initial)

    def button(self, form: PaymentForm) -> str:
        """With the amount."""
        return f"Record {money(form.cleaned_data['amount'], form.invoice.currency)}"

    def run(self, form: PaymentForm) -> Done:
        """Record it."""
        invoice = form.invoice
        payment = record_payment(
            invoice,
            form.cleaned_data["amount"],
            paid_at=form.paid_at(),
            reference=form.cleaned_data["reference"],
            done_by=self.by,
        )
        return Done(
            message=f"Recorded a payment of {money(payment.amount, invoice.currency)} on {invoice}.",
            undo_url=reverse("undo-payment", args=[payment.pk]),
        )


class ReversePayment(InvoiceAct):
    """Reverse a payment that bounced or was a mistake."""

    name = "reverse-payment"
    title = "Reverse payment"
    about = "The payment stays in the list, and its amount is due again."
    verb = "Reverse payment"
    permissions = REVERSE
    is_dangerous = True

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ReversalForm:
        """The form with the payments that count."""
        return ReversalForm(self.row, data, initial=initial)

    def button(self, form: ReversalForm) -> str:
        """With the amount."""
        payment = form.payments[form.cleaned_data["payment"]]
        return f"Reverse {money(payment.amount, form.invoice.currency)}"

    def run(self, form: ReversalForm) -> Done:
        """Reverse it."""
        payment = form.payments[form.cleaned_data["payment"]]
        reverse_payment(payment, reason=form.cleaned_data.get("reason") or "Preview", done_by=self.by)
        amount = money(payment.amount, form.invoice.currency)
        return Done(message=f"Reversed the payment of {amount} on {form.invoice}.")


class Credit(InvoiceAct):
    """Issue a credit note."""

    name = "credit"
    title = "Issue credit note"
    about = (
        "Reduces the amount due, tax included. The invoice itself doesn't change, and no money is refunded."
    )
    verb = "Issue credit note"
    permissions = ("billing.add_creditnote", "billing.view_invoice")

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> CreditForm:
        """The form with all that can be credited."""
        return CreditForm(self.row, data, initial=initial)

    def button(self, form: CreditForm) -> str:
        """With the amount."""
        return f"Credit {money(form.cleaned_data['amount'], form.invoice.currency)}"

    def run(self, form: CreditForm) -> Done:
        """Issue it."""
        currency = form.invoice.currency
        note = credit_note(
            form.invoice,
            form.cleaned_data["amount"],
            reason=form.cleaned_data.get("reason") or "Preview",
            done_by=self.by,
        )
        message = f"Issued credit note {note.number} for {money(note.total, currency)}."
        if refund := to_return(note.invoice):
            message += f" Refund {money(refund, currency)} to the customer. Clientele doesn't move money."
        return Done(message=message)


class Issue(InvoiceAct):
    """Issue a draft."""

    name = "issue"
    title = "Issue invoice"
    about = "Adds the number, discounts and tax. An issued invoice can't be changed."
    verb = "Issue invoice"

    def run(self, form: InvoiceForm) -> Done:
        """Issue it."""
        return Done(message=f"Issued {issue_invoice(form.invoice, done_by=self.by).number}.")


class Void(InvoiceAct):
    """Void an invoice that was a mistake."""

    name = "void"
    title = "Void invoice"
    about = (
        "Cancels an invoice that was a mistake. Nothing is due, and its discounts and credits can be used again. Credit"
        " that it carried over is removed. You can't undo this."
    )
    verb = "Void invoice"
    is_dangerous = True

    def run(self, form: InvoiceForm) -> Done:
        """Void it."""
        return Done(message=f"Voided {void_invoice(form.invoice, done_by=self.by)}.")


class Uncollectible(InvoiceAct):
    """Mark an invoice uncollectible."""

    name = "uncollectible"
    title = "Mark uncollectible"
    about = "Marks an invoice that you don't expect to be paid. You can still record a payment."
    verb = "Mark uncollectible"
    is_dangerous = True

    def run(self, form: InvoiceForm) -> Done:
        """Mark it."""
        return Done(message=f"Marked {mark_uncollectible(form.invoice, done_by=self.by)} uncollectible.")


def undo_payment(request: HttpRequest, payment: Payment) -> Done:
    """Reverse a payment that was just recorded. Raises `CannotChangeInvoice`."""
    reverse_payment(payment, reason="Undone", done_by=request.user.get_username())
    amount = money(payment.amount, payment.invoice.currency)
    return Done(message=f"Reversed the payment of {amount} on {payment.invoice}.")


def _due(invoice: Invoice) -> int:
    return 0 if invoice.status in _SETTLED else max(0, invoice.due)


def _state(invoice: Invoice) -> str:
    return f"{invoice.status} {invoice.total} {invoice.paid} {invoice.credited}"


def _figures(invoice: Invoice) -> dict[str, str]:
    amounts = {
        "Total": invoice.total,
        "Paid": invoice.paid,
        "Credited": invoice.credited,
        "Amount due": _due(invoice),
        "Refund due": to_return(invoice),
    }
    status = dict(Invoice.Status.choices).get(invoice.status, invoice.status)
    return {
        "Status": str(status),
        **{name: money(value, invoice.currency) for name, value in amounts.items()},
    }
