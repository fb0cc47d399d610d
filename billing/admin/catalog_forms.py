"""The forms of the catalog. They follow the same rules as a catalog import."""

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
    "This version is in use, so its price and allowances are locked. Create a new version to change them."
)


class RuledForm(RecordForm):
    """A form that enforces `problems` when it changes a column in `ruled`, or any column if `ruled` is empty.

    So a row that was imported with problems can still be renamed or archived.
    """

    ruled: frozenset[str] = frozenset()

    def problems(self) -> Iterable[CatalogProblem]:
        """The problems of the row as the form would save it."""
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
    """A feature. Its type may be locked because plans or balances rely on it."""

    ruled = frozenset({"type", "is_stub"})

    def problems(self) -> Iterable[CatalogProblem]:
        feature = self.instance
        if feature._state.adding:
            return ()
        was = "" if self.initial.get("is_stub") else self.initial["type"]
        return feature_problems(feature, was, uses_of([feature])[feature.pk])


class CreditCostForm(RuledForm):
    def problems(self) -> Iterable[CatalogProblem]:
        return cost_problems(self.instance)


class CreditCostFormSet(RecordFormSet):
    """The costs on the form of a credit system, checked against the system as the form would save it."""

    def _construct_form(self, i: int, **options: Any) -> Any:
        form = super()._construct_form(i, **options)
        form.instance.credit_system = self.instance
        return form

    def clean(self) -> None:
        """Refuse costs of a feature that isn't a credit system."""
        super().clean()
        leaving = [form.instance.pk for form in self.initial_forms if self._should_delete_form(form)]
        left = CreditCost.objects.filter(credit_system=self.instance.pk).exclude(pk__in=leaving)
        if self.instance.type != Feature.Type.CREDIT_SYSTEM and left.exists():
            raise ValidationError(
                "Delete the credit costs, or keep the type. Only credit systems have credit costs."
            )


class PlanForm(RuledForm):
    """A plan. While it is in use, the form leaves out its `TERMS`."""

    ruled = frozenset(TERMS)

    def problems(self) -> Iterable[CatalogProblem]:
        return plan_problems(self.instance)

    def clean(self) -> dict[str, Any] | None:
        """Refuse a request with terms that were locked after the page was opened."""
        cleaned = super().clean()
        is_known = not self.instance._state.adding
        if is_known and any(name in self.data and name not in self.fields for name in TERMS):
            raise ValidationError(
                f"Nothing was saved, because a customer got this plan while the form was open. {IN_USE}"
            )
        return cleaned


class PlanItemForm(RuledForm):
    def problems(self) -> Iterable[CatalogProblem]:
        return item_problems(self.instance)


class OwnPagePlanItemForm(PlanItemForm):
    """An item on its own page, where the plan is chosen too."""

    def problems(self) -> Iterable[CatalogProblem]:
        yield from super().problems()
        plan = self.instance.plan
        if not plan.is_stub and is_in_use(plan):
            yield CatalogProblem("plan", f"{IN_USE} Open the plan to create one.")
