"""Where each value of a customer comes from: a person, a source record, a merge, or unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Model, Q

from customers.formats import user_name
from customers.ingest.precedence import CLAIMED, column, is_empty, ranked, same, statement_of
from customers.models import Customer, ReceivedPayload, SourceRecord
from customers.pinned_fields import TAKEN

#: How many history rows of a row are read.
LONGEST_HISTORY = 500

#: The reasons of merges and of imports in the history begin with these.
_MERGED, _IMPORTED = ("merge", "the merge"), "imported from"


class ValueOrigin(StrEnum):
    """The origin of a value."""

    PERSON = "person"
    SOURCE = "source"
    MERGE = "merge"
    IMPORT = "import"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """The value that a source record has for a field, since when, and the payload that brought it, if it is known."""

    record: SourceRecord
    value: Any
    since: datetime
    payload_id: str | None = None


@dataclass(frozen=True, slots=True)
class FirstChange:
    """The change that set a present value; `by` is empty for imports and commands."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProvenance:
    """A field: its value, who set it and when, and the values of the source records.

    `claim` is the most trusted source record with the same value, `agreeing` are the others with it, `others` those
    with another one, the most trusted first.
    `is_overruling` if the value differs from that of the most trusted record. `news` is another value that a source
    sent after a person or a merge set this one, or after a locked value was set.
    """

    name: str
    label: str
    value: Any
    origin: ValueOrigin
    at: datetime | None
    by: str = ""
    reason: str = ""
    is_pinned: bool = False
    is_overruling: bool = False
    claim: SourceClaim | None = None
    agreeing: tuple[SourceClaim, ...] = ()
    others: tuple[SourceClaim, ...] = ()
    news: SourceClaim | None = None


def provenance_of(customer: Customer) -> list[FieldProvenance]:
    """Each column of the customer that a source may set, in a fixed number of queries."""
    records = list(customer.source_records.select_related("came_with"))
    payloads = _first_payloads(records)
    began = first_changes(customer, CLAIMED)
    return [
        trace(
            name,
            Customer.label_of(name),
            getattr(customer, name),
            began.get(name),
            source_claims(name, records, payloads),
            is_pinned=name in customer.pinned_fields,
        )
        for name in CLAIMED
    ]


def trace(
    name: str,
    label: str,
    value: Any,
    began: FirstChange | None,
    claims_of_sources: Sequence[SourceClaim],
    *,
    is_pinned: bool = False,
) -> FieldProvenance:
    """The origin of `value`, from the change that set it and the claims of the source records, most trusted first."""
    agreeing = [each for each in claims_of_sources if _is_same(each.value, value)]
    claim = agreeing[0] if agreeing else None
    origin = _origin(began, claim)
    at = began.at if began is not None else None
    if origin is ValueOrigin.SOURCE and claim is not None:
        at = claim.since
    others = tuple(each for each in claims_of_sources if not _is_same(each.value, value))
    is_decided = is_pinned or origin in (ValueOrigin.PERSON, ValueOrigin.MERGE)
    later = [each for each in others if is_decided and began is not None and each.since > began.at]
    return FieldProvenance(
        name=name,
        label=label,
        value=value,
        origin=origin,
        at=at,
        by=began.by if began is not None else "",
        reason=began.reason if began is not None else "",
        is_pinned=is_pinned,
        is_overruling=bool(claims_of_sources) and not _is_same(claims_of_sources[0].value, value),
        claim=claim,
        agreeing=tuple(agreeing[1:]),
        others=others,
        news=max(later, key=lambda each: each.since, default=None),
    )


def first_changes(row: Model, names: Sequence[str]) -> dict[str, FirstChange]:
    """By column, the change that set the present value; columns without a known change are left out."""
    history: Any = row.history  # type: ignore[attr-defined]
    found = list(
        history.select_related("history_user").order_by("-history_date", "-history_id")[: LONGEST_HISTORY + 1]
    )
    began = {}
    for name in names:
        value, first = getattr(row, name), None
        for change in found:
            if not _is_same(getattr(change, name), value):
                break
            first = change
        else:
            if len(found) > LONGEST_HISTORY:
                continue
        if first is not None:
            by = user_name(first.history_user)
            began[name] = FirstChange(first.history_date, by, first.history_change_reason or "")
    return began


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A change of a field: the value that it got, when, by whom (empty for imports and commands), and the reason."""

    value: Any
    at: datetime
    by: str
    reason: str


def changes_of(row: Model, name: str) -> list[FieldChange]:
    """The changes of a field of `row`, the latest first, as far back as `LONGEST_HISTORY` rows of its history go."""
    history: Any = row.history  # type: ignore[attr-defined]
    latest = list(
        history.select_related("history_user").order_by("-history_date", "-history_id")[: LONGEST_HISTORY + 1]
    )
    # Who set the value of the earliest row of a longer history isn't known.
    before = getattr(latest.pop(), name) if len(latest) > LONGEST_HISTORY else None
    found: list[FieldChange] = []
    for each in reversed(latest):
        value = getattr(each, name)
        if not _is_same(value, before):
            before = value
            by = user_name(each.history_user)
            found.append(FieldChange(value, each.history_date, by, each.history_change_reason or ""))
    return found[::-1]


def source_claims(
    name: str, records: Sequence[SourceRecord], payloads: Mapping[tuple[str, datetime], str]
) -> list[SourceClaim]:
    """The claims of the records on a column: the most trusted first, then those of sources that don't decide it."""
    by_key = {str(record.pk): record for record in records}
    speaking = ranked(name, map(statement_of, records))
    order = [by_key[each.key] for each in speaking]
    order += [record for record in records if name in record.claims and record not in order]
    claims_of_sources = []
    for record in order:
        since = datetime.fromisoformat(record.claims[name]["since"])
        value = column(name, record.claims[name]["value"])
        claims_of_sources.append(SourceClaim(record, value, since, payloads.get((str(record.pk), since))))
    return claims_of_sources


def _first_payloads(records: Sequence[SourceRecord]) -> dict[tuple[str, datetime], str]:
    """The ID of the payload that brought each claim, by record ID and time of arrival."""
    moments = {
        str(record.pk): {datetime.fromisoformat(claim["since"]) for claim in record.claims.values()}
        for record in records
    }
    condition = Q(pk__in=[])
    for pk, since in moments.items():
        condition |= Q(record=pk, received_at__in=since)
    found = (
        ReceivedPayload.objects.filter(condition).order_by("pk").values_list("record", "received_at", "pk")
    )
    return {(str(record), at): str(pk) for record, at, pk in found}


def _origin(began: FirstChange | None, claim: SourceClaim | None) -> ValueOrigin:
    if began is not None and began.reason.lower().startswith(_MERGED):
        return ValueOrigin.MERGE
    if began is not None and began.by and began.reason != TAKEN:
        return ValueOrigin.PERSON
    if claim is not None:
        return ValueOrigin.SOURCE
    if began is not None and began.reason.lower().startswith(_IMPORTED):
        return ValueOrigin.IMPORT
    return ValueOrigin.UNKNOWN


def _is_same(one: Any, other: Any) -> bool:
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    return one == other if isinstance(one, date) else same(one, other)
