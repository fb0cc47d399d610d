"""Link a source record to another customer, or take it out of its customer, in a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from billing.sheets.fields import text_field
from crm.dedupe.links.link import CannotLink, link_records, unlink_record
from crm.dedupe.links.preview import preview_link, preview_unlink
from crm.dedupe.links.records import full_name
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.sheets.merge import CustomerForm, found_target
from customers.models import SourceRecord
from customers.sheets import Act, Changed, Done, Preview, Refused, SheetForm, Target

_REASON = "Reason"
#: A line of the preview is at most this long.
_LONGEST = 400


class _RecordAct(Act):
    """An act on a source record."""

    permissions = (PERMISSION, "customers.view_customer", "customers.view_sourcerecord")
    models = (SourceRecord,)
    refusals = (CannotLink,)

    def subject(self) -> str:
        """The record and its customer."""
        return f"{full_name(self.row)} of {self.row.customer}"

    def home(self) -> str:
        """The page of sources."""
        return reverse("desk-provenance", args=[self.row.customer_id])


class LinkForm(CustomerForm):
    """The customer that the record belongs to."""

    reason = text_field(_REASON, required=False, max_length=100)


class LinkRecord(_RecordAct):
    """Link the record to another customer."""

    name = "link"
    title = "Link to another customer"
    verb = "Link"

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> LinkForm:
        """The form."""
        return LinkForm(self.request.user.has_perm, self.row.customer, data, initial=initial)

    def target(self, form: Any) -> Target | None:
        """The customer, once it is found."""
        return found_target(form)

    def preview(self, form: LinkForm) -> Preview:
        """What goes along, which values change, and what happens to the money."""
        goal = self._goal(form)
        lines = preview_link([self.row], str(goal.pk))
        return Preview(button=f"Link to {goal}", notes=_notes(lines), seen=_seen(lines, goal))

    def do(self, form: LinkForm, seen: str) -> Done:
        """Link it."""
        goal = self._goal(form)
        reason = form.cleaned_data["reason"]
        if _seen(preview_link([self.row], str(goal.pk)), goal) != seen:
            raise Changed
        (done,) = link_records([self.row], str(goal.pk), by=self.request.user, reason=reason)
        return Done(
            message=f"Linked {full_name(self.row)} to {goal}.",
            undo_url=reverse("desk-unmerge", args=[done.merge.pk]),
            back=reverse("desk-provenance", args=[goal.pk]),
        )

    def _goal(self, form: LinkForm) -> Any:
        goal = form.chosen()
        if goal.pk == self.row.customer_id:
            raise Refused(f"Enter another customer. The record belongs to {goal} already.")
        return goal


class TakeOutForm(SheetForm):
    """Why."""

    reason = text_field(_REASON, required=False, max_length=100)


class TakeOut(_RecordAct):
    """Take the record out of its customer."""

    name = "take-out"
    title = "Take out of this customer"
    verb = "Take out"

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> TakeOutForm:
        """The form."""
        return TakeOutForm(data, initial=initial)

    def preview(self, form: TakeOutForm) -> Preview:
        """What goes along, and which values change."""
        lines = preview_unlink(self.row)
        return Preview(
            button=f"Take out {full_name(self.row)}",
            notes=_notes(lines),
            seen=_seen(lines, self.row.customer),
        )

    def do(self, form: TakeOutForm, seen: str) -> Done:
        """Take it out."""
        former = self.row.customer
        if _seen(preview_unlink(self.row), former) != seen:
            raise Changed
        own = unlink_record(self.row, by=self.request.user, reason=form.cleaned_data["reason"])
        return Done(
            message=f"Took {full_name(self.row)} out of {former}.",
            back=reverse("desk-provenance", args=[own.pk]),
        )


def _seen(lines: Sequence[str], customer: Any) -> str:
    """What stands for a preview: another customer or another line makes it another one."""
    return blake2b("\n".join([str(customer.pk), *lines]).encode(), digest_size=16).hexdigest()


def _notes(lines: Sequence[str]) -> list[str]:
    """The lines below the first one, which the sheet says in its head."""
    notes = [line.strip()[:_LONGEST] for line in lines[1:]]
    return [f"{line[:1].upper()}{line[1:]}" for line in notes]
