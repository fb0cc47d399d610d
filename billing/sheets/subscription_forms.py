"""The forms that attach, change, cancel or extend a subscription."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q
from django.utils.timezone import localdate

from billing.catalog.currencies import NoPrice, base_price_in, currencies_of
from billing.formats import every, quantity, unit_price
from billing.models import Entity, Plan, PlanItem, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.sheets.fields import Segments, amount_field, day_field, focus, raw_value
from customers.formats import number, plain_text, short_day
from customers.models import Customer
from customers.sheets import SheetForm

#: The allowances of a plan that a choice names.
_ITEMS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A plan in a list of plans: its name, what it includes, and its price."""

    title: str
    detail: str
    price: str
    tag: str = ""

    def __str__(self) -> str:
        return self.title


class PlanForm(SheetForm):
    """A plan, how many, and for each prepaid item of the plan, how many units."""

    plan = forms.ChoiceField(label="Plan", widget=forms.RadioSelect(attrs={"class": "cl-cb cl-rb"}))
    quantity = amount_field("Quantity", min_value=Decimal(0), initial=1)

    def __init__(
        self,
        plans: Iterable[Plan],
        *args: Any,
        current: Plan | None = None,
        units: Mapping[str, str] | None = None,
        with_units: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.plans = {str(plan.pk): plan for plan in plans}
        field: Any = self.fields["plan"]
        field.choices = [
            (key, plan_choice(plan, "Current" if plan == current else "")) for key, plan in self.plans.items()
        ]
        field.error_messages["invalid_choice"] = "Choose another plan. This one isn't sold to this customer."
        chosen = self.plans.get(str(raw_value(self, "plan") or ""))
        self.prepaid_items = _prepaid_items(chosen) if with_units and chosen is not None else {}
        for name, item in self.prepaid_items.items():
            self._add_units(name, item, units or {})
        self._add_currencies()
        rest = [name for name in self.fields if name not in ("plan", "quantity", *self.prepaid_items)]
        self.order_fields(["subscription", "plan", "quantity", *self.prepaid_items, *rest])

    @property
    def chosen(self) -> Plan:
        """The plan of a valid form."""
        return self.plans[self.cleaned_data["plan"]]

    def units(self) -> dict[str, Decimal]:
        """The prepaid units, by feature ID."""
        return {
            item.feature.feature_id: self.cleaned_data[name] or Decimal(0)
            for name, item in self.prepaid_items.items()
        }

    def currency(self) -> str:
        """The currency that was chosen; empty for the customer's."""
        return str(self.cleaned_data.get("currency") or "")

    def _add_currencies(self) -> None:
        """A choice of currency, if a plan has prices in several."""
        found = {code for plan in self.plans.values() for code in currencies_of(plan, plan.items.all()) or ()}
        if any(len(currencies_of(plan, plan.items.all()) or ()) > 1 for plan in self.plans.values()):
            self.fields["currency"] = forms.ChoiceField(
                label="Currency",
                required=False,
                choices=[("", "The customer's, else the plan's"), *((code, code) for code in sorted(found))],
            )

    def _add_units(self, name: str, item: PlanItem, units: Mapping[str, str]) -> None:
        pack = plain_text(item.billing_units or 1)
        packs = "" if pack == "1" else f" Sold in packs of {pack}, rounded up."
        field = amount_field(
            f"Prepaid {item.feature}",
            required=False,
            min_value=Decimal(0),
            initial=units.get(item.feature.feature_id, "0"),
            help_text=f"Units on top of the included ones.{packs}",
        )
        self.fields[name] = field
        if self.is_bound and name not in self.data:
            # The plan was just chosen, so the field appears with the current units.
            data: Any = self.data
            data = data.copy()
            data[name] = field.initial
            self.data = data


class AttachForm(PlanForm):
    """A plan to attach, from when, and for whom."""

    pairs = (("quantity", "starts"),)

    entity = forms.ChoiceField(label="For", required=False)
    starts = day_field("Starts", required=False, help_text="A future day. Leave blank to start immediately.")
    with_trial = forms.BooleanField(
        label="Start with the plan's trial, if the customer hasn't had it", required=False, initial=True
    )

    def __init__(self, customer: Customer, *args: Any, **options: Any) -> None:
        super().__init__(plans_for(customer), *args, **options)
        entities = Entity.objects.filter(customer=customer, removed_at=None)
        self.entities = {str(entity.pk): entity for entity in entities.order_by("position", "pk")}
        field: Any = self.fields["entity"]
        field.choices = [
            ("", "Whole customer"),
            *((key, str(entity)) for key, entity in self.entities.items()),
        ]
        if not self.entities:
            del self.fields["entity"]
        self.fields["with_trial"].widget.attrs["class"] = "cl-cb"
        focus(self, "plan")

    def clean_starts(self) -> date | None:
        """A day to come."""
        day: date | None = self.cleaned_data["starts"]
        if day is not None and day <= localdate():
            raise ValidationError("Choose a future day, or leave it blank to start immediately.")
        return day


class ChangeForm(PlanForm):
    """The new plan of a subscription, and from when. The quantity isn't carried over unless it is 1."""

    when = forms.ChoiceField(label="Starts", widget=Segments, initial="by_price")

    def __init__(
        self, subscription: Subscription, others: Sequence[Subscription], *args: Any, **options: Any
    ) -> None:
        initial = {
            "subscription": str(subscription.pk),
            "quantity": subscription.quantity if subscription.quantity == 1 else None,
            **options.pop("initial", {}),
        }
        sold = [
            plan
            for plan in plans_for(subscription.customer, subscription.plan)
            if plan.price_interval != Interval.ONE_OFF and plan.add_on == subscription.plan.add_on
        ]
        super().__init__(
            sold,
            *args,
            current=subscription.plan,
            units=subscription.prepaid_quantities,
            with_units=subscription.billed_here,
            initial=initial,
            **options,
        )
        if others:
            self.fields["subscription"] = forms.ChoiceField(
                label="Subscription", choices=[(str(each.pk), _named_with_biller(each)) for each in others]
            )
            self.order_fields(["subscription", *self.fields])
        self.fields["plan"].label = "New plan"
        if subscription.quantity != 1:
            self.fields["quantity"].help_text = f"It is {number(subscription.quantity)} now."
        ends = subscription.current_period_end
        self.fields["when"].choices = [  # type: ignore[attr-defined]
            ("by_price", "By price") if subscription.billed_here else ("", "As the platform does"),
            ("at_once", "Immediately"),
            ("at_period_end", f"At period end, {short_day(ends)}" if ends else "At period end"),
        ]
        if subscription.billed_here:
            self.fields[
                "when"
            ].help_text = "By price: upgrades start now and are prorated, downgrades at the next renewal."
        else:
            self.fields["when"].initial, self.fields["when"].required = "", False
        focus(self, "plan")


class CancelForm(SheetForm):
    """When a subscription ends. It has no choice if there is only one answer."""

    when = forms.ChoiceField(label="Ends", widget=Segments)

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["when"]
        ends, is_to_end = subscription.current_period_end, subscription.canceled_at is not None
        if subscription.status == Subscription.Status.SCHEDULED or ends is None:
            del self.fields["when"]
        elif is_to_end and not subscription.followed_by.filter(status=Subscription.Status.SCHEDULED).exists():
            field.choices, field.initial = [("at_once", "Immediately")], "at_once"
        else:
            name = "trial" if subscription.trial_ends_at == ends else "period"
            field.choices = [
                ("at_period_end", f"At {name} end, {short_day(ends)}"),
                ("at_once", "Immediately"),
            ]
            field.initial = "at_period_end"


class ExtendForm(SheetForm):
    """The last day of a trial."""

    last_day = day_field("Last day of the trial", help_text="The trial lasts until the end of this day.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        focus(self, "last_day")


def plans_for(customer: Customer, current: Plan | None = None) -> list[Plan]:
    """The plans sold to the customer, each in its newest version, and `current`, with their items."""
    sold = Q(archived=False, is_stub=False)
    if current is not None:
        sold |= Q(pk=current.pk)
    items = PlanItem.objects.select_related("feature").order_by("position", "pk")
    rows = Plan.objects.filter(sold, env=customer.env).prefetch_related(Prefetch("items", items))
    found: dict[str, Plan] = {}
    for plan in rows.order_by("name", "plan_id", "-version"):
        key = str(plan.pk) if plan == current else plan.plan_id
        found.setdefault(key, plan)
    return list(found.values())


def plan_choice(plan: Plan, tag: str = "") -> PlanChoice:
    """A plan with what it includes. Fetch it by `plans_for`."""
    items = [item for item in plan.items.all() if item.unlimited or item.included]
    shown = [
        f"Unlimited {item.feature}" if item.unlimited else quantity(item.included, item.feature)
        for item in items[:_ITEMS_SHOWN]
    ]
    more = [f"{len(items) - _ITEMS_SHOWN} more"] if len(items) > _ITEMS_SHOWN else []
    return PlanChoice(str(plan), ", ".join([*shown, *more]), price_of(plan), tag)


def price_of(plan: Plan, currency: str = "") -> str:
    """`$49.00/month`, `$20.00 once`, or an empty text for a plan without a base price.

    In `currency`, or else in each in which the plan is sold: `$49.00 or €45.00/month`.
    """
    if plan.price_amount is None:
        return ""
    codes = [currency] if currency else currencies_of(plan, plan.items.all()) or [plan.currency]
    often = (
        " once"
        if plan.price_interval in ("", Interval.ONE_OFF)
        else f"/{every(plan.price_interval, plan.price_interval_count)}"
    )
    try:
        prices = [unit_price(base_price_in(plan, code) or Decimal(0), code) for code in codes]
    except NoPrice:
        return ""
    return f"{' or '.join(prices)}{often}"


def named(subscription: Subscription) -> str:
    """The plan, how many of it, and the entity."""
    many = f" \u00d7 {number(subscription.quantity)}" if subscription.quantity != 1 else ""
    return f"{subscription.plan}{many}{f', {subscription.entity}' if subscription.entity else ''}"


def _named_with_biller(subscription: Subscription) -> str:
    return f"{named(subscription)}{'' if subscription.billed_here else ' (billed by the billing platform)'}"


def _prepaid_items(plan: Plan) -> dict[str, PlanItem]:
    """The prepaid items of a plan, by the names of their form fields."""
    return {
        f"units-{item.feature_id}": item
        for item in plan.items.all()
        if item.billing_method == BillingMethod.PREPAID
    }
