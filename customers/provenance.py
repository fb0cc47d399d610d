"""Where each value of a customer comes from: a person, a record of a source, a merge, or nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Model, Q

from customers.ingest.precedence import CLAIMED, column, is_empty, ranked, same, statement_of
from customers.models import Customer, ReceivedPayload, SourceRecord
from customers.pinned_fields import TAKEN

#: How far back a row's history is read.
LONGEST_HISTORY = 500

#: How the reasons of the history begin that are a merge's, or an import's.
_MERGED, _IMPORTED = ("merge", "the merge"), "imported from"


class Origin(StrEnum):
    """Who gave a value."""

    PERSON = "person"
    SOURCE = "source"
    MERGE = "merge"
    IMPORT = "import"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """What one record says of a field, since when, and the payload in which it first did, if that is kept."""

    record: SourceRecord
    value: Any
    since: datetime
    payload_id: str | None = None


@dataclass(frozen=True, slots=True)
class FirstChange:
    """The change with which a value began, as the history has it; `by` is empty where nobody was signed in."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProvenance:
    """A field: its value, who gave it and when, and what the records say.

    `claim` is the record that says just that, `others` those that say something else, whoever counts most first.
    `is_overruling` if the value is not what the one says that counts most. `news` is what a
    source has said otherwise since a person or a merge decided the value, or since a pinned value began.
    """

    name: str
    label: str
    value: Any
    origin: Origin
    at: datetime | None
    by: str = ""
    reason: str = ""
    is_pinned: bool = False
    is_overruling: bool = False
    claim: SourceClaim | None = None
    others: tuple[SourceClaim, ...] = ()
    news: SourceClaim | None = None


def provenance_of(customer: Customer) -> list[FieldProvenance]:
    """Each of the customer's own columns that a source may set. The number of queries is always the same."""
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
    """Who gave `value`, from the change with which it began and from what the records say, best first."""
    claim = next((each for each in claims_of_sources if _is_same(each.value, value)), None)
    origin = _origin(began, claim)
    at = began.at if began is not None else None
    if origin is Origin.SOURCE and claim is not None:
        at = claim.since
    others = tuple(each for each in claims_of_sources if not _is_same(each.value, value))
    is_decided = is_pinned or origin in (Origin.PERSON, Origin.MERGE)
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
        others=others,
        news=max(later, key=lambda each: each.since, default=None),
    )


def first_changes(row: Model, names: Sequence[str]) -> dict[str, FirstChange]:
    """By column, the change with which its present value began; nothing where the history does not tell."""
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
            user = first.history_user
            by = (user.get_full_name() or user.get_username()) if user else ""
            began[name] = FirstChange(first.history_date, by, first.history_change_reason or "")
    return began


def source_claims(
    name: str, records: Sequence[SourceRecord], payloads: Mapping[tuple[str, datetime], str]
) -> list[SourceClaim]:
    """What the records claim of a column, whoever counts most first; then those who are not asked about it."""
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
    """The payload with which each claim began, by record and moment."""
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


def _origin(began: FirstChange | None, claim: SourceClaim | None) -> Origin:
    if began is not None and began.reason.lower().startswith(_MERGED):
        return Origin.MERGE
    if began is not None and began.by and began.reason != TAKEN:
        return Origin.PERSON
    if claim is not None:
        return Origin.SOURCE
    if began is not None and began.reason.lower().startswith(_IMPORTED):
        return Origin.IMPORT
    return Origin.UNKNOWN


def _is_same(one: Any, other: Any) -> bool:
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    return one == other if isinstance(one, date) else same(one, other)
