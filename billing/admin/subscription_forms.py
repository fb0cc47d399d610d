"""The forms of what people do with subscriptions in the admin: each knows the verb that it means."""

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

#: How long what was previewed may be confirmed as of the moment of its preview.
_FRESH = timedelta(minutes=15)


class SubscribingForm(forms.Form):
    """What a verb has to be told.

    `at` is the moment that a preview was worked out for: to the second counts. `seen` is the digest of its outcome.
    """

    #: What the page says above the form.
    explanation = ""
    #: The button that does it.
    button = ""

    at = forms.Field(required=False, widget=forms.HiddenInput)
    seen = forms.Field(required=False, widget=forms.HiddenInput)

    def moment(self) -> datetime:
        """The moment of the preview that is confirmed; now, if it is none or not fresh any more."""
        now = clock.now()
        try:
            at = parse_datetime(self.cleaned_data["at"] or "")
        except ValueError:
            return now
        if at is None or at.tzinfo is None or not now - _FRESH <= at <= now:
            return now
        return at

    def act(self, at: datetime, done_by: str) -> Result:
        """Call the verb."""
        raise NotImplementedError


class _PlanAndUnitsForm(SubscribingForm):
    """A plan with a quantity, and a field for each feature that the chosen plan sells ahead."""

    plan = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    quantity = FigureFormField(max_digits=25, decimal_places=10, min_value=Decimal(0), initial=1)

    #: Units bought ahead so far, by feature id.
    bought: dict[str, str] = {}

    def __init__(self, plans: Iterable[Plan], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.plans = {str(plan.pk): plan for plan in plans}
        field: Any = self.fields["plan"]
        field.choices = [("", "Choose a plan"), *((key, _named(plan)) for key, plan in self.plans.items())]
        field.error_messages["invalid_choice"] = "This plan is not sold to this customer. Choose another."
        chosen = self.plans.get(str(self["plan"].value() or ""))
        self.sold = {} if chosen is None else _sold_ahead(chosen)
        for name, item in self.sold.items():
            self._add_units(name, item)

    @property
    def chosen(self) -> Plan:
        """The plan."""
        return self.plans[self.cleaned_data["plan"]]

    def units(self) -> dict[str, Decimal]:
        """The units to be bought ahead, by feature id."""
        return {
            item.feature.feature_id: self.cleaned_data[name] or Decimal(0) for name, item in self.sold.items()
        }

    def _add_units(self, name: str, item: PlanItem) -> None:
        pack = plain_text(item.billing_units or 1)
        packs = "" if pack == "1" else f" In packs of {pack}, rounded up."
        self.fields[name] = FigureFormField(
            label=f"{item.feature} bought ahead",
            required=False,
            min_value=Decimal(0),
            max_digits=25,
            decimal_places=10,
            initial=self.bought.get(item.feature.feature_id, "0"),
            help_text=f"Units beside the included ones.{packs}",
        )
        if self.is_bound and name not in self.data:
            # The plan was chosen just now: the field appears, with what is bought so far.
            data: Any = self.data
            self.data = data.copy()
            self.data[name] = self.fields[name].initial  # type: ignore[index]


class AttachForm(_PlanAndUnitsForm):
    """What a customer is to have."""

    explanation = (
        "What the plan includes is granted, and what it costs is billed. A one-off plan is bought. A plan of a group"
        " that the customer has another plan of takes its place; an add-on goes beside."
    )
    button = "Attach it"

    entity = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="For one entity alone, or for the whole customer.",
    )
    starts = forms.DateField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="A day to come, on which it is to begin. Empty: at once.",
    )
    with_trial = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
        help_text="If the plan has a trial that the customer may still have.",
    )

    def __init__(self, customer: Customer, *args: Any, **options: Any) -> None:
        self.customer = customer
        super().__init__(_plans_for(customer), *args, **options)
        entities = Entity.objects.filter(customer=customer, removed_at=None)
        self.entities = {str(entity.pk): entity for entity in entities.order_by("position", "pk")}
        field: Any = self.fields["entity"]
        field.choices = [
            ("", "The customer"),
            *((key, str(entity)) for key, entity in self.entities.items()),
        ]
        if not self.entities:
            del self.fields["entity"]

    def clean_starts(self) -> date | None:
        """A day to come."""
        day: date | None = self.cleaned_data["starts"]
        if day is not None and day <= localdate():
            raise ValidationError("Choose a day to come, or leave it empty to begin at once.")
        return day

    def act(self, at: datetime, done_by: str) -> Result:
        """Attach."""
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
    """What a subscription is to become."""

    explanation = (
        "What costs as much or more by the month begins at once, and the rest of the period is prorated to the"
        " second; what costs less begins when the period ends."
    )
    button = "Change it"

    when = forms.ChoiceField(
        required=False,
        choices=[
            ("", "As the price says"),
            ("at_once", "At once"),
            ("at_period_end", "When the period ends"),
        ],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        self.subscription = subscription
        self.bought = subscription.prepaid_quantities
        initial = {"plan": str(subscription.plan_id), "quantity": subscription.quantity}
        plans = _plans_for(subscription.customer, subscription.plan)
        super().__init__(
            (plan for plan in plans if plan.price_interval != Interval.ONE_OFF),
            *args,
            initial=initial,
            **options,
        )

    def act(self, at: datetime, done_by: str) -> Result:
        """Change."""
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
    """When a subscription is to end."""

    explanation = "Nothing is given back of what was billed: a credit note does that."
    button = "Cancel it"

    when = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription
        field: Any = self.fields["when"]
        is_to_end = subscription.canceled_at is not None
        if subscription.status == Subscription.Status.SCHEDULED or subscription.current_period_end is None:
            del self.fields["when"]
        elif is_to_end and not subscription.followed_by.filter(status=Subscription.Status.SCHEDULED).exists():
            field.choices, field.initial = [("at_once", "At once")], "at_once"
        else:
            name = "trial" if subscription.trial_ends_at == subscription.current_period_end else "period"
            field.choices = [("at_period_end", f"When the {name} ends"), ("at_once", "At once")]
            field.initial = "at_period_end"

    def act(self, at: datetime, done_by: str) -> Result:
        """Cancel."""
        # Where there is nothing to choose, what it would do is shown before anything was sent.
        at_once = self.is_bound and self.cleaned_data.get("when") == "at_once"
        return cancel_subscription(self.subscription, at=at, at_once=at_once, done_by=done_by)


class UncancelForm(SubscribingForm):
    """Nothing has to be asked."""

    explanation = "It goes on when its period ends; a plan that was to take over from it is dropped."
    button = "Let it go on"

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription

    def act(self, at: datetime, done_by: str) -> Result:
        """Take the cancellation back."""
        return uncancel_subscription(self.subscription, at=at, done_by=done_by)


class ExtendForm(SubscribingForm):
    """How long a trial is to last."""

    explanation = "It is paid for from the end of its trial on."
    button = "Extend it"

    last_day = forms.DateField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="The trial lasts to the end of that day.",
    )

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.subscription = subscription

    def act(self, at: datetime, done_by: str) -> Result:
        """Extend."""
        try:
            until = make_aware(datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time.min))
        except OverflowError:
            raise CannotSubscribe("The last day is out of range: choose an earlier one.") from None
        return extend_trial(self.subscription, until, at=at, done_by=done_by)


def _plans_for(customer: Customer, current: Plan | None = None) -> list[Plan]:
    """What is sold to the customer, and what it has, the newest version of each plan first."""
    sold = Q(archived=False, is_stub=False)
    if current is not None:
        sold |= Q(pk=current.pk)
    return list(Plan.objects.filter(sold, env=customer.env).order_by("name", "plan_id", "-version"))


def _sold_ahead(plan: Plan) -> dict[str, PlanItem]:
    """What the plan sells ahead, by the names of its fields in a form."""
    items = plan.items.filter(billing_method=BillingMethod.PREPAID).select_related("feature")
    return {f"units-{item.feature_id}": item for item in items.order_by("position", "pk")}


def _named(plan: Plan) -> str:
    if plan.price_amount is None:
        return str(plan)
    how_often = every(plan.price_interval, plan.price_interval_count)
    often = "once" if plan.price_interval in ("", Interval.ONE_OFF) else f"every {how_often}"
    return f"{plan}: {unit_price(plan.price_amount, plan.currency)} {often}"
