"""Merge customers into one, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model

from crm.dedupe.merges.fields import FIELDS, IDENTIFIERS, UNIQUE, Field, is_empty, joined, row_of
from crm.dedupe.merges.locking import giving_way, lock
from crm.dedupe.merges.merged_records import document_of, nest_records
from crm.dedupe.merges.move_rows import hand_over
from crm.dedupe.merges.pairs import settle_pairs
from crm.dedupe.merges.plan import refusals, winners_of
from crm.dedupe.merges.relations import ONE_OF_EACH, Way, models_that, rows_of
from crm.document.reported import resolve_reported
from crm.models import Merge, Relationship
from customers import clock
from customers.audit.record import audit
from customers.bulk import update_rows
from customers.events import record_event
from customers.ingest.precedence import resolve
from customers.logs import log_event
from customers.models import AuditAction, Customer, EventKind
from customers.row_snapshots import as_json, take_snapshot

#: Characters of a reason that fit a history row.
_LONGEST_REASON = 100


class CannotMerge(Exception):
    """Nothing was merged. `reasons` are sentences that say why, and what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


def merge(
    survivor_id: str,
    other_ids: Sequence[str],
    *,
    choices: Mapping[str, str] | None = None,
    by: Any = None,
    reason: str = "",
    kind: EventKind = EventKind.CUSTOMER_MERGED,
) -> list[Merge]:
    """Merge the customers `other_ids` into `survivor_id`. Returns one `Merge` for each, all with the same time.

    `choices` maps a field name (see `crm.dedupe.merges.fields.FIELDS`) to the key of the customer whose value the survivor
    gets (see `plan_merge`). A value chosen against the rule is locked against imports. The merged customers stay as rows
    that lead to the survivor and own nothing. `by` is the acting user, None for a command, which needs no permission.
    `kind` is the event that is recorded.

    Raises `CannotMerge`.
    """
    with giving_way(lambda reason: CannotMerge([reason])), transaction.atomic():
        managers = _account_managers([survivor_id, *other_ids])
        done = _merge(survivor_id, other_ids, choices or {}, by, reason)
        for each in done:
            other = str(each.other_id)
            audit(
                AuditAction.MERGED,
                survivor_id,
                str(each.pk),
                by=by,
                details={"reason": reason},
                merged_id=other,
            )
            record_event(kind, survivor_id, other, by=by, merged_id=other, account_managers=managers)
    log_event("merge", survivor=survivor_id, merged=len(done), by=None if by is None else by.pk)
    return done


def save_with_history(row: Any, columns: Sequence[str], by: Any, reason: str) -> None:
    row._history_user, row._change_reason = by, reason[:_LONGEST_REASON]
    row.save(update_fields=list(columns))


def _account_managers(customer_ids: Sequence[str]) -> list[int]:
    """The keys of the account managers, before a merge leaves one of them."""
    owned = Relationship.objects.filter(customer_id__in=customer_ids).exclude(owner=None)
    return sorted(owned.order_by().values_list("owner_id", flat=True).distinct())


def _merge(
    survivor_id: str, other_ids: Sequence[str], choices: Mapping[str, str], by: Any, reason: str
) -> list[Merge]:
    found = lock([survivor_id, *other_ids])
    missing = [key for key in (survivor_id, *other_ids) if key not in found]
    if missing:
        raise CannotMerge([f"There is no customer {key}." for key in missing])
    survivor, others = found[survivor_id], [found[key] for key in other_ids]
    reasons = refusals(survivor, others, choices, by)
    if reasons:
        raise CannotMerge(reasons)
    at = clock.now()
    decided = _decided(survivor, others, choices)
    return [_merge_one(survivor, other, decided, by, at, reason) for other in others]


class _Decided:
    """The customer that each field's value comes from, by key, and the fields that a person decided, now or before."""

    def __init__(self, winners: Mapping[str, str], by_person: set[str]) -> None:
        self.winners = winners
        self.by_person = by_person


def _decided(survivor: Customer, others: Sequence[Customer], choices: Mapping[str, str]) -> _Decided:
    customers = [survivor, *others]
    by_rule, winners = winners_of(customers, {}), winners_of(customers, choices)
    handed_over = {name for other in others for name in other.pinned_fields if winners.get(name) == other.pk}
    return _Decided(winners, {name for name in choices if winners[name] != by_rule[name]} | handed_over)


