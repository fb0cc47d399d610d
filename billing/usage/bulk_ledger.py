"""Write many uses into the ledger at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.db import connection

from billing.models import Grant, LedgerEntry, Posting, Rollover
from billing.usage.deduct import UsageRequest, UsageResult, to_stored_answer
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


class DrawnEntry(NamedTuple):
    """One change of a figure, as its ledger entry will say it."""

    row: Grant | Rollover
    figure: str
    number: int
    amount: Decimal
    after: Decimal


class DrawnUsage(NamedTuple):
    """A use that was drawn, as its posting will say it."""

    use: UsageRequest
    customer_id: str
    at: datetime
    recorded_at: datetime
    digest: str
    used: UsageResult
    entries: list[DrawnEntry]


def write(posted: Sequence[DrawnUsage], changed: Collection[Grant | Rollover]) -> None:
    """Write the uses, and the figures of the rows that they changed; in the caller's transaction.

    Postings go in by their keys, so that two who write the same ones do not wait for each other crosswise.
    """
    if not posted:
        return
    posted = sorted(posted, key=lambda each: each.use.key or "")
    if connection.vendor == "postgresql":
        _copy(posted, changed)
    else:
        _create(posted, changed)


def _kind(use: UsageRequest) -> Posting.Kind:
    return Posting.Kind.USAGE if use.amount > 0 else Posting.Kind.REFUND


def _create(posted: Iterable[DrawnUsage], changed: Iterable[Grant | Rollover]) -> None:
    postings: list[Posting] = []
    entries: list[LedgerEntry] = []
    for each in posted:
        use = each.use
        posting = Posting(
            customer_id=each.customer_id,
            kind=_kind(use),
            feature_id=use.feature.pk,
            entity_id=use.entity_id,
            amount=use.amount,
            occurred_at=each.at,
            recorded_at=each.recorded_at,
            done_by=use.done_by,
            reason=use.reason,
            key=use.key,
            digest=each.digest,
            answer=None if use.key is None else to_stored_answer(each.used),
        )
        postings.append(posting)
        for row, figure, number, amount, after in each.entries:
            entry = LedgerEntry(posting=posting, figure=figure, number=number, amount=amount, after=after)
            if isinstance(row, Grant):
                entry.grant = row
            else:
                entry.rollover = row
            entries.append(entry)
    update_rows([row for row in changed if isinstance(row, Grant)], ["usage", "entries"], reason="")
    update_rows([row for row in changed if isinstance(row, Rollover)], ["left", "entries"], reason="")
    create_rows(postings, reason="")
    create_rows(entries, reason="")


def _copy(posted: Iterable[DrawnUsage], changed: Iterable[Grant | Rollover]) -> None:
    """By PostgreSQL's COPY, whose lines are made by hand: they are most of the work."""
    uuids = _Uuids()
    moments = _Moments()
    postings: list[str] = []
    entries: list[str] = []
    for use, customer_id, at, recorded_at, digest, used, entered in posted:
        posting = new_uuid_text()
        entity = use.entity_id
        key = answer = _NULL
        if use.key is not None:
            key = _escaped(use.key)
            answer = _escaped(msgspec.json.encode(to_stored_answer(used, uuids.__getitem__)).decode())
        postings.append(
            f"{posting}\t{uuids[customer_id]}\t{_kind(use).value}\t{uuids[use.feature.pk]}\t"
            f"{_NULL if entity is None else uuids[entity]}\t{use.amount}\t{moments[at]}\t{moments[recorded_at]}\t"
            f"{_escaped(use.done_by)}\t{_escaped(use.reason)}\t{key}\t{digest}\t{answer}\n"
        )
        for row, figure, number, amount, after in entered:
            owner = uuids[row.pk]
            owners = f"{owner}\t{_NULL}" if isinstance(row, Grant) else f"{_NULL}\t{owner}"
            entries.append(f"{new_uuid_text()}\t{posting}\t{owners}\t{figure}\t{number}\t{amount}\t{after}\n")
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


class _Uuids(dict[str, str]):
    """UUIDs, as texts, by typed id."""

    def __missing__(self, typed_id: str) -> str:
        self[typed_id] = text = str(to_uuid(typed_id, _PREFIXES))
        return text


class _Moments(dict[datetime, str]):
    """Moments as PostgreSQL reads them."""

    def __missing__(self, moment: datetime) -> str:
        self[moment] = text = moment.isoformat()
        return text


def _escaped(text: str) -> str:
    """`text` as a column of COPY."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
