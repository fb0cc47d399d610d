"""The forms that attach, change, cancel or extend; each calls its function in `billing.subscriptions`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localdate, make_aware
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from billing.formats import every, unit_price
from billing.models import Entity, Plan, PlanItem, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.subscriptions import (
    CannotSubscribe,
    Result,
    attach_plan,
    cancel_subscription,
    change_plan,
    extend_trial,
    uncancel_subscription,
)
from customers import clock
from customers.admin.fields import FigureFormField
from customers.formats import plain_text
from customers.models import Customer

#: How long a confirmed preview applies at the moment of the preview. An older one applies at the present moment.
_FRESH = timedelta(minutes=15)


class SubscribingForm(forms.Form):
    """The arguments of an operation on subscriptions.

    `at` is the moment of the preview, because prorated amounts change with time. `seen` is the digest of the preview.
    """

    #: The sentence above the form.
    explanation = ""
    #: The button that confirms the preview.
    button = ""
    #: The button that leaves the page.
    way_out = "Cancel"

    at = forms.Field(required=False, widget=forms.HiddenInput)
    seen = forms.Field(required=False, widget=forms.HiddenInput)

    def moment(self) -> datetime:
        """The moment of the confirmed preview; now if there is none or it is too old."""
        now = clock.now()
        try:
            at = parse_datetime(self.cleaned_data["at"] or "")
        except ValueError:
            return now
        if at is None or at.tzinfo is None or not now - _FRESH <= at <= now:
            return now
        return at

    def act(self, at: datetime, done_by: str) -> Result:
        """Perform the operation at the moment `at`. Raises `CannotSubscribe` or `CannotBill`."""
        raise NotImplementedError


class _PlanAndUnitsForm(SubscribingForm):
    """A plan, its quantity, and a field for each prepaid feature of the chosen plan."""

    plan = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    quantity = FigureFormField(max_digits=25, decimal_places=10, min_value=Decimal(0), initial=1)

    #: Prepaid units so far, by feature ID.
    current_units: dict[str, str] = {}

    def __init__(self, plans: Iterable[Plan], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.plans = {str(plan.pk): plan for plan in plans}
        field: Any = self.fields["plan"]
        field.choices = [("", "Choose a plan"), *((key, _named(plan)) for key, plan in self.plans.items())]
        field.error_messages["invalid_choice"] = "Choose another plan. This one isn't sold to this customer."
        chosen = self.plans.get(str(self["plan"].value() or ""))
        self.prepaid_items = {} if chosen is None else _prepaid_items(chosen)
        for name, item in self.prepaid_items.items():
            self._add_units(name, item)

    @property
    def chosen(self) -> Plan:
        return self.plans[self.cleaned_data["plan"]]

    def units(self) -> dict[str, Decimal]:
        """The prepaid units, by feature ID."""
        return {
            item.feature.feature_id: self.cleaned_data[name] or Decimal(0)
            for name, item in self.prepaid_items.items()
        }

    def _add_units(self, name: str, item: PlanItem) -> None:
        pack = plain_text(item.billing_units or 1)
        packs = "" if pack == "1" else f" Sold in packs of {pack}, rounded up."
        self.fields[name] = FigureFormField(
            label=f"Prepaid {item.feature}",
            required=False,
            min_value=Decimal(0),
            max_digits=25,
            decimal_places=10,
            initial=self.current_units.get(item.feature.feature_id, "0"),
            help_text=f"Units on top of the included ones.{packs}",
        )
        if self.is_bound and name not in self.data:
            # The plan was just chosen, so the field appears with the current units.
            data: Any = self.data
            self.data = data.copy()
            self.data[name] = self.fields[name].initial  # type: ignore[index]


class AttachForm(_PlanAndUnitsForm):
    explanation = (
        "Grants what the plan includes and bills its price. It replaces the customer's plan of the same group. An add-on"
        " is attached in addition."
    )
    button = "Attach plan"

    entity = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="One entity, or the whole customer.",
    )
    starts = forms.DateField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="A future day. Leave blank to start immediately.",
    )
    with_trial = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
        help_text="Start with the plan's trial, if the customer hasn't had it.",
    )

    def __init__(self, customer: Customer, *args: Any, **options: Any) -> None:
        self.customer = customer
        super().__init__(_plans_for(customer), *args, **options)
        entities = Entity.objects.filter(customer=customer, removed_at=None)
        self.entities = {str(entity.pk): entity for entity in entities.order_by("position", "pk")}
        field: Any = self.fields["entity"]
        field.choices = [
            ("", "Whole customer"),
            *((key, str(entity)) for key, entity in self.entities.items()),
        ]
        if not self.entities:
            del self.fields["entity"]

    def clean_starts(self) -> date | None:
        day: date | None = self.cleaned_data["starts"]
        if day is not None and day <= localdate():
            raise ValidationError("Choose a future day, or leave it blank to start immediately.")
        return day

    def act(self, at: datetime, done_by: str) -> Result:
        starts = self.cleaned_data["starts"]
        return attach_plan(
            self.customer,
            self.chosen,
            quantity=self.cleaned_data["quantity"],
            prepaid=self.units(),
            entity=self.entities.get(self.cleaned_data.get("entity") or ""),
            at=at if starts is None else make_aware(datetime.combine(starts, time.min)),
            with_trial=self.cleaned_data["with_trial"],
            done_by=done_by,
        )


class ChangeForm(_PlanAndUnitsForm):
    explanation = "Upgrades start now and are prorated. Downgrades start at the next renewal."
    button = "Change plan"

    when = forms.ChoiceField(
        required=False,
        choices=[
            ("", "By price"),
            ("at_once", "Immediately"),
            ("at_period_end", "At period end"),
        ],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        self.subscription = subscription
        self.current_units = subscription.prepaid_quantities
        initial = {"plan": str(subscription.plan_id), "quantity": subscription.quantity}
        plans = _plans_for(subscription.customer, subscription.plan)
        super().__init__(
            (plan for plan in plans if plan.price_interval != Interval.ONE_OFF),
            *args,
            initial=initial,
            **options,
        )

    def act(self, at: datetime, done_by: str) -> Result:
        return change_plan(
            self.subscription,
            self.chosen,
            quantity=self.cleaned_data["quantity"],
            prepaid=self.units(),
            at=at,
            at_once={"at_once": True, "at_period_end": False}.get(self.cleaned_data["when"]),
            done_by=done_by,
        )


class CancelForm(SubscribingForm):
    explanation = "Canceling doesn't refund past charges. To refund, issue a credit note."
    button = "Cancel subscription"
    way_out = "Keep subscription"

    when = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription
        field: Any = self.fields["when"]
        is_to_end = subscription.canceled_at is not None
        if subscription.status == Subscription.Status.SCHEDULED or subscription.current_period_end is None:
            del self.fields["when"]
        elif is_to_end and not subscription.followed_by.filter(status=Subscription.Status.SCHEDULED).exists():
            field.choices, field.initial = [("at_once", "Immediately")], "at_once"
        else:
            name = "trial" if subscription.trial_ends_at == subscription.current_period_end else "period"
            field.choices = [("at_period_end", f"At {name} end"), ("at_once", "Immediately")]
            field.initial = "at_period_end"

    def act(self, at: datetime, done_by: str) -> Result:
        # A form without choices is previewed before it is sent.
        at_once = self.is_bound and self.cleaned_data.get("when") == "at_once"
        return cancel_subscription(self.subscription, at=at, at_once=at_once, done_by=done_by)


class UncancelForm(SubscribingForm):
    explanation = "Removes the cancellation, so the subscription renews. A scheduled replacement is dropped."
    button = "Keep subscription"

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription

    def act(self, at: datetime, done_by: str) -> Result:
        return uncancel_subscription(self.subscription, at=at, done_by=done_by)


class ExtendForm(SubscribingForm):
    explanation = "Billing starts when the trial ends."
    button = "Extend trial"

    last_day = forms.DateField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="The trial lasts until the end of this day.",
    )

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription

    def act(self, at: datetime, done_by: str) -> Result:
        try:
            until = make_aware(datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time.min))
        except OverflowError:
            raise CannotSubscribe("Choose a last day before Dec 31, 9999.") from None
        return extend_trial(self.subscription, until, at=at, done_by=done_by)


def _plans_for(customer: Customer, current: Plan | None = None) -> list[Plan]:
    """The plans sold to the customer and `current`, each with its newest version first."""
    sold = Q(archived=False, is_stub=False)
    if current is not None:
        sold |= Q(pk=current.pk)
    return list(Plan.objects.filter(sold, env=customer.env).order_by("name", "plan_id", "-version"))


def _prepaid_items(plan: Plan) -> dict[str, PlanItem]:
    """The prepaid items of the plan, by the names of their form fields."""
    items = plan.items.filter(billing_method=BillingMethod.PREPAID).select_related("feature")
    return {f"units-{item.feature_id}": item for item in items.order_by("position", "pk")}


def _named(plan: Plan) -> str:
    if plan.price_amount is None:
        return str(plan)
    how_often = every(plan.price_interval, plan.price_interval_count)
    often = " once" if plan.price_interval in ("", Interval.ONE_OFF) else f"/{how_often}"
    return f"{plan} · {unit_price(plan.price_amount, plan.currency)}{often}"
