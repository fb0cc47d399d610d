"""The forms of the catalog: they keep to the rules that a catalog's import keeps to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from billing.catalog.in_use import is_in_use, uses_of
from billing.catalog.rules import (
    CatalogProblem,
    cost_problems,
    feature_problems,
    item_problems,
    plan_problems,
)
from billing.catalog.versions import TERMS
from billing.models import CreditCost, Feature
from customers.admin.forms import RecordForm
from customers.admin.inlines import RecordFormSet

IN_USE = (
    "Customers have or had this version, so what it grants and costs stays as it is. “Save and make a new version”"
    " copies it into the next version, which you can change until somebody has it."
)


class RuledForm(RecordForm):
    """A form that refuses what breaks the rules, where it changes one of the columns that `ruled` names (any, if none).

    So a row that came in broken can still be renamed or archived.
    """

    ruled: frozenset[str] = frozenset()

    def problems(self) -> Iterable[CatalogProblem]:
        """What is wrong with the row as the form would save it."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()
        changed = set(self.changed_data)
        if self.errors or not (changed & self.ruled if self.ruled else changed):
            return
        for problem in self.problems():
            field = self.fields.get(problem.field)
            is_shown = field is not None and not field.widget.is_hidden
            self.add_error(problem.field if is_shown else None, problem.message)


class FeatureForm(RuledForm):
    """A feature, which may be forbidden a change of its type."""

    ruled = frozenset({"type", "is_stub"})

    def problems(self) -> Iterable[CatalogProblem]:
        """What forbids the type."""
        feature = self.instance
        if feature._state.adding:
            return ()
        was = "" if self.initial.get("is_stub") else self.initial["type"]
        return feature_problems(feature, was, uses_of([feature])[feature.pk])


class CreditCostForm(RuledForm):
    """What a feature costs in a credit system."""

    def problems(self) -> Iterable[CatalogProblem]:
        """What is wrong with the cost."""
        return cost_problems(self.instance)


class CreditCostFormSet(RecordFormSet):
    """The costs on their credit system's form, judged by what the form would make of the system."""

    def _construct_form(self, i: int, **options: Any) -> Any:
        form = super()._construct_form(i, **options)
        form.instance.credit_system = self.instance
        return form

    def clean(self) -> None:
        """No cost is left to a feature that is no credit system."""
        super().clean()
        leaving = [form.instance.pk for form in self.initial_forms if self._should_delete_form(form)]
        left = CreditCost.objects.filter(credit_system=self.instance.pk).exclude(pk__in=leaving)
        if self.instance.type != Feature.Type.CREDIT_SYSTEM and left.exists():
            raise ValidationError(
                "Only a credit system has credit costs: delete them, or leave it a credit system."
            )


class PlanForm(RuledForm):
    """A plan. While customers have it, the form is without what it grants and costs (`TERMS`)."""

    ruled = frozenset(TERMS)

    def problems(self) -> Iterable[CatalogProblem]:
        """What is wrong with price, trial and currency."""
        return plan_problems(self.instance)

    def clean(self) -> dict[str, Any] | None:
        """Refuse terms that are sent all the same: they were open to change when the page was."""
        cleaned = super().clean()
        is_known = not self.instance._state.adding
        if is_known and any(name in self.data and name not in self.fields for name in TERMS):
            raise ValidationError(
                f"While this form was open, a customer got the plan. Nothing was saved. {IN_USE}"
            )
        return cleaned


class PlanItemForm(RuledForm):
    """What a plan includes of a feature."""

    def problems(self) -> Iterable[CatalogProblem]:
        """What is wrong with the item."""
        return item_problems(self.instance)


class OwnPagePlanItemForm(PlanItemForm):
    """The same on a page of its own, where the plan is chosen."""

    def problems(self) -> Iterable[CatalogProblem]:
        """What is wrong with the item, and a plan that can get none."""
        yield from super().problems()
        plan = self.instance.plan
        if not plan.is_stub and is_in_use(plan):
            yield CatalogProblem("plan", f"{IN_USE} Open the plan to do so.")
