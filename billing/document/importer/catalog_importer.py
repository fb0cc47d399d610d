"""Imports a catalog in one transaction; each feature and plan is accepted or refused on its own.

Unlike a customer's document, a catalog creates no stubs: everything that it names must be in it, or exist already. Only
the ID of an item's feature is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from django.db import transaction
from msgspec import UNSET, structs

from billing.catalog.in_use import uses_of
from billing.catalog.rules import (
    DOCUMENT_STEPS,
    CatalogProblem,
    FeatureInUse,
    cost_problems,
    feature_problems,
    item_problems,
    plan_problems,
)
from billing.catalog.versions import VersionTerms, choose_version
from billing.document import schema
from billing.document.importer.catalog import (
    FEATURE_FIELDS,
    ITEM_FIELDS,
    PLAN_FIELDS,
    PlanName,
    PlanVersion,
    item_columns,
    plan_columns,
    upsert_features,
    upsert_plans,
)
from billing.document.importer.catalog_file import CatalogEntry
from billing.models import CreditCost, Feature, Plan, PlanItem
from customers.bulk import pieces
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.ingest.engine import wait_for_other_imports
from customers.ingest.reader import BadRecord
from customers.json_types import JsonDocument, Refused, Remark, encode, within

_D = TypeVar("_D", bound=JsonDocument)

_LONGEST_REASON = 100
_NEW = (
    "Created version {1} of {0}, because its price or allowances differ from version {2}. Customers keep the version"
    " they have."
)
_OLD = "This is version {} of {}. Version {} stays the latest. To return to these terms, use version {}."
_CURRENCY = "The plan {} stays in {}. To change its currency, create a new version in the admin."


class CatalogOutcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    NEW_VERSION = "new version"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """The outcome of one entry, with the remarks on it or all reasons for its refusal. Paths start at the file."""

    entry: CatalogEntry
    outcome: CatalogOutcome
    remarks: list[Remark] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def bad(self) -> BadRecord:
        """The refused entry as a line of the errors file."""
        first, *others = self.refused
        reason = " ".join([first.reason, *(f"Also {each.path}: {each.reason}" for each in others)])
        return BadRecord(self.entry.number, first.path, reason, encode(self.entry.value).decode())


@transaction.atomic
def import_catalog(
    entries: Sequence[CatalogEntry], *, currency: str | None = None, origin: str = ""
) -> list[CatalogReport]:
    """Import `entries` and report on each, in order.

    A bad entry is refused with all of its problems. A plan that needs a refused feature is refused too. Every other
    entry is imported. `choose_version` decides the version of a plan: the terms of a version never change, and
    importing a file again changes nothing. `currency` is the ISO 4217 code for new plans.
    """
    wait_for_other_imports()
    reason = "Imported from a catalog" + (f": {origin}" if origin else "")
    taking = _CatalogImport(entries, currency, reason[:_LONGEST_REASON])
    plans = taking.parsed("plan", schema.parse_plan, _plan_version)
    features = taking.upsert_features(taking.parsed("feature", schema.parse_feature, _feature_id), plans)
    taking.upsert_plans(plans, features)
    return [taking.report(entry) for entry in entries]


class _CatalogImport:
    """One import: refusals, remarks and outcomes by the number of the entry."""

    def __init__(self, entries: Sequence[CatalogEntry], currency: str | None, reason: str) -> None:
        self._entries = entries
        self._currency = currency
        self._reason = reason
        self._refused: dict[int, list[Refused]] = defaultdict(list)
        self._remarks: dict[int, list[Remark]] = defaultdict(list)
        self._outcomes: dict[int, CatalogOutcome] = {}
        #: The paths of the refused features, by feature ID.
        self._missing: dict[str, str] = {}

    def report(self, entry: CatalogEntry) -> CatalogReport:
        path, number = entry.path, entry.number
        if refused := self._refused[number]:
            whole = [Refused(path + each.path[1:], each.reason) for each in refused]
            return CatalogReport(entry, CatalogOutcome.REFUSED, refused=whole)
        remarks = [Remark(path + each.path[1:], each.text) for each in self._remarks[number]]
        return CatalogReport(entry, self._outcomes[number], remarks)

    def parsed(
        self, kind: str, parse: Callable[[object], _D], key: Callable[[_D], Hashable]
    ) -> list[tuple[CatalogEntry, _D]]:
        """The valid entries of one kind; those that share a `key` are refused."""
        read = []
        for entry in self._entries:
            if entry.kind == kind:
                try:
                    read.append((entry, parse(entry.value)))
                except Refused as refused:
                    self._refuse(entry, refused)
        alike: dict[Hashable, list[CatalogEntry]] = defaultdict(list)
        for entry, document in read:
            alike[key(document)].append(entry)
        for entry, document in read:
            others = [other.path for other in alike[key(document)] if other is not entry]
            if others:
                reason = f"Keep one of them. {', '.join(others)} has the same {kind}."
                self._refuse(entry, Refused("$", reason))
        return [(entry, document) for entry, document in read if not self._refused[entry.number]]

    def upsert_features(
        self,
        described: Sequence[tuple[CatalogEntry, schema.Feature]],
        plans: Sequence[tuple[CatalogEntry, schema.Plan]],
    ) -> dict[str, Feature]:
        """Create or update the features; return them and the existing ones that `plans` name, by feature ID."""
        named = {item.feature_id for _, plan in plans for item in plan.items}
        metered = {cost.metered_feature_id for _, each in described for cost in each.credit_schema or ()}
        wanted = named | metered | {each.id for _, each in described}
        known = {
            row.feature_id: row
            for piece in pieces(sorted(wanted))
            for row in Feature.objects.filter(feature_id__in=piece)
        }
        self._check_features(described, known)
        accepted = [(entry, each) for entry, each in described if not self._refused[entry.number]]
        before = _feature_states(known.values())
        rows = upsert_features([each for _, each in accepted], self._reason, named & known.keys())
        after = _feature_states(rows.values())
        for entry, each in accepted:
            key = rows[each.id].pk
            self._outcomes[entry.number] = _outcome(before.get(key), after[key])
        return rows

    def upsert_plans(
        self, described: Sequence[tuple[CatalogEntry, schema.Plan]], features: Mapping[str, Feature]
    ) -> None:
        """Create or update the plans."""
        ours = _KnownVersions({plan.id for _, plan in described})
        newest: dict[PlanName, int] = {}
        for _, plan in described:
            newest[plan.env, plan.id] = max(newest.get((plan.env, plan.id), 0), plan.version)
        accepted: list[tuple[CatalogEntry, schema.Plan]] = []
        for entry, plan in described:
            try:
                row, items = self._checked(entry, plan, features)
                if not self._refused[entry.number]:
                    accepted.append((entry, self._versioned(entry, plan, row, items, ours, newest)))
            except Refused as refused:
                self._refuse(entry, refused)
        before = _plan_states(ours.rows.values())
        rows = upsert_plans([plan for _, plan in accepted], features, self._reason, currency=self._currency)
        after = _plan_states(rows.values())
        first = {name: min(versions) for name, versions in _numbers(rows).items()}
        for entry, plan in accepted:
            key = rows[_plan_version(plan)].pk
            outcome = _outcome(before.get(key), after[key])
            if outcome == CatalogOutcome.CREATED and plan.version != first[plan.env, plan.id]:
                outcome = CatalogOutcome.NEW_VERSION
            self._outcomes[entry.number] = outcome

    def _check_features(
        self, described: Sequence[tuple[CatalogEntry, schema.Feature]], known: Mapping[str, Feature]
    ) -> None:
        uses = uses_of(known[each.id] for _, each in described if each.id in known)
        valid = dict(known)
        # Credit systems come last, because they name metered features, never one another.
        for entry, each in sorted(described, key=lambda pair: pair[1].type == "credit_system"):
            ours = known.get(each.id)
            was = "" if ours is None or ours.is_stub else ours.type
            use = FeatureInUse() if ours is None else uses[str(ours.pk)]
            row = Feature(feature_id=each.id, type=each.type)
            found = [_refusal(Feature, problem) for problem in feature_problems(row, was, use)]
            found += self._cost_refusals(each, row, valid)
            self._refuse(entry, *found)
            if not found:
                valid[each.id] = row

    def _cost_refusals(
        self, feature: schema.Feature, row: Feature, valid: Mapping[str, Feature]
    ) -> list[Refused]:
        found: list[Refused] = []
        for index, cost in enumerate(feature.credit_schema or ()):
            metered = row if cost.metered_feature_id == row.feature_id else valid.get(cost.metered_feature_id)
            if metered is None:
                steps = ("credit_schema", index, "metered_feature_id")
                found.append(Refused(within("$", *steps), self._unknown(cost.metered_feature_id)))
                continue
            row_of_cost = CreditCost(credit_system=row, metered_feature=metered, credit_cost=cost.credit_cost)
            found += (
                _refusal(CreditCost, problem, "credit_schema", index)
                for problem in cost_problems(row_of_cost)
            )
        return found

    def _checked(
        self, entry: CatalogEntry, plan: schema.Plan, features: Mapping[str, Feature]
    ) -> tuple[Plan, list[PlanItem]]:
        """Unsaved rows of `plan` and its items; their problems are added to the refusals."""
        found = self._refused[entry.number]
        currency = self._currency or value_of(DEFAULT_CURRENCY)
        row = Plan(plan_id=plan.id, currency=currency, **{"config": {}, **plan_columns(plan)})
        found += (_refusal(Plan, problem) for problem in plan_problems(row))
        items: list[PlanItem] = []
        for index, item in enumerate(plan.items):
            feature = features.get(item.feature_id)
            if feature is None:
                path = within("$", "items", index, "feature_id")
                found.append(Refused(path, self._unknown(item.feature_id)))
                continue
            items.append(PlanItem(feature=feature, **item_columns(item)))
            found += (_refusal(PlanItem, problem, "items", index) for problem in item_problems(items[-1]))
        return row, items

    def _versioned(
        self,
        entry: CatalogEntry,
        plan: schema.Plan,
        row: Plan,
        items: Iterable[PlanItem],
        ours: _KnownVersions,
        newest: Mapping[PlanName, int],
    ) -> schema.Plan:
        """`plan` with the number of the version to write, and what it leaves out taken from the latest version."""
        name = (plan.env, plan.id)
        terms = VersionTerms.of(row, items, says_config=plan.config is not UNSET)
        existing = ours.terms[name]
        is_newest = plan.version == newest[name]
        number = choose_version(plan.version, terms, existing, is_newest=is_newest)
        if not existing:
            return plan
        latest = ours.rows[(*name, max(existing))]
        remarks = self._remarks[entry.number]
        if number > latest.version and number != plan.version:
            remarks.append(Remark("$.version", _NEW.format(plan.id, number, latest.version)))
        elif is_newest and number < latest.version and not terms.agree(existing[latest.version]):
            remarks.append(
                Remark("$.version", _OLD.format(number, plan.id, latest.version, latest.version + 1))
            )
        if self._currency not in (None, latest.currency):
            remarks.append(Remark("$", _CURRENCY.format(plan.id, latest.currency)))
        if number in existing:
            return structs.replace(plan, version=schema.Whole(number))
        return structs.replace(
            plan,
            version=schema.Whole(number),
            config=latest.config if plan.config is UNSET else plan.config,
            metadata=latest.metadata if plan.metadata is UNSET else plan.metadata,
        )

    def _refuse(self, entry: CatalogEntry, *refused: Refused) -> None:
        self._refused[entry.number] += refused
        if refused and entry.kind == "feature" and isinstance(entry.value, dict):
            self._missing[str(entry.value.get("id"))] = entry.path

    def _unknown(self, feature_id: str) -> str:
        if feature_id in self._missing:
            return f"Correct the feature {feature_id!r} first. It was refused at {self._missing[feature_id]}."
        return f"Add the feature {feature_id!r} to the features, or correct the ID. It doesn't exist."


class _KnownVersions:
    """The existing versions of some plans, locked. `terms` leaves out stubs."""

    def __init__(self, plan_ids: set[str]) -> None:
        self.rows: dict[PlanVersion, Plan] = {
            (row.env, row.plan_id, row.version): row
            for piece in pieces(sorted(plan_ids))
            for row in Plan.objects.select_for_update().filter(plan_id__in=piece)
        }
        items = _items_of(self.rows.values())
        self.terms: dict[PlanName, dict[int, VersionTerms]] = defaultdict(dict)
        for (env, plan_id, number), row in self.rows.items():
            if not row.is_stub:
                self.terms[env, plan_id][number] = VersionTerms.of(row, items[str(row.pk)])


def _feature_id(feature: schema.Feature) -> str:
    return feature.id


def _plan_version(plan: schema.Plan) -> PlanVersion:
    return plan.env, plan.id, int(plan.version)


def _refusal(model: type, problem: CatalogProblem, *steps: str | int) -> Refused:
    inside = DOCUMENT_STEPS.get(model, {}).get(problem.field, (problem.field,))
    return Refused(within("$", *steps, *inside), problem.message)


def _outcome(before: object, after: object) -> CatalogOutcome:
    if before is None:
        return CatalogOutcome.CREATED
    return CatalogOutcome.UNCHANGED if before == after else CatalogOutcome.UPDATED


def _numbers(rows: Iterable[PlanVersion]) -> dict[PlanName, list[int]]:
    numbers: dict[PlanName, list[int]] = defaultdict(list)
    for env, plan_id, number in rows:
        numbers[env, plan_id].append(number)
    return numbers


def _items_of(plans: Iterable[Plan]) -> dict[str, list[PlanItem]]:
    items: dict[str, list[PlanItem]] = defaultdict(list)
    for piece in pieces(plan.pk for plan in plans):
        for item in PlanItem.objects.filter(plan__in=piece).select_related("feature"):
            items[str(item.plan_id)].append(item)
    return items


def _plan_states(plans: Iterable[Plan]) -> dict[str, Any]:
    rows = list(plans)
    items = _items_of(rows)
    return {
        row.pk: (
            _columns(row, PLAN_FIELDS),
            [(item.feature_id, _columns(item, ITEM_FIELDS)) for item in items[row.pk]],
        )
        for row in rows
    }


def _feature_states(features: Iterable[Feature]) -> dict[str, Any]:
    rows = list(features)
    costs: dict[str, list[Any]] = defaultdict(list)
    for piece in pieces(row.pk for row in rows):
        for cost in CreditCost.objects.filter(credit_system__in=piece):
            costs[str(cost.credit_system_id)].append((cost.metered_feature_id, cost.credit_cost))
    return {row.pk: (_columns(row, FEATURE_FIELDS), costs[row.pk]) for row in rows}


def _columns(row: Feature | Plan | PlanItem, names: Iterable[str]) -> list[Any]:
    return [getattr(row, name) for name in names]
