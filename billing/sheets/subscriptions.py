"""Attach a plan, and change, cancel, keep or extend a subscription, each with its invoice and its changes ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, ClassVar

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.timezone import make_aware

from billing.formats import money
from billing.models import Invoice, InvoiceLine, Subscription
from billing.revenue.monthly import revenue_of
from billing.rules.figures import Figures
from billing.rules.monthly_value import RecurringRevenue
from billing.sheets.fields import end_of
from billing.sheets.figures import change_line
from billing.sheets.platform import notes_on_platform, timing_of, withdrawal_of
from billing.sheets.subscription_forms import AttachForm, CancelForm, ChangeForm, ExtendForm, named, price_of
from billing.subscriptions import (
    CannotBill,
    CannotSubscribe,
    Result,
    attach_plan,
    cancel_subscription,
    change_plan,
    extend_trial,
    record_cancellation,
    record_change,
    uncancel_subscription,
)
from billing.subscriptions.dry_run import Preview as DryRun
from billing.subscriptions.dry_run import apply_previewed, preview_of
from customers import clock
from customers.formats import day, moment, number, page_of
from customers.models import Customer
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm, Target

CHANGE = ("billing.change_subscription", "billing.view_subscription")
REFUSALS = (CannotSubscribe, CannotBill)


class SubscriptionAct(Act):
    """An act on subscriptions: a subclass says what it does, and this previews it and does it."""

    models: ClassVar[tuple[Any, ...]] = (Subscription,)
    permissions: ClassVar[tuple[str, ...]] = CHANGE
    refusals: ClassVar[tuple[type[Exception], ...]] = REFUSALS

    def run(self, form: Any) -> Result:
        """Do it, at the moment of the preview."""
        raise NotImplementedError

    def button(self, form: Any, found: DryRun) -> str:
        """The button that does it; with the price if it is billed now."""
        billed = _billed(found)
        return f"{self.named(form)} for {billed}" if billed else self.named(form)

    def named(self, form: Any) -> str:
        """The button without a price."""
        return self.title

    def home(self) -> str:
        """The subscription's own page, or the customer's."""
        return page_of(self.row) if isinstance(self.row, Subscription) else super().home()

    def target(self, form: Any) -> Target | None:
        """The subscription with its price and its next renewal."""
        return _target(self.row) if isinstance(self.row, Subscription) else None

    def preview(self, form: Any) -> Preview:
        """The invoice of today, what changes, and what the verb reports."""
        was, then = _mrr(self.customer), {}

        def run() -> Result:
            result = self.run(form)
            then.update(_mrr(self.customer))
            return result

        found = preview_of(self.customer, run)
        return Preview(
            button=self.button(form, found),
            blocks=[
                *(Block(_invoice_title(*each), invoice_lines(*each)) for each in found.invoices),
                Block(
                    "Changes",
                    [*_status_lines(found), *_mrr_lines(was, then), *_balance_lines(found)]
                    or [Line("Balances", "No change")],
                    "" if found.invoices else "No invoice",
                ),
            ],
            notes=found.messages,
            seen=found.digest,
        )

    def do(self, form: Any, seen: str) -> Done:
        """Do it if its effects are still those of the preview."""
        found, is_done = apply_previewed(self.customer, lambda: self.run(form), seen)
        if not is_done:
            raise Changed
        return Done(message=" ".join(found.messages), undo_url=self.undo(form))

    def undo(self, form: Any) -> str:
        """Where it is undone; empty if it can't be."""
        return ""


