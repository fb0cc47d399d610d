"""Undo a merge: values and rows go back. A person decides on values that were edited since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import Model

from crm.dedupe.merges.fields import FIELDS, UNIQUE
from crm.dedupe.merges.left_records import forget_values
from crm.dedupe.merges.locking import giving_way, lock
from crm.dedupe.merges.merge import save_with_history
from crm.dedupe.merges.merged_records import unnest_records
from crm.dedupe.merges.move_rows import give_back
from crm.dedupe.merges.pairs import unsettle_pairs
from crm.dedupe.merges.plan import PERMISSION
from crm.dedupe.merges.relations import ONE_OF_EACH, Way, models_that, rows_of
from crm.document.reported import COMPANY_FIELDS, RELATIONSHIP_FIELDS, resolve_reported
from crm.models import Company, Merge, Relationship
from customers import clock
from customers.audit.record import audit
from customers.bulk import update_rows
from customers.ingest.precedence import CLAIMED, default_of_column, empty_unclaimed, is_imported, resolve
from customers.logs import log_event
from customers.models import AuditAction, Customer, SourceRecord
from customers.row_snapshots import as_json, from_json, restore_snapshot

KEEP, RESTORE = "keep", "restore"


class CannotUnmerge(Exception):
    """Nothing was undone. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that the merge set and that was edited since.

    A person decides under `name`: keep what is there `now`, or restore what was there `before` the merge.
    """

    name: str
    label: str
    before: Any
    after: Any
    now: Any


class Unsettled(CannotUnmerge):
    """Values were edited since the merge, and no decision was given for them."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        names = ", ".join(each.label for each in conflicts)
        super().__init__(
            f"Edited since the merge: {names}. Choose for each whether to keep the present value or to restore the"
            " former one."
        )
        self.conflicts = list(conflicts)


def conflicts_of(merge: Merge) -> list[Conflict]:
    """Values that the merge set and that were edited since. Each needs a decision before the undo."""
    found = []
    for each in merge.changes.get("set", ()):
        row = _row(each)
        if row is None or each["name"] == "pinned_fields" or _is_locked_since(merge, row, each["column"]):
            continue
        now = as_json(row, each["column"])
        if now not in (each["after"], each["before"]) and not _comes_from_records(merge, row, each["column"]):
            found.append(Conflict(each["name"], _label(each["name"]), each["before"], each["after"], now))
    return found


def _is_locked_since(merge: Merge, row: Model, column: str) -> bool:
    """Whether a person locked the field after the merge. Such a decision stays with the customer."""
    if not isinstance(row, Customer) or column not in row.pinned_fields:
        return False
    by_merge = [each for each in merge.changes.get("set", ()) if each["name"] == "pinned_fields"]
    return not any(column in each["after"] for each in by_merge)


def _comes_from_records(merge: Merge, row: Model, column: str) -> bool:
    """Whether records of the two have the column. It then changed by imports, since what people edit is locked."""
    if column in getattr(row, "pinned_fields", ()):
        return False
    if isinstance(row, Company):
        return column in COMPANY_FIELDS
    if isinstance(row, Relationship):
        return column in RELATIONSHIP_FIELDS
    if not isinstance(row, Customer) or column not in CLAIMED:
        return False
    together: Any = SourceRecord.objects.filter(customer=merge.survivor_id, claims__has_key=column)
    return bool(together.exists())


def rows_that_go_back(merge: Merge) -> list[tuple[str, int]]:
    """The rows that go back to the merged customer: the name of each list, and how many."""
    origin_ids = Merge.objects.origin_ids_of(str(merge.other_id))
    counted = (
        (model, rows_of(model).filter(customer=merge.survivor_id, came_with__in=origin_ids).count())
        for model in models_that(Way.MOVES)
    )
    return [
        (str(model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural), count)
        for model, count in counted
        if count
    ]


def hindrance(merge: Merge) -> str:
    """Why the merge can't be undone, and what to do first. Empty if it can."""
    if merge.undone_at is not None:
        return "This merge was already undone."
    into = merge.survivor.merged_into
    if into is not None:
        later = Merge.objects.standing().filter(other=merge.survivor).first()
        which = f"Undo {later.pk} first" if later is not None else "Undo that merge first"
        return f"{merge.survivor} was merged into {into} ({into.pk}) since. {which}."
    for later in Merge.objects.standing().filter(survivor=merge.survivor, pk__gt=merge.pk).order_by("-pk"):
        if _builds_on(later, merge):
            return f"{later.other} was merged into {merge.survivor} since and changed the same values. Undo {later.pk} first."
    return ""


