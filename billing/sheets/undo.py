"""Undo a ledger entry from a toast, and reverse one in a sheet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse as url_of

from billing.balances.grant_preview import preview_reverse
from billing.formats import name_of_balance
from billing.ledger.entries import CannotReverse, reverse
from billing.models import Posting
from billing.sheets.fields import focus, text_field
from billing.sheets.figures import figure_lines
from customers.sheets import Act, Block, Done, Preview, SheetForm

PERMISSIONS = ("billing.change_balance", "billing.view_balance")


def undo_url(posting_id: Any) -> str:
    """Where a toast undoes a ledger entry."""
    return url_of("undo-entry", args=[posting_id])


def undo_entry(request: HttpRequest, posting: Posting) -> Done:
    """Reverse a ledger entry. Raises `CannotReverse`."""
    reverse(posting, done_by=request.user.get_username(), reason="Undone")
    return Done(message="Undone. The ledger shows both entries.")


class ReverseForm(SheetForm):
    """Why the entry is reversed."""

    reason = text_field("Reason", help_text="Visible in the ledger.")


class ReverseEntry(Act):
    """Reverse a ledger entry by one of the opposite amounts."""

    name = "reverse-entry"
    title = "Reverse ledger entry"
    about = "Adds an entry with the opposite amounts. Both stay in the ledger."
    verb = "Reverse"
    permissions = PERMISSIONS
    models = (Posting,)
    refusals = (CannotReverse,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> ReverseForm:
        """The form with the reason."""
        form = ReverseForm(data, initial=initial)
        focus(form, "reason")
        return form

    def preview(self, form: ReverseForm) -> Preview:
        """The figures of each balance before and after."""
        found = preview_reverse(self.row, at=self.at)
        return Preview(
            button="Reverse entry",
            blocks=[
                Block(name_of_balance(balance), figure_lines(before, after))
                for balance, before, after in found.figures
            ],
        )

    def do(self, form: ReverseForm, seen: str) -> Done:
        """Reverse the entry. A second reversal is refused, so nothing else needs to be compared."""
        reverse(self.row, done_by=self.by, reason=form.cleaned_data["reason"], at=self.at)
        return Done(message="Reversed the ledger entry.")
