"""Adjust a balance: add or remove, set what remains, or expire a grant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import prefetch_related_objects
from django.http import QueryDict

from billing.balances import adjust
from billing.balances.adjust import Adjustment, BalanceChanged, CannotAdjust
from billing.formats import name_of_balance, name_of_grant, name_of_grant_or_rollover, quantity
from billing.ledger.balance_figures import figures_of_balance
from billing.models import Balance, Grant
from billing.sheets.fields import Segments, amount_field, focus, text_field
from billing.sheets.figures import figure_lines, left_of, run_out_line
from billing.sheets.undo import undo_url
from customers.formats import number
from customers.sheets import Act, Block, Changed, Done, Line, Preview, SheetForm, Target

_ADD, _SET, _EXPIRE = "add", "set", "expire"


class AdjustForm(SheetForm):
    """How to adjust, which grant, by how much, and why. An expiry has no amount."""

    what = forms.ChoiceField(
        label="Adjustment",
        choices=[(_ADD, "Add or remove"), (_SET, "Set remaining"), (_EXPIRE, "Expire a grant")],
        widget=Segments,
        initial=_ADD,
    )
    grant = forms.ChoiceField(label="Grant", required=False)
    amount = amount_field("Amount", help_text="Enter a negative amount to remove.")
    reason = text_field("Reason", help_text="Visible in the ledger.")

    def __init__(self, grants: list[Grant], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.grants = {str(grant.pk): grant for grant in grants}
        field: Any = self.fields["grant"]
        what = self["what"].value()
        named = [
            (key, _choice(grant))
            for key, grant in self.grants.items()
            if what == _EXPIRE or not grant.is_scheduled
        ]
        if what == _EXPIRE:
            field.choices = [("", "Choose a grant"), *named]
            field.required = True
            del self.fields["amount"]
        else:
            field.choices = [("", "First in deduction order"), *named]
        if what == _SET:
            self.fields["amount"].label = "Remaining"
            self.fields["amount"].help_text = "What should be left."
        field.error_messages["invalid_choice"] = "Choose another grant. This one has ended or expired."
        focus(self, "grant" if what == _EXPIRE else "amount")


class Adjust(Act):
    """Add to a balance, remove from it, set what remains, or expire a grant."""

    name = "adjust"
    title = "Adjust balance"
    verb = "Adjust"
    permissions = ("billing.change_balance", "billing.view_balance")
    models = (Balance,)
    refusals = (CannotAdjust,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> AdjustForm:
        """The form with the grants that count now; only an expiry takes those that have not started."""
        grants = adjust.expirable_grants(self.row, self.at)
        prefetch_related_objects(grants, "entity")
        return AdjustForm(grants, data, initial=initial)

    def target(self, form: AdjustForm) -> Target:
        """How much is left."""
        return Target(name_of_balance(self.row), left_of(figures_of_balance(self.row, self.at)))

    def preview(self, form: AdjustForm) -> Preview:
        """The figures before and after, and the grants that change."""
        found = self._previewed(form)
        lines = figure_lines(found.before, found.after)
        if line := run_out_line(self.row, found.before, found.after, self.at):
            lines.append(line)
        changes = [
            Line(name_of_grant_or_rollover(change.row), number(was + change.amount), number(was))
            for change in found.changes
            if (was := getattr(change.row, change.figure)) is not None
        ]
        ended = [Line(name_of_grant_or_rollover(row), "Ends") for row in found.ended]
        blocks = [Block("Preview", lines)]
        if changes or ended:
            blocks.append(Block("Grants", [*changes, *ended]))
        return Preview(
            button=self._phrase(form, "Add", "Remove", "Set remaining to", "Expire grant"),
            blocks=blocks,
            seen=found.version_token,
        )

    def do(self, form: AdjustForm, seen: str) -> Done:
        """Adjust, if the balance is still the same."""
        values = form.cleaned_data
        options = {
            "reason": values["reason"],
            "done_by": self.by,
            "at": self.at,
            "version_token": seen,
        }
        try:
            match values["what"]:
                case "add":
                    made = adjust.add(self._target(form), values["amount"], **options)
                case "set":
                    made = adjust.set_remaining(self._target(form), values["amount"], **options)
                case _:
                    made = adjust.expire(form.grants[values["grant"]], **options)
        except BalanceChanged:
            raise Changed from None
        # An expired grant stays ended, so there is nothing that could be given back.
        undo = "" if values["what"] == _EXPIRE or made.posting is None else undo_url(made.posting.pk)
        message = self._phrase(form, "Added", "Removed", "Set remaining to", "Expired grant")
        return Done(message=f"{message}.", undo_url=undo)

    def _previewed(self, form: AdjustForm) -> Adjustment:
        values = form.cleaned_data
        match values["what"]:
            case "add":
                return adjust.preview_add(self._target(form), values["amount"], at=self.at)
            case "set":
                return adjust.preview_set_remaining(self._target(form), values["amount"], at=self.at)
            case _:
                return adjust.preview_expire(form.grants[values["grant"]], at=self.at)

    def _target(self, form: AdjustForm) -> Grant | Balance:
        balance: Balance = self.row
        return form.grants.get(form.cleaned_data["grant"], balance)

    def _phrase(self, form: AdjustForm, added: str, removed: str, remaining: str, expired: str) -> str:
        amount = form.cleaned_data.get("amount")
        if amount is None:
            return expired
        if form.cleaned_data["what"] == _SET:
            return f"{remaining} {quantity(amount, self.row.feature)}"
        return f"{removed if amount < 0 else added} {quantity(abs(amount), self.row.feature)}"


def _choice(grant: Grant) -> str:
    owner = f", of {grant.entity}" if grant.entity else ""
    left = "unlimited" if grant.unlimited else f"{number(grant.held)} remaining"
    if grant.is_scheduled:
        left = f"{number(grant.scheduled_amount)}, not started"
    return f"{name_of_grant(grant)}{owner}: {left}"