def unmerge(merge: Merge, *, by: Any = None, settle: Mapping[str, str] | None = None) -> Merge:
    """Make the merged customer a separate customer again, with its rows in their present state.

    `settle` maps each conflict's name to `keep` or `restore`. What its subscriptions and entities produced
    since goes with them. Everything else that was added since stays with the survivor. `by` is the acting
    user, None for a command, which needs no permission. All or nothing.

    Raises `CannotUnmerge`, and its subclass `Unsettled` with the conflicts that have no decision.
    """
    with giving_way(CannotUnmerge), transaction.atomic():
        undone = _unmerge(merge, by, settle or {})
        audit(
            AuditAction.UNMERGED,
            str(merge.survivor_id),
            str(merge.pk),
            by=by,
            merged_id=str(merge.other_id),
        )
    log_event(
        "unmerge", merge=str(merge.pk), survivor=str(merge.survivor_id), by=None if by is None else by.pk
    )
    return undone


def _unmerge(merge: Merge, by: Any, settle: Mapping[str, str]) -> Merge:
    if by is not None and not by.has_perm(PERMISSION):
        raise CannotUnmerge(
            "You can't undo merges. Ask an administrator for the permission to merge customers."
        )
    found = lock([merge.survivor_id, merge.other_id])
    merge = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    merge.survivor, merge.other = found[merge.survivor_id], found[merge.other_id]
    if problem := hindrance(merge):
        raise CannotUnmerge(problem)
    conflicts = {each.name: each for each in conflicts_of(merge)}
    unknown = [name for name in settle if name not in conflicts]
    if unknown:
        raise CannotUnmerge(f"No decision is needed for {', '.join(unknown)}. Leave it out.")
    unsettled = [each for name, each in conflicts.items() if settle.get(name) not in (KEEP, RESTORE)]
    if unsettled:
        raise Unsettled(unsettled)
    kept = {name for name, wanted in settle.items() if wanted == KEEP}
    try:
        with transaction.atomic():
            _undo(merge, by, kept)
    except IntegrityError as refused:
        reason = str(refused).strip().splitlines()[0]
        raise CannotUnmerge(
            f"Couldn't undo the merge: another customer now has an identifier that would be restored ({reason})."
        ) from refused
    return merge


def _undo(merge: Merge, by: Any, kept: set[str]) -> None:
    survivor, other, changes = merge.survivor, merge.other, merge.changes
    at = clock.now()
    tombstones = set(changes.get("tombstones", ()))
    origin_ids = {str(other.pk), *tombstones}
    told = f"The merge with {other.pk} was undone"
    # Triggers refuse a row that moves to a merged customer, so it is unmerged first.
    other.merged_into = None
    _restore(merge, by, kept, told)
    Customer.objects.filter(pk__in=tombstones).update(merged_into=other)
    give_back(survivor, other, origin_ids, [*models_that(Way.MOVES), *models_that(Way.JOINS)])
    for away in changes.get("put_away", ()):
        row = restore_snapshot(away)
        if not rows_of(type(row)).filter(customer=other).exists():
            row._history_user, row._change_reason = by, told  # type: ignore[attr-defined]
            row.save(force_insert=True)
    _set_flags(merge, told)
    unnest_records(merge, origin_ids, changes.get("record", {}))
    _resolve(merge, by, kept, told)
    forget_values([survivor.pk], other.source_records.all())
    resolve_reported([survivor, other], told)
    merge.undone_at, merge.undone_by = at, by
    merge.save(update_fields=["undone_at", "undone_by"])
    unsettle_pairs(merge, changes.get("pairs", {}))


def _resolve(merge: Merge, by: Any, kept: set[str], told: str) -> None:
    """Give both customers what their own records say now: imports since the merge may have changed it."""
    for customer, prefix in ((merge.survivor, ""), (merge.other, "other.")):
        before = {name: getattr(customer, name) for name in CLAIMED}
        changed = resolve(customer)
        if is_imported(customer):
            changed += empty_unclaimed(customer)
        elif customer is merge.survivor:
            changed += _restore_unclaimed(merge)
        for name in [name for name in changed if f"{prefix}{name}" in kept]:
            setattr(customer, name, before[name])
            changed.remove(name)
        if changed:
            save_with_history(customer, changed, by, told)


