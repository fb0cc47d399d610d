"""Figures against the sums of their ledger entries, and each entry against the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from billing.doctor.findings import Advance, Finding
from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import Balance, Grant, LedgerEntry, Posting, Rollover
from billing.rules.exact import EXACT
from customers import clock

DONE_BY = "doctor"

_CHUNK = 500
_READ_AT_ONCE = 2000
_ZERO = Decimal(0)
_FIGURES: dict[type[Grant | Rollover], tuple[str, ...]] = {
    Grant: ("included_grant", "prepaid_grant", "usage"),
    Rollover: ("granted", "left"),
}
_BACKUP = "Compare the entries with a backup, because they can't be changed"


@dataclass(slots=True)
class _EntryAudit:
    """The entries of one row, read by number."""

    sums: dict[str, Decimal]
    reached: dict[str, Decimal] = field(default_factory=dict)
    last_number: int = 0
    missing: str = ""
    broken: str = ""

    def add(self, figure: str, number: int, amount: Decimal, after: Decimal) -> None:
        """Add the next entry. Only the first flaw of each kind is kept."""
        if number != self.last_number + 1 and not self.missing:
            self.missing = f"its ledger entry number {self.last_number + 1} is missing"
        self.last_number = number
        before = self.reached.get(figure, _ZERO)
        if after != EXACT.add(before, amount) and not self.broken:
            self.broken = (
                f"ledger entry number {number} leaves {figure} at {_plain(after)}, but it was {_plain(before)}"
                f" and changed by {_plain(amount)}"
            )
        self.reached[figure] = after
        self.sums[figure] = EXACT.add(self.sums[figure], amount)

    def fits(self, figures: dict[str, Decimal], entries: int) -> bool:
        """Whether the row and its entries agree."""
        is_whole = not self.missing and not self.broken and self.last_number == entries
        return is_whole and figures == self.sums


def check_grants(advance: Advance, *, fix: bool = False) -> Iterator[Finding]:
    """Figures of grants against their entries."""
    yield from _check(Grant, advance, fix=fix)


def check_rollovers(advance: Advance, *, fix: bool = False) -> Iterator[Finding]:
    """Figures of rollovers against their entries."""
    yield from _check(Rollover, advance, fix=fix)


def _check(model: type[Grant | Rollover], advance: Advance, *, fix: bool) -> Iterator[Finding]:
    suspects = _suspects_of_postgresql if connection.vendor == "postgresql" else _suspects
    for pk in suspects(model, advance):
        yield from _examine(model, pk, fix=fix)


def _suspects(model: type[Grant | Rollover], advance: Advance) -> Iterator[str]:
    """Keys of rows that seem to disagree with their entries; read without a lock, so they may be about to change."""
    names = _FIGURES[model]
    rows: Any = model._default_manager.order_by("pk")
    last = None
    while True:
        following = rows if last is None else rows.filter(pk__gt=last)
        chunk = list(following.values_list("pk", "entries", *names)[:_CHUNK])
        if not chunk:
            return
        last = chunk[-1][0]
        audits = dict(_audits(model, [pk for pk, *_ in chunk]))
        for pk, entries, *values in chunk:
            audit = audits.get(pk) or _nothing(model)
            if not audit.fits(dict(zip(names, values, strict=True)), entries):
                yield pk
        advance(len(chunk))


def _suspects_of_postgresql(model: type[Grant | Rollover], advance: Advance) -> Iterator[str]:
    """`_suspects` in one statement."""
    owner = "grant" if model is Grant else "rollover"
    sums = "".join(
        f", SUM(amount) FILTER (WHERE figure = '{name}') AS sum_of_{name}" for name in _FIGURES[model]
    )
    differs = "".join(f' OR owner."{name}" <> COALESCE(summed.sum_of_{name}, 0)' for name in _FIGURES[model])
    statement = f"""
        SELECT owner.id FROM billing_{owner} AS owner LEFT JOIN (
            SELECT owner_id, COUNT(*) AS entries, COUNT(DISTINCT number) AS numbers, MIN(number) AS first,
                   MAX(number) AS last, BOOL_OR(after <> amount + COALESCE(before, 0)) AS is_broken{sums}
            FROM (
                SELECT {owner}_id AS owner_id, figure, number, amount, after,
                       LAG(after) OVER (PARTITION BY {owner}_id, figure ORDER BY number) AS before
                FROM billing_ledgerentry WHERE {owner}_id IS NOT NULL
            ) AS entry GROUP BY owner_id
        ) AS summed ON summed.owner_id = owner.id
        WHERE owner.entries <> COALESCE(summed.entries, 0) OR summed.numbers <> summed.entries
           OR summed.first <> 1 OR summed.last <> summed.entries OR summed.is_broken{differs}
        ORDER BY owner.id"""  # noqa: S608 - names of ours
    key: Any = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = [key.from_db_value(pk, None, connection) for (pk,) in cursor.fetchall()]
    advance(model._default_manager.count())
    yield from found


@transaction.atomic
def _examine(model: type[Grant | Rollover], pk: str, *, fix: bool) -> list[Finding]:
    """Check one row again under a lock, and repair it with `fix`."""
    owner: Any = model._default_manager.filter(pk=pk).values("balance")
    balances = Balance.objects.filter(pk__in=owner)
    list(balances.select_for_update(no_key=True))
    row: Any = (
        model._default_manager.select_related("balance__customer", "balance__feature").filter(pk=pk).first()
    )
    if row is None:
        return []
    audit = next((audit for _, audit in _audits(model, [pk])), _nothing(model))
    name = str(row.balance)
    findings = [Finding(pk, name, what, f"{_BACKUP}.") for what in (audit.missing, audit.broken) if what]
    if row.entries != audit.last_number and not audit.missing:
        what = f"it counts {row.entries} ledger entries, but there are {audit.last_number}"
        findings.append(Finding(pk, name, what, f"{_BACKUP}."))
    differing = {figure: summed for figure, summed in audit.sums.items() if getattr(row, figure) != summed}
    can_be_mended = not audit.broken
    for figure, summed in differing.items():
        what = f"{figure} is {_plain(getattr(row, figure))}, but its ledger entries sum to {_plain(summed)}"
        difference = _plain(EXACT.subtract(getattr(row, figure), summed))
        if not can_be_mended:
            remedy, mended = (
                "No entry can repair this, because the entries do not follow from one another.",
                "",
            )
        elif fix:
            remedy, mended = "", f"Posted an entry of {difference}."
        else:
            remedy, mended = f"Run with --fix to post an entry of {difference}.", ""
        findings.append(Finding(pk, name, what, remedy, can_be_mended, mended))
    if fix and differing and can_be_mended:
        _catch_up(row, differing, audit.last_number)
    return findings


def _catch_up(row: Grant | Rollover, differing: dict[str, Decimal], last_number: int) -> None:
    """Post entries of the differences. The figures don't change, because people have seen and used them."""
    changes = []
    for figure, summed in differing.items():
        changes.append(FigureChange(row, figure, EXACT.subtract(getattr(row, figure), summed)))
        setattr(row, figure, summed)
    row.entries = max(row.entries, last_number)
    post(
        PostingDraft(
            customer_id=row.balance.customer_id,
            kind=Posting.Kind.ADJUSTMENT,
            feature_id=row.balance.feature_id,
            entity_id=row.entity_id if isinstance(row, Grant) else None,
            occurred_at=clock.now(),
            done_by=DONE_BY,
            reason=DONE_BY,
            changes=changes,
        )
    )


def _audits(model: type[Grant | Rollover], keys: list[str]) -> Iterator[tuple[str, _EntryAudit]]:
    """The entries of these rows by key; rows without entries are left out."""
    owner = "grant_id" if model is Grant else "rollover_id"
    entries = (
        LedgerEntry.objects.filter(**{f"{owner}__in": keys})
        .order_by(owner, "number", "figure")
        .values_list(owner, "figure", "number", "amount", "after")
    )
    of_rows: Iterable[Any] = groupby(entries.iterator(_READ_AT_ONCE), key=itemgetter(0))
    for pk, of_row in of_rows:
        audit = _nothing(model)
        for _, figure, number, amount, after in of_row:
            audit.add(figure, number, amount, after)
        yield pk, audit


def _nothing(model: type[Grant | Rollover]) -> _EntryAudit:
    return _EntryAudit(dict.fromkeys(_FIGURES[model], _ZERO))


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize(EXACT):f}"
