"""Write the postings and ledger entries of many usages at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection

from billing.ledger.entries import EntryValues, PostingDraft
from billing.models import Grant, LedgerEntry, Posting, Rollover
from billing.usage.deduct import UsageResult, to_stored_answer
from customers.bulk import create_rows, update_rows
from customers.typed_ids import new_uuid_text, to_uuid

_NULL = r"\N"
_PREFIXES = ("cus", "feat", "ent", "grt", "roll")
_POSTINGS = (
    "COPY billing_posting (id, customer_id, kind, feature_id, entity_id, amount, occurred_at, recorded_at, done_by,"
    " reason, key, digest, answer) FROM STDIN"
)
_ENTRIES = "COPY billing_ledgerentry (id, posting_id, grant_id, rollover_id, figure, number, amount, after) FROM STDIN"
_GRANTS = (
    "UPDATE billing_grant AS owner SET usage = drawn.figure, entries = drawn.entries"
    " FROM unnest(%s::uuid[], %s::numeric[], %s::bigint[]) AS drawn (id, figure, entries) WHERE owner.id = drawn.id"
)
_ROLLOVERS = (
    'UPDATE billing_rollover AS owner SET "left" = drawn.figure, entries = drawn.entries'
    " FROM unnest(%s::uuid[], %s::numeric[], %s::bigint[]) AS drawn (id, figure, entries) WHERE owner.id = drawn.id"
)


class DrawnUsage(NamedTuple):
    """A usage that was deducted in memory: its posting (still without the stored response) and its entries."""

    draft: PostingDraft
    recorded_at: datetime
    result: UsageResult
    entries: list[EntryValues]


def write(drawn: Sequence[DrawnUsage], changed: Collection[Grant | Rollover]) -> None:
    """Write the usages and the figures of the `changed` rows, in the caller's transaction.

    Postings are written in the order of their keys, so that two transactions that write the same keys cannot deadlock.
    """
    if not drawn:
        return
    drawn = sorted(drawn, key=lambda each: each.draft.key or "")
    if connection.vendor == "postgresql":
        _copy(drawn, changed)
    else:
        _create(drawn, changed)


def _create(drawn: Iterable[DrawnUsage], changed: Iterable[Grant | Rollover]) -> None:
    postings: list[Posting] = []
    entries: list[LedgerEntry] = []
    for draft, recorded_at, result, values in drawn:
        if draft.key is not None:
            draft.answer = to_stored_answer(result)
        posting = draft.as_posting(recorded_at)
        postings.append(posting)
        entries += [each.as_entry(posting) for each in values]
    update_rows([row for row in changed if isinstance(row, Grant)], ["usage", "entries"], reason="")
    update_rows([row for row in changed if isinstance(row, Rollover)], ["left", "entries"], reason="")
    create_rows(postings, reason="")
    create_rows(entries, reason="")


def _copy(drawn: Iterable[DrawnUsage], changed: Iterable[Grant | Rollover]) -> None:
    """Write with PostgreSQL's COPY. Its lines are built by hand, because building them is most of the work."""
    uuids = _Uuids()
    moments = _Moments()
    postings: list[str] = []
    entries: list[str] = []
    for draft, recorded_at, result, values in drawn:
        posting = new_uuid_text()
        key = answer = _NULL
        if draft.key is not None:
            key = _escaped(draft.key)
            answer = _escaped(msgspec.json.encode(to_stored_answer(result, uuids.__getitem__)).decode())
        postings.append(
            f"{posting}\t{uuids[draft.customer_id]}\t{draft.kind.value}\t{uuids[draft.feature_id]}\t"
            f"{uuids[draft.entity_id]}\t{draft.amount}\t{moments[draft.occurred_at]}\t{moments[recorded_at]}\t"
            f"{_escaped(draft.done_by)}\t{_escaped(draft.reason)}\t{key}\t{draft.digest}\t{answer}\n"
        )
        for grant_id, rollover_id, figure, number, amount, after in values:
            entries.append(
                f"{new_uuid_text()}\t{posting}\t{uuids[grant_id]}\t{uuids[rollover_id]}\t{figure}\t{number}\t{amount}"
                f"\t{after}\n"
            )
    grants = [row for row in changed if isinstance(row, Grant)]
    rollovers = [row for row in changed if isinstance(row, Rollover)]
    with connection.cursor() as cursor:
        for statement, rows, figures in (
            (_GRANTS, grants, [row.usage for row in grants]),
            (_ROLLOVERS, rollovers, [row.left for row in rollovers]),
        ):
            if rows:
                ids = [uuids[row.pk] for row in rows]
                cursor.execute(statement, [ids, figures, [row.entries for row in rows]])
        with connection.wrap_database_errors:
            for statement, lines in ((_POSTINGS, postings), (_ENTRIES, entries)):
                with cursor.copy(statement) as copy:
                    copy.write("".join(lines))


class _Uuids(dict[str | None, str]):
    """UUIDs as text, by typed ID; `\\N` for None."""

    def __missing__(self, typed_id: str | None) -> str:
        text = _NULL if typed_id is None else str(to_uuid(typed_id, _PREFIXES))
        self[typed_id] = text
        return text


class _Moments(dict[datetime, str]):
    """Times as PostgreSQL reads them."""

    def __missing__(self, moment: datetime) -> str:
        self[moment] = text = moment.isoformat()
        return text


def _escaped(text: str) -> str:
    """`text` as a column of COPY."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
