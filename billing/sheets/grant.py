"""Grant an amount of a feature to a customer, in the account it is for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.http import QueryDict

from billing.balances.adjust import version_token_of
from billing.balances.grant import CannotGrant, grant
from billing.balances.grant_preview import preview_grant
from billing.formats import name_of_balance, quantity
from billing.ledger.balance_figures import figures_of_balance, figures_of_balances
from billing.ledger.entries import locked_balances
from billing.models import Balance, Feature, Subscription
from billing.models.figures import Interval
from billing.sheets.fields import amount_field, day_field, end_of, focus, raw_value, text_field
from billing.sheets.figures import enough_until_reset, figure_lines, left_of, paces, run_out_line
from billing.sheets.undo import undo_url
from customers.formats import number, plain_text, short_day
from customers.models import Customer
from customers.sheets import (
    Act,
    Block,
    Changed,
    Done,
    Line,
    Preview,
    Refused,
    SheetForm,
    Suggestion,
)


class GrantForm(SheetForm):
    """What to grant, how much, and until when. `what` is a balance, or a feature that has none yet."""

    pairs = (("last_day", "interval"),)

    what = forms.ChoiceField(label="Feature")
    amount = amount_field("Amount")
    last_day = day_field("Expires", required=False, help_text="At the end of this day.")
    interval = forms.ChoiceField(
        label="Refilled",
        required=False,
        choices=[
            ("", "Never"),
            *((value, f"Every {label.lower()}") for value, label in Interval.choices if value != "multiple"),
        ],
    )
    reason = text_field("Reason", required=False, help_text="Visible in the ledger.")

    def __init__(self, balances: Sequence[Balance], features: Sequence[Feature], *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.balances = {str(each.pk): each for each in balances}
        self.features = {str(each.pk): each for each in features}
        field: Any = self.fields["what"]
        owned = [(key, name_of_balance(each)) for key, each in self.balances.items()]
        new = [(key, str(each)) for key, each in self.features.items()]
        groups = [("Balances", owned), ("Other features", new)]
        field.choices = owned if not new else new if not owned else groups
        field.error_messages["invalid_choice"] = "Choose a feature from the list."
        if len(owned) == 1:
            self.initial.setdefault("what", owned[0][0])
        elif not owned and "what" not in self.initial:
            field.choices = [("", "Choose a feature"), *field.choices]
        focus(self, "amount" if self.chosen_feature() else "what")
        if (feature := self.chosen_feature()) is not None:
            self.fields["amount"].unit = feature.display_plural or str(feature)  # type: ignore[attr-defined]

    def chosen_balance(self) -> Balance | None:
        """The balance that is chosen so far."""
        return self.balances.get(self._what())

    def chosen_feature(self) -> Feature | None:
        """The feature that is chosen so far."""
        balance = self.chosen_balance()
        return self.features.get(self._what()) if balance is None else balance.feature

    def _what(self) -> str:
        # Not by the bound field, which would keep the help text as it is now.
        return str(raw_value(self, "what") or "")


class Grant(Act):
    """Grant credits or calls beside what a plan includes."""

    name = "grant"
    title = "Grant credits"
    verb = "Grant"
    permissions = ("billing.change_balance", "billing.view_balance", "customers.view_customer")
    models = (Customer, Balance)
    refusals = (CannotGrant,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> GrantForm:
        """The form, with the balance chosen that it was opened from."""
        # What is held, such as seats, is changed by the plan; credits are for what is used up.
        rows = Balance.objects.filter(
            customer=self.customer, removed_at=None, feature__consumable=True
        ).exclude(feature__type=Feature.Type.BOOLEAN)
        balances = list(rows.select_related("feature", "came_with", "customer").order_by("position", "pk"))
        own = [each.feature_id for each in balances if each.came_with_id is None]
        usable = Feature.objects.filter(consumable=True).exclude(type=Feature.Type.BOOLEAN)
        features = usable.exclude(pk__in=own)
        if isinstance(self.row, Balance):
            initial = {"what": str(self.row.pk), **initial}
        elif len(balances) > 1 and data is None and "what" not in initial:
            initial = {"what": _most_used(balances, self.at), **initial}
        form = GrantForm(
            balances, list(features.filter(archived=False).order_by("name")), data, initial=initial
        )
        form.fields["what"].help_text = self._left(form.chosen_balance(), form.chosen_feature())
        return form

    def suggestion(self, form: GrantForm) -> Suggestion | None:
        """The amount that lasts until the reset."""
        balance = form.chosen_balance()
        if balance is None:
            return None
        figures = figures_of_balance(balance, self.at)
        (pace,) = paces(balance, [figures], self.at)
        enough = enough_until_reset(figures, pace, self.at)
        if enough is None or figures.next_reset_at is None:
            return None
        return Suggestion(
            "amount",
            f"{number(enough)} would last until the reset on {short_day(figures.next_reset_at, self.at)}.",
            f"Use {number(enough)}",
            plain_text(enough),
        )

    def preview(self, form: GrantForm) -> Preview:
        """The figures before and after, and the day the balance runs out."""
        values, balance, feature = form.cleaned_data, form.chosen_balance(), self._feature(form)
        found = preview_grant(
            self.customer,
            feature,
            values["amount"],
            at=self.at,
            balance=balance,
            interval=values["interval"],
            expires_at=end_of(values["last_day"]),
        )
        lines = figure_lines(found.before, found.after)
        if balance is not None and (line := run_out_line(balance, found.before, found.after, self.at)):
            lines.append(line)
        return Preview(
            button=f"Grant {quantity(values['amount'], feature)}",
            blocks=[Block("Preview", [*lines, Line("Charge", "None")])],
            notes=self._platform_note(balance),
            seen=found.version_token,
        )

    def do(self, form: GrantForm, seen: str) -> Done:
        """Grant, if the balance is still the same."""
        values, balance, feature = form.cleaned_data, form.chosen_balance(), self._feature(form)
        with transaction.atomic():
            locked_balances([str(self.customer.pk)], [str(feature.pk)])
            if seen != ("" if balance is None else version_token_of(balance, self.at)):
                raise Changed
            made = grant(
                self.customer,
                feature,
                values["amount"],
                done_by=self.by,
                interval=values["interval"],
                expires_at=end_of(values["last_day"]),
                balance=balance,
                at=self.at,
                reason=values["reason"],
            )
            entry = made.ledger.first()
        undo = undo_url(entry.posting_id) if entry is not None else ""
        return Done(message=f"Granted {quantity(values['amount'], feature)}.", undo_url=undo)

    def _left(self, balance: Balance | None, feature: Feature | None) -> str:
        if balance is None:
            return "No balance yet." if feature else ""
        account = "Main account" if balance.came_with is None else str(balance.came_with)
        return f"{account} · {left_of(figures_of_balance(balance, self.at))}"

    def _feature(self, form: GrantForm) -> Feature:
        feature = form.chosen_feature()
        if feature is None:
            raise Refused("Choose a feature.")
        return feature

    def _platform_note(self, balance: Balance | None) -> list[str]:
        account = None if balance is None else balance.came_with_id
        rows = Subscription.objects.running().filter(customer=self.customer, came_with=account)
        if not rows.filter(billed_here=False).exists():
            return []
        return ["The billing platform bills this account. The grant is recorded here and isn't sent there."]


def _most_used(balances: Sequence[Balance], at: datetime) -> str:
    """The balance that most likely needs a grant: the one with the highest percentage used."""
    figures = figures_of_balances([str(each.pk) for each in balances], at)
    return max(figures, key=lambda key: figures[key].spent_percent or Decimal(0))
