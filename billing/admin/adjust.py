"""The page that adjusts a balance: its form, the preview, and the verb that the form means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.html import format_html
from django.utils.timezone import make_aware
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from billing.admin.explain import Table, small
from billing.balances import adjust, grant_preview
from billing.balances import grant as grants
from billing.balances.adjust import Adjustment, BalanceChanged, CannotAdjust
from billing.balances.grant import CannotGrant
from billing.formats import name_of_grant
from billing.ledger.entries import locked_balances
from billing.models import Balance, Grant, Rollover
from billing.models.figures import Interval
from billing.rules.figures import Figures
from customers.admin.fields import FigureFormField
from customers.formats import number

_ADD, _SET, _EXPIRE, _GRANT = "add", "set", "expire", "grant"


class AdjustForm(forms.Form):
    """What is to be done to a balance, and why.

    `seen` is the state of the balance that the preview was worked out from, `previewed` what it was a preview of.
    """

    what = forms.ChoiceField(
        label="What to do",
        choices=[
            (_ADD, "Add to a grant, or take from it"),
            (_SET, "Set what remains"),
            (_EXPIRE, "Let a grant expire"),
            (_GRANT, "Grant something new"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    grant = forms.ChoiceField(
        label="Grant",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Which grant to add to, take from, or let expire. Not for a new grant.",
    )
    amount = FigureFormField(
        label="Amount",
        required=False,
        max_digits=25,
        decimal_places=10,
        help_text="To add (below zero: to take away), to remain, or to grant. Not for an expiry.",
    )
    interval = forms.ChoiceField(
        label="Refilled every",
        required=False,
        choices=[
            ("", "Never"),
            *((value, label) for value, label in Interval.choices if value != "multiple"),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text="Of a new grant only.",
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="Of a new grant only: it counts to the end of that day. Empty: it does not expire.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept with the change, for whoever asks later.",
    )
    seen = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)
    previewed = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)

    def __init__(self, balance: Balance, at: datetime, done_by: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.balance, self.at, self.done_by = balance, at, done_by
        self.preview: Adjustment | None = None
        grants = adjust.counted_grants(balance, at)
        prefetch_related_objects(grants, "entity")
        self.grants = {str(grant.pk): grant for grant in grants}
        choices: Any = [("", "The first that can be adjusted, in drawing order")]
        choices += [(key, _choice(grant)) for key, grant in self.grants.items()]
        self.fields["grant"].choices = choices  # type: ignore[attr-defined]
        self.fields["grant"].error_messages["invalid_choice"] = (
            "This grant no longer counts: it has ended or expired. Choose another."
        )

    def clean(self) -> dict[str, Any]:
        """Work out the preview; what cannot be done is an error."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors.keys() - {"reason"}:
            return cleaned
        if cleaned["what"] != _EXPIRE and cleaned["amount"] is None:
            self.add_error("amount", "Enter an amount.")
        elif cleaned["what"] == _EXPIRE and not cleaned["grant"]:
            self.add_error("grant", "Choose the grant that is to expire.")
        else:
            try:
                self.preview = self._previewed()
            except (CannotAdjust, CannotGrant) as problem:
                self.add_error(None, str(problem))
        return cleaned

    @property
    def meant(self) -> str:
        """What the form means to do, as a text to compare."""
        names = ("what", "grant", "amount", "interval", "last_day")
        return "|".join(str(self.cleaned_data[name] or "") for name in names)

    def is_confirmed(self) -> bool:
        """Whether what was previewed is what the form means to do; if not, an error says so."""
        if self.cleaned_data["previewed"] == self.meant:
            return True
        self.add_error(
            None, "The form was changed since the preview. Nothing was done: look at the new preview."
        )
        return False

    def carry_out(self) -> bool:
        """Do it; if it cannot be done any more, an error says why."""
        try:
            self._carry_out()
        except BalanceChanged as problem:
            self.preview = problem.now
            self.add_error(None, str(problem))
        except (CannotAdjust, CannotGrant) as problem:
            self.preview = None
            self.add_error(None, str(problem))
        return not self.errors

    def _target(self) -> Grant | Balance:
        return self.grants.get(self.cleaned_data["grant"], self.balance)

    def _previewed(self) -> Adjustment:
        amount = self.cleaned_data["amount"]
        match self.cleaned_data["what"]:
            case "add":
                return adjust.preview_add(self._target(), amount, at=self.at)
            case "set":
                return adjust.preview_set_remaining(self._target(), amount, at=self.at)
            case "expire":
                return adjust.preview_expire(self.grants[self.cleaned_data["grant"]], at=self.at)
            case _:
                return grant_preview.preview_grant(
                    self.balance,
                    amount,
                    at=self.at,
                    interval=self.cleaned_data["interval"],
                    expires_at=self._expires_at(),
                )

    def _carry_out(self) -> None:
        amount = self.cleaned_data["amount"]
        how = {
            "reason": self.cleaned_data["reason"],
            "done_by": self.done_by,
            "at": self.at,
            "version_token": self.cleaned_data["seen"],
        }
        match self.cleaned_data["what"]:
            case "add":
                adjust.add(self._target(), amount, **how)
            case "set":
                adjust.set_remaining(self._target(), amount, **how)
            case "expire":
                adjust.expire(self.grants[self.cleaned_data["grant"]], **how)
            case _:
                self._grant(amount)

    def _grant(self, amount: Decimal) -> None:
        with transaction.atomic():
            locked_balances([self.balance.customer_id], [self.balance.feature_id])
            if adjust.version_token_of(self.balance, self.at) != self.cleaned_data["seen"]:
                raise BalanceChanged(self._previewed())
            grants.grant(
                self.balance.customer,
                self.balance.feature,
                amount,
                done_by=self.done_by,
                interval=self.cleaned_data["interval"],
                expires_at=self._expires_at(),
                at=self.at,
                reason=self.cleaned_data["reason"],
            )

    def _expires_at(self) -> datetime | None:
        day = self.cleaned_data["last_day"]
        if day is None:
            return None
        try:
            return make_aware(datetime.combine(day + timedelta(days=1), time.min))
        except OverflowError:
            raise CannotGrant("The last day is out of range.") from None