class Attach(SubscriptionAct):
    """Attach a plan to a customer."""

    name = "attach"
    title = "Attach plan"
    about = (
        "Grants what the plan includes and bills its price. It replaces the customer's plan of the same group; an"
        " add-on is attached in addition."
    )
    verb = "Attach plan"
    permissions = ("billing.add_subscription", "billing.view_subscription", "customers.view_customer")
    models = (Customer,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> AttachForm:
        """The form with the plans that are sold."""
        return AttachForm(self.row, data, initial=initial)

    def run(self, form: AttachForm) -> Result:
        """Attach the plan."""
        values = form.cleaned_data
        starts = values["starts"]
        return attach_plan(
            self.customer,
            form.chosen,
            quantity=values["quantity"],
            prepaid=form.units(),
            entity=form.entities.get(values.get("entity") or ""),
            at=self.at if starts is None else make_aware(datetime.combine(starts, time.min)),
            with_trial=values["with_trial"],
            currency=form.currency(),
            done_by=self.by,
        )

    def named(self, form: AttachForm) -> str:
        """The plan that is attached."""
        return f"Attach {form.chosen}"


class ChangePlan(SubscriptionAct):
    """Move a subscription to another plan or quantity; from a customer, choose the subscription first.

    If the billing platform bills it, the change is recorded as one to make there.
    """

    name = "change-plan"
    title = "Change plan"
    verb = "Change plan"
    models = (Subscription, Customer)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ChangeForm:
        """The form with the plans that are sold, of the subscription that is chosen."""
        others = self._active() if isinstance(self.row, Customer) else [self.row]
        if not others:
            raise Refused("Attach a plan first. This customer has no active subscription.")
        sent = (None if data is None else data.get("subscription")) or initial.get("subscription", "")
        self.subscription = next((each for each in others if str(each.pk) == sent), others[0])
        return ChangeForm(self.subscription, others if len(others) > 1 else [], data, initial=initial)

    def target(self, form: ChangeForm) -> Target:
        """The subscription as it is now."""
        return _target(self.subscription)

    def notes(self, form: ChangeForm) -> Sequence[str]:
        """What is done instead if the billing platform bills it, and what waits there already."""
        return notes_on_platform(self.subscription, "change")

    def run(self, form: ChangeForm) -> Result:
        """Change the plan."""
        values = form.cleaned_data
        if not self.subscription.billed_here:
            return record_change(
                self.subscription,
                form.chosen,
                quantity=values["quantity"],
                timing=timing_of(values["when"]),
                at=self.at,
                done_by=self.by,
            )
        return change_plan(
            self.subscription,
            form.chosen,
            quantity=values["quantity"],
            prepaid=form.units(),
            at=self.at,
            at_once={"at_once": True, "at_period_end": False}.get(values["when"]),
            currency=form.currency(),
            done_by=self.by,
        )

    def named(self, form: ChangeForm) -> str:
        """The plan that it changes to."""
        if not self.subscription.billed_here:
            return f"Request change to {form.chosen}"
        return f"Change to {form.chosen}"

    def undo(self, form: ChangeForm) -> str:
        """A change on the platform can be withdrawn."""
        return withdrawal_of(self.subscription)

    def _active(self) -> list[Subscription]:
        """The customer's active subscriptions, those that are billed here first."""
        rows = Subscription.objects.active().filter(customer=self.customer)
        order = ("-billed_here", "add_on", "position", "pk")
        return list(rows.select_related("customer", "plan", "entity").order_by(*order))


class Cancel(SubscriptionAct):
    """Cancel a subscription at period end or immediately.

    If the billing platform bills it, the cancellation is recorded as one to make there.
    """

    name = "cancel"
    title = "Cancel subscription"
    about = "Canceling doesn't refund past charges. To refund, issue a credit note."
    verb = "Cancel subscription"
    way_out = "Keep subscription"
    is_dangerous = True

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> CancelForm:
        """The form with the moments at which it can end."""
        return CancelForm(self.row, data, initial=initial)

    def run(self, form: CancelForm) -> Result:
        """Cancel it."""
        when = form.cleaned_data.get("when", "")
        if not self.row.billed_here:
            return record_cancellation(self.row, timing=timing_of(when), at=self.at, done_by=self.by)
        at_once = when == "at_once"
        return cancel_subscription(self.row, at=self.at, at_once=at_once, done_by=self.by)

    def notes(self, form: CancelForm) -> Sequence[str]:
        """What is done instead if the billing platform bills it, and what waits there already."""
        return notes_on_platform(self.row, "cancel")

    def named(self, form: CancelForm) -> str:
        """What is done here: it is canceled, or that is requested."""
        return self.title if self.row.billed_here else "Request cancellation"

    def undo(self, form: CancelForm) -> str:
        """What ends at period end can be kept; a cancellation on the platform can be withdrawn."""
        if not self.row.billed_here:
            return withdrawal_of(self.row)
        is_later = form.cleaned_data.get("when") == "at_period_end"
        return reverse("undo-cancel", args=[self.row.pk]) if is_later else ""


class Keep(SubscriptionAct):
    """Remove a cancellation."""

    name = "keep"
    title = "Keep subscription"
    about = "Removes the cancellation, so the subscription renews. A scheduled replacement is dropped."
    verb = "Keep subscription"

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> SheetForm:
        """A form without fields."""
        return SheetForm(data, initial=initial)

    def run(self, form: SheetForm) -> Result:
        """Keep it."""
        return uncancel_subscription(self.row, at=self.at, done_by=self.by)


class ExtendTrial(SubscriptionAct):
    """Let a trial last longer."""

    name = "extend-trial"
    title = "Extend trial"
    about = "Billing starts when the trial ends."
    verb = "Extend trial"

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ExtendForm:
        """The form with the last day."""
        return ExtendForm(data, initial=initial)

    def run(self, form: ExtendForm) -> Result:
        """Extend it."""
        until = end_of(form.cleaned_data["last_day"])
        if until is None:
            raise Refused("Enter the last day of the trial.")
        return extend_trial(self.row, until, at=self.at, done_by=self.by)


def undo_cancel(request: HttpRequest, subscription: Subscription) -> Done:
    """Keep a subscription that was just canceled. Raises `CannotSubscribe`."""
    result = uncancel_subscription(subscription, at=clock.now(), done_by=request.user.get_username())
    return Done(message=" ".join(result.messages))


def invoice_lines(invoice: Invoice, lines: Sequence[InvoiceLine]) -> list[Line]:
    """The lines of an invoice and its total."""
    return [
        *(Line(line.description, money(line.amount, invoice.currency)) for line in lines),
        Line("Total", money(invoice.total, invoice.currency), is_total=True),
    ]


def _target(subscription: Subscription) -> Target:
    renews = subscription.current_period_end
    parts = [
        price_of(subscription.plan, subscription.billing_currency),
        "Billed here" if subscription.billed_here else "Billed by the billing platform",
        f"Renews {day(renews)}" if renews is not None and subscription.expires_at is None else "",
        f"Ends {day(subscription.expires_at)}" if subscription.expires_at is not None else "",
    ]
    return Target(named(subscription), " · ".join(part for part in parts if part))


def _billed(found: DryRun) -> str:
    """What is billed now; empty if nothing is."""
    totals = [money(invoice.total, invoice.currency) for invoice, _ in found.invoices if invoice.total > 0]
    return " and ".join(totals)


def _invoice_title(invoice: Invoice, lines: Sequence[InvoiceLine]) -> str:
    if not invoice.total or invoice.due_at is None:
        return "Invoice today"
    return f"Invoice today, due {day(invoice.due_at)}"


def _status_lines(found: DryRun) -> list[Line]:
    """For each subscription that changes: what it is, and from when or until when."""
    lines = []
    for before, after in found.subscriptions:
        was = "" if before is None else _words(before)
        name = named(after) if before is None or before.plan == after.plan else named(before)
        value = (
            _words(after)
            if before is None or before.plan == after.plan
            else f"{named(after)}, {_words(after)}"
        )
        if was != value:
            lines.append(Line(name, value, was))
    return lines


def _words(subscription: Subscription) -> str:
    status = subscription.status
    if status == Subscription.Status.ENDED:
        return f"Ended {moment(subscription.expires_at)}"
    if status == Subscription.Status.SCHEDULED:
        return f"Starts {day(subscription.started_at)}"
    if subscription.expires_at is not None:
        return f"Ends {day(subscription.expires_at)}"
    if (
        subscription.trial_ends_at is not None
        and subscription.trial_ends_at == subscription.current_period_end
    ):
        return f"Trial until {day(subscription.trial_ends_at)}"
    if subscription.current_period_end is not None:
        return f"Renews {day(subscription.current_period_end)}"
    return subscription.get_status_display()


def _mrr(customer: Customer) -> dict[str, RecurringRevenue]:
    return revenue_of([str(customer.pk)]).get(str(customer.pk), {})


def _mrr_lines(was: dict[str, RecurringRevenue], then: dict[str, RecurringRevenue]) -> list[Line]:
    lines = []
    for currency in {**was, **then}:
        before = was[currency].mrr if currency in was else 0
        after = then[currency].mrr if currency in then else 0
        if before != after:
            lines.append(Line("Customer MRR", money(after, currency), money(before, currency)))
    return lines


def _balance_lines(found: DryRun) -> list[Line]:
    return [change_line(name, _granted(before), _granted(after)) for name, before, after in found.balances]


def _granted(figures: Figures) -> str:
    return "Unlimited" if figures.unlimited else number(figures.granted)
