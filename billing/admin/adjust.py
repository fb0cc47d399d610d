"""The form that adjusts a balance, with its preview."""

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
from billing.formats import name_of_grant, quantity
from billing.ledger.entries import locked_balances
from billing.models import Balance, Grant, Rollover
from billing.models.figures import Interval
from billing.rules.figures import Figures
from customers.admin.fields import FigureFormField
from customers.formats import number

_ADD, _SET, _EXPIRE, _GRANT = "add", "set", "expire", "grant"


class AdjustForm(forms.Form):
    """An adjustment of a balance: add or remove, set what remains, expire a grant, or grant more.

    `seen` is the version token of the balance at the preview, and `previewed` the fingerprint of the form at the preview.
    """

    what = forms.ChoiceField(
        label="Adjustment",
        choices=[
            (_ADD, "Add or remove"),
            (_SET, "Set remaining"),
            (_EXPIRE, "Expire a grant"),
            (_GRANT, "Grant"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    grant = forms.ChoiceField(
        label="Grant",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="The grant to change or expire. Ignored for a new grant.",
    )
    amount = FigureFormField(
        label="Amount",
        required=False,
        max_digits=25,
        decimal_places=10,
        help_text="The amount to add, to set or to grant. Enter a negative amount to remove.",
    )
    interval = forms.ChoiceField(
        label="Resets every",
        required=False,
        choices=[
            ("", "Never"),
            *((value, label) for value, label in Interval.choices if value != "multiple"),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text="For a new grant only.",
    )
    last_day = forms.DateField(
        label="Expires",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="For a new grant only. It expires at the end of this day. Leave blank for no expiry.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Shown with the ledger entry.",
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
        choices: Any = [("", "First in deduction order")]
        choices += [(key, _choice(grant)) for key, grant in self.grants.items()]
        self.fields["grant"].choices = choices  # type: ignore[attr-defined]
        self.fields["grant"].error_messages["invalid_choice"] = (
            "Choose another grant. This one has ended or expired."
        )

    def clean(self) -> dict[str, Any]:
        """Also computes the preview; an adjustment that can't be made is a form error."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors.keys() - {"reason"}:
            return cleaned
        if cleaned["what"] != _EXPIRE and cleaned["amount"] is None:
            self.add_error("amount", "Enter an amount.")
        elif cleaned["what"] == _EXPIRE and not cleaned["grant"]:
            self.add_error("grant", "Choose a grant to expire.")
        else:
            try:
                self.preview = self._previewed()
            except (CannotAdjust, CannotGrant) as problem:
                self.add_error(None, str(problem))
        return cleaned

    @property
    def fingerprint(self) -> str:
        """The values of the form as text, to check that they are still those of the preview."""
        names = ("what", "grant", "amount", "interval", "last_day")
        return "|".join(str(self.cleaned_data[name] or "") for name in names)

    def is_confirmed(self) -> bool:
        """Whether the form still has the values of the preview; if not, adds a form error."""
        if self.cleaned_data["previewed"] == self.fingerprint:
            return True
        self.add_error(
            None, "Review the new preview and confirm again. The form changed after the last preview."
        )
        return False

    def apply(self) -> bool:
        """Adjust the balance and return True; on a refusal, add a form error and return False."""
        try:
            self._adjust()
        except BalanceChanged as problem:
            self.preview = problem.now
            self.add_error(None, str(problem))
        except (CannotAdjust, CannotGrant) as problem:
            self.preview = None
            self.add_error(None, str(problem))
        return not self.errors

    @property
    def button(self) -> str:
        """The button that confirms the preview, such as `Grant 500 AI credits`."""
        return self._phrase("Grant", "Add", "Remove", "Set remaining to", "Expire grant")

    @property
    def success(self) -> str:
        """The message afterwards, such as `Granted 500 AI credits.`"""
        return f"{self._phrase('Granted', 'Added', 'Removed', 'Set remaining to', 'Expired grant')}."

    def _phrase(self, granted: str, added: str, removed: str, remaining: str, expired: str) -> str:
        amount = self.cleaned_data["amount"]
        match self.cleaned_data["what"]:
            case "add":
                return f"{removed if amount < 0 else added} {quantity(abs(amount), self.balance.feature)}"
            case "set":
                return f"{remaining} {quantity(amount, self.balance.feature)}"
            case "expire":
                return expired
            case _:
                return f"{granted} {quantity(amount, self.balance.feature)}"

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

    def _adjust(self) -> None:
        amount = self.cleaned_data["amount"]
        options = {
            "reason": self.cleaned_data["reason"],
            "done_by": self.done_by,
            "at": self.at,
            "version_token": self.cleaned_data["seen"],
        }
        match self.cleaned_data["what"]:
            case "add":
                adjust.add(self._target(), amount, **options)
            case "set":
                adjust.set_remaining(self._target(), amount, **options)
            case "expire":
                adjust.expire(self.grants[self.cleaned_data["grant"]], **options)
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
        last_day = self.cleaned_data["last_day"]
        if last_day is None:
            return None
        try:
            return make_aware(datetime.combine(last_day + timedelta(days=1), time.min))
        except OverflowError:
            raise CannotGrant("Choose an earlier expiry day.") from None


def figures_table(before: Figures, after: Figures) -> Table:
    """The figures of a balance before and after a change."""
    rows = [
        ("Granted", before.granted, after.granted),
        ("Remaining", _remaining(before), _remaining(after)),
        ("Used", before.usage, after.usage),
        ("Billable overage", before.billable_overage, after.billable_overage),
        ("Displayed overage", before.displayed_overage, after.displayed_overage),
    ]
    return {
        "headers": ["Figure", "Before", "After"],
        "rows": [[name, _limit_or_number(was), _changed(was, will_be)] for name, was, will_be in rows],
    }


def changes_table(adjustment: Adjustment) -> Table:
    rows = []
    for change in adjustment.changes:
        was = getattr(change.row, change.figure)
        amount = f"{'+' if change.amount > 0 else ''}{number(change.amount)}"
        rows.append([name_of(change.row), amount, number(was), number(was + change.amount)])
    return {"headers": ["Grant", "Change", "Before", "After"], "rows": rows}


def ended_names(rows: Sequence[Grant | Rollover]) -> list[str]:
    return [name_of(row) for row in rows]


def name_of(row: Grant | Rollover) -> str:
    """The name of a grant or rollover where no explanation of its balance was loaded."""
    if isinstance(row, Grant):
        return name_of_grant(row)
    return f"Rollover from {name_of_grant(row.grant)}" if row.grant else "Rollover"


def _choice(grant: Grant) -> str:
    owner = f", of {grant.entity}" if grant.entity else ""
    left = "unlimited" if grant.unlimited else f"{number(grant.held)} remaining"
    return f"{name_of_grant(grant)}{owner}: {left}"


def _remaining(figures: Figures) -> Decimal | None:
    return None if figures.unlimited else figures.remaining


def _limit_or_number(value: Decimal | None) -> str:
    return "Unlimited" if value is None else number(value)


def _changed(was: Decimal | None, will_be: Decimal | None) -> Any:
    if was == will_be:
        return _limit_or_number(will_be)
    if was is None or will_be is None:
        return format_html("<strong>{}</strong>", _limit_or_number(will_be))
    difference = will_be - was
    sign = "+" if difference > 0 else ""
    return format_html(
        "<div><strong>{}</strong>{}</div>", _limit_or_number(will_be), small(f"{sign}{number(difference)}")
    )