def figures_table(before: Figures, after: Figures) -> Table:
    """The figures of a balance before and after something."""
    rows = [
        ("Granted", before.granted, after.granted),
        ("Remaining", _remaining(before), _remaining(after)),
        ("Used", before.usage, after.usage),
        ("Billable overage", before.billable_overage, after.billable_overage),
        ("Displayed overage", before.displayed_overage, after.displayed_overage),
    ]
    return {
        "headers": ["Figure", "Before", "After"],
        "rows": [[name, _shown(was), _changed(was, will_be)] for name, was, will_be in rows],
    }


def changes_table(adjustment: Adjustment) -> Table:
    """What changes in which grant."""
    rows = []
    for change in adjustment.changes:
        was = getattr(change.row, change.figure)
        amount = f"{'+' if change.amount > 0 else ''}{number(change.amount)}"
        rows.append([name_of(change.row), amount, number(was), number(was + change.amount)])
    return {"headers": ["What", "Change", "Before", "After"], "rows": rows}


def ended_names(rows: Sequence[Grant | Rollover]) -> list[str]:
    """What ends with an adjustment."""
    return [name_of(row) for row in rows]


def name_of(row: Grant | Rollover) -> str:
    """What a grant or rollover is called where there is no explanation of its balance at hand."""
    if isinstance(row, Grant):
        return name_of_grant(row)
    return f"Carried over from {name_of_grant(row.grant)}" if row.grant else "Carried over"


def _choice(grant: Grant) -> str:
    owner = f", of {grant.entity}" if grant.entity else ""
    left = "unlimited" if grant.unlimited else f"{number(grant.held)} left"
    return f"{name_of_grant(grant)}{owner}: {left}"


def _remaining(figures: Figures) -> Decimal | None:
    return None if figures.unlimited else figures.remaining


def _shown(value: Decimal | None) -> str:
    return "Unlimited" if value is None else number(value)


def _changed(was: Decimal | None, will_be: Decimal | None) -> Any:
    if was == will_be:
        return _shown(will_be)
    if was is None or will_be is None:
        return format_html("<strong>{}</strong>", _shown(will_be))
    difference = will_be - was
    sign = "+" if difference > 0 else ""
    return format_html(
        "<div><strong>{}</strong>{}</div>", _shown(will_be), small(f"{sign}{number(difference)}")
    )