def _restore_unclaimed(merge: Merge) -> list[str]:
    """Restore columns that only the other customer's records have claims on. Return the names of those that changed.

    While the customers were merged, imports of these records may have changed them.
    """
    survivor: Any = merge.survivor
    then = (
        survivor.history.filter(history_date__lt=merge.made_at).order_by("history_date", "history_id").last()
    )
    of_other = {name for record in merge.other.source_records.all() for name in record.claims}
    own = {name for record in survivor.source_records.all() for name in record.claims}
    changed = []
    for name in of_other.intersection(CLAIMED) - own - {*survivor.pinned_fields}:
        if then is None or getattr(survivor, name) == getattr(then, name):
            continue
        is_gone = as_json(then.instance, name) in merge.changes.get("gone", {}).get(name, ())
        setattr(survivor, name, default_of_column(name) if is_gone else getattr(then, name))
        changed.append(name)
    return changed


def _restore(merge: Merge, by: Any, kept: set[str], told: str) -> None:
    """Give every column that the merge set its former value, except those to keep, and those that records decide."""
    derived = {
        str(each.pk): set(Customer.PINNABLE) - {*each.pinned_fields, *kept}
        for each in (merge.survivor, merge.other)
        if is_imported(each)
    }
    rows: dict[tuple[str, str], Any] = {
        ("customers.Customer", str(each.pk)): each for each in (merge.survivor, merge.other)
    }
    columns: dict[tuple[str, str], list[str]] = {("customers.Customer", str(merge.other_id)): ["merged_into"]}
    for each in merge.changes.get("set", ()):
        place = each["model"], each["pk"]
        row: Any = rows.get(place) or _row(each)
        if row is None or each["name"] in kept or _is_locked_since(merge, row, each["column"]):
            continue
        if each["column"] in derived.get(str(row.pk), ()):
            continue
        rows[place] = row
        column, value = each["column"], each["before"]
        if each["name"] == "pinned_fields":
            added = set(each["after"]) - set(value)
            value = [name for name in row.pinned_fields if name not in added]
        setattr(row, column, from_json(type(row), column, value))
        columns.setdefault(place, []).append(column)
    both = Customer.objects.filter(pk__in=[merge.survivor_id, merge.other_id])
    for column in UNIQUE:
        if any(column in each for (model, _), each in columns.items() if model == "customers.Customer"):
            # The column is unique: clear both before either is set.
            both.update(**{column: None})
            for each in (merge.survivor, merge.other):
                names = columns.setdefault(("customers.Customer", str(each.pk)), [])
                if column not in names:
                    names.append(column)
    for place, names in columns.items():
        save_with_history(rows[place], names, by, told)


def _set_flags(merge: Merge, told: str) -> None:
    for label, key in merge.changes.get("flags", ()):
        rows = rows_of(apps.get_model(label))
        flag = ONE_OF_EACH[label]
        if not rows.filter(customer=merge.other_id, **{flag: True}).exists():
            again = list(rows.filter(pk=key, customer=merge.other_id))
            for row in again:
                setattr(row, flag, True)
            update_rows(again, [flag], told)


def _builds_on(later: Merge, earlier: Merge) -> bool:
    """Whether the later merge relies on values or rows that undoing the earlier one would take away."""
    places = {(each["model"], each["pk"], each["column"]) for each in earlier.changes.get("set", ())}
    set_since = later.changes.get("set", ())
    if any((each["model"], each["pk"], each["column"]) in places for each in set_since):
        return True
    origin_ids = {str(earlier.other_id), *earlier.changes.get("tombstones", ())}
    joined = {away["model"] for away in later.changes.get("put_away", ())}
    return any(
        rows_of(model).filter(customer=earlier.survivor_id, came_with__in=origin_ids).exists()
        for model in models_that(Way.JOINS)
        if model._meta.label in joined
    )


def _row(change: dict[str, Any]) -> Model | None:
    row: Model | None = rows_of(apps.get_model(change["model"])).filter(pk=change["pk"]).first()
    return row


def _label(name: str) -> str:
    if name in FIELDS:
        return FIELDS[name].label
    field = name.partition(".")[2]
    return f"the merged customer's {FIELDS[field].label}"