def _merge_one(
    survivor: Customer, other: Customer, decided: _Decided, by: Any, at: Any, reason: str
) -> Merge:
    done = Merge(survivor=survivor, other=other, made_at=at, made_by=by, reason=reason)
    crm_id, document = document_of(other)
    changes: dict[str, Any] = {
        "tombstones": list(Customer.objects.filter(merged_into=other).values_list("pk", flat=True))
    }
    reason_of_rows = f"Merged with {other.pk}"
    changes["set"], changes["put_away"] = _join(survivor, other, decided, by, reason_of_rows)
    changes["flags"] = _unset_flags(survivor, other, reason_of_rows)
    for model in models_that(Way.COMPUTED):
        rows_of(model).filter(customer=other).delete()
    hand_over(other, survivor, models_that(Way.MOVES))
    if changed := resolve(survivor):
        save_with_history(survivor, changed, by, reason_of_rows)
    resolve_reported([survivor], reason_of_rows)
    changes["record"] = nest_records(done, crm_id, document)
    Customer.objects.filter(merged_into=other).update(merged_into=survivor)
    other.merged_into = survivor
    save_with_history(other, ["merged_into", *IDENTIFIERS], by, f"Merged into {survivor.pk}")
    changes["pairs"] = settle_pairs(done)
    done.changes = {name: value for name, value in changes.items() if value}
    done.save(force_insert=True)
    return done


def _join(
    survivor: Customer, other: Customer, decided: _Decided, by: Any, reason: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Merge the single values. Returns the values that were set, and snapshots of the rows that were deleted."""
    was_set: list[dict[str, Any]] = []
    away: list[dict[str, Any]] = []
    taken = {name for name, key in decided.winners.items() if key == other.pk}
    kinds: list[type[Model]] = [Customer, *models_that(Way.JOINS)]
    for model in kinds:
        own, theirs = row_of(model, survivor), row_of(model, other)
        if theirs is None:
            continue
        if own is None:
            hand_over(other, survivor, [model])
            _forget_rows(survivor, other)
            continue
        values = [
            (
                each,
                before,
                joined(each, coming, before) if each.name in taken else joined(each, before, coming),
            )
            for each in FIELDS.values()
            if each.model is model
            for before, coming in [(getattr(own, each.column), getattr(theirs, each.column))]
        ]
        values = [value for value in values if value[1] != value[2]]
        if model is Customer:
            was_set += _swap(survivor, other, values)
            pinned = _pin(survivor, taken & decided.by_person)
            was_set += pinned
            columns = [each.column for each, _, _ in values] + (["pinned_fields"] if pinned else [])
        else:
            columns = [each.column for each, _, _ in values]
        was_set += [_set(own, each.name, each.column, value) for each, _, value in values]
        if columns:
            save_with_history(own, columns, by, reason)
        if model is not Customer:
            away.append(take_snapshot(theirs))
            theirs._history_user, theirs._change_reason = by, reason
            theirs.delete()
            _forget_rows(survivor, other)
    return was_set, away


def _set(row: Model, name: str, column: str, value: Any) -> dict[str, Any]:
    """Set a column in memory. Returns what undoing it needs."""
    before = as_json(row, column)
    setattr(row, column, value)
    return {
        "name": name,
        "model": row._meta.label,
        "pk": str(row.pk),
        "column": column,
        "before": before,
        "after": as_json(row, column),
    }


def _swap(survivor: Customer, other: Customer, values: list[tuple[Field, Any, Any]]) -> list[dict[str, Any]]:
    """Swap identifiers: the merged customer gets the ones that the survivor gives up, so both still find the survivor."""
    swapped = []
    for each, own, theirs in values:
        if each.column not in IDENTIFIERS or is_empty(theirs):
            continue
        if is_empty(own) and each.column not in UNIQUE:
            continue
        swapped.append(_set(other, f"other.{each.name}", each.column, own))
        if each.column in UNIQUE:
            # The column is unique: clear both before either is set.
            Customer.objects.filter(pk__in=[survivor.pk, other.pk]).update(**{each.column: None})
    return swapped


def _pin(survivor: Customer, chosen: set[str]) -> list[dict[str, Any]]:
    before = as_json(survivor, "pinned_fields")
    survivor.pin(chosen)
    after = as_json(survivor, "pinned_fields")
    if before == after:
        return []
    return [
        {
            "name": "pinned_fields",
            "model": "customers.Customer",
            "pk": str(survivor.pk),
            "column": "pinned_fields",
            "before": before,
            "after": after,
        }
    ]


def _forget_rows(*customers: Customer) -> None:
    """Drop cached one-to-one rows, which have just moved."""
    for customer in customers:
        customer._state.fields_cache.clear()


def _unset_flags(survivor: Customer, other: Customer, reason: str) -> list[list[str]]:
    """Unset a flag of the merged customer's rows if the survivor has a row with it. Returns the changed rows.

    Only one row of a customer may have such a flag.
    """
    unset = []
    for model in models_that(Way.MOVES):
        flag = ONE_OF_EACH.get(model._meta.label)
        if flag is None or not rows_of(model).filter(customer=survivor, **{flag: True}).exists():
            continue
        flagged = list(rows_of(model).filter(customer=other, **{flag: True}))
        for row in flagged:
            setattr(row, flag, False)
            unset.append([model._meta.label, str(row.pk)])
        update_rows(flagged, [flag], reason)
    return unset
