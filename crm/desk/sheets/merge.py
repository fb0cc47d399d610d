"""Merge two customers in a sheet: which one stays, what changes in words, figures and money, and an undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import capfirst

from billing.sheets.fields import Segments, focus, text_field
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.plan import PERMISSION, MergePlan, plan_merge, proposed_survivor
from crm.dedupe.merges.words import in_words
from crm.desk.search.search import find
from customers.formats import customer_url, day, number
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm, Target

#: Customers that fit side by side on the page that compares them.
MOST = 8
_COMPLETE, _THIS, _OTHER = "complete", "this", "other"
#: Customers that a refusal names, and lines of a block.
_NAMED, _SHOWN = 3, 8
_LONGEST = 120


def merge_url(customers: Sequence[Any]) -> str:
    """The URL of the page that compares customers, or those with these keys, side by side."""
    keys = [str(getattr(each, "pk", each)) for each in customers]
    return f"{reverse('desk-merge')}?{urlencode({'id': keys[:MOST]}, doseq=True)}"


class CustomerForm(SheetForm):
    """The other customer, by whatever finds it."""

    other = text_field("Customer", max_length=400, help_text="Name, ID, email or phone.")

    def __init__(self, may: Any, own: Customer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.may, self.own = may, own
        focus(self, "other")

    def chosen(self) -> Customer:
        """The customer. Raises `Refused` if none is found, or several are."""
        return customer_called(self.cleaned_data["other"], self.own, self.may)


class MergeForm(CustomerForm):
    """The other customer, and which one stays."""

    stays = forms.ChoiceField(
        label="Keep",
        choices=[(_COMPLETE, "The fuller one"), (_THIS, "This one"), (_OTHER, "The other one")],
        widget=Segments,
        initial=_COMPLETE,
    )
    reason = text_field("Reason", required=False, max_length=255)


class MergeWith(Act):
    """Merge the customer with another one."""

    name = "merge"
    title = "Merge with another customer"
    verb = "Merge"
    permissions = (PERMISSION, "customers.view_customer")
    models = (Customer,)
    refusals = (CannotMerge,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> MergeForm:
        """The form."""
        return MergeForm(self.request.user.has_perm, self.row, data, initial=initial)

    def preview(self, form: MergeForm) -> Preview:
        """The values that change, the records that come together, and what happens to the money."""
        plan = self._plan(form)
        kept, gone = plan.survivor, plan.others[0]
        key = str(kept.pk)
        values = [
            Line(
                capfirst(each.label),
                _words(each, each.value) or "None",
                _words(each, each.values[key]) or "None",
            )
            for each in plan.differing
            if each.value != each.values[key]
        ]
        lists = [
            Line(capfirst(each.label), number(each.after), number(each.counts[key]))
            for each in plan.lists
            if each.after != each.counts.get(key, 0)
        ]
        return Preview(
            button=f"Merge {gone} into {kept}",
            blocks=[
                Block(title, lines[:_SHOWN], _more(lines))
                for title, lines in ((f"Values of {kept} that change", values), ("Records of both", lists))
                if lines
            ],
            notes=[
                *plan.money,
                f"Every ID of {gone} finds {kept} from then on. You can undo the merge.",
                format_html(
                    '<a class="cl-link" href="{}">Compare side by side and choose values</a>',
                    merge_url([kept, gone]),
                ),
            ],
            seen=plan.version,
        )

    def do(self, form: MergeForm, seen: str) -> Done:
        """Merge them."""
        plan = self._plan(form)
        if plan.version != seen:
            raise Changed
        kept, gone = plan.survivor, plan.others[0]
        (made,) = merge(
            str(kept.pk),
            [str(gone.pk)],
            by=self.request.user,
            reason=form.cleaned_data["reason"].strip(),
        )
        return Done(
            message=f"Merged {gone} into {kept}.",
            undo_url=reverse("desk-unmerge", args=[made.pk]),
            back=customer_url(kept.pk),
        )

    def _plan(self, form: MergeForm) -> MergePlan:
        other = form.chosen()
        both = list(
            Customer.objects.select_related("company", "relationship").filter(pk__in=[self.row.pk, other.pk])
        )
        if len(both) == 1:
            raise Refused(f"Enter another customer. {other} is this one.")
        this, other = sorted(both, key=lambda each: each.pk != self.row.pk)
        stays = form.cleaned_data["stays"]
        kept = proposed_survivor(both) if stays == _COMPLETE else this if stays == _THIS else other
        plan = plan_merge(kept, [other if kept is this else this], user=self.request.user)
        if plan.refusals:
            raise Refused(" ".join(plan.refusals))
        return plan

    def target(self, form: Any) -> Target | None:
        """The other customer, once it is found."""
        return found_target(form)


def customer_called(term: str, own: Customer, may: Any) -> Customer:
    """The customer beside `own` that an identifier or the search finds. Raises `Refused` if none or several are found."""
    term = term.strip()
    try:
        return find_customer(term, own.env)
    except UnknownCustomer:
        # Some of them may be of the other environment.
        others = (each.customer for each in find(term, may, most=50))
        found = [each for each in others if each.pk != own.pk and each.env == own.env][: _NAMED + 1]
    except AmbiguousCustomer as problem:
        raise Refused(str(problem)) from None
    if not found:
        raise Refused(f"No customer is found by “{term}”. Enter another name, ID, email or phone number.")
    if len(found) > 1:
        names = ", ".join(f"{each} ({each.email or each.pk})" for each in found[:_NAMED])
        more = ", and more" if len(found) > _NAMED else ""
        raise Refused(f"“{term}” finds several customers: {names}{more}. Enter the email or ID of one.")
    return found[0]


def found_target(form: Any) -> Target | None:
    """The customer that the form finds; None if it is incomplete or finds none."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        other = form.chosen()
    except Refused:
        return None
    facts = (other.email, f"since {day(other.created_at)}", str(other.pk))
    return Target(str(other), " · ".join(filter(None, facts)))


def _words(each: Any, value: Any) -> str:
    text = in_words(each.field, value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _more(lines: list[Line]) -> str:
    return f"{number(len(lines) - _SHOWN)} more" if len(lines) > _SHOWN else ""
