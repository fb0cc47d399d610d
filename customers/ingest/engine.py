"""Import records of one source: match them with customers, write, keep the payloads, and count.

The engine knows no document. The `Importer` of an app parses and identifies its document and writes its rows. Batches
are transactions, so that files of any size need little memory and a failed record leaves nothing behind.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.models import DateTimeField, Model

from customers import clock
from customers.bulk import LONGEST_REASON, FormerRows, create_rows, former_rows, update_rows, written_rows
from customers.ingest.erased import erased_among
from customers.ingest.erased_people import ErasedPeople
from customers.ingest.importer import Importer, ImportOutcome, ImportReport, Incoming
from customers.ingest.matching import Identity, IdentityMatch, match
from customers.ingest.not_understood import updated_text
from customers.ingest.precedence import (
    CLAIMED,
    IMPORTED,
    UpdatedRecord,
    begin,
    claimed_value,
    claims_more,
    columns_of,
    decide,
    other_records,
    updated_claims,
)
from customers.ingest.reader import BadRecord, Record, Unreadable, canonical
from customers.json_types import JsonDocument, Refused, Remark, to_iso
from customers.logs import log_batch
from customers.models import Customer, ReceivedPayload, SourceRecord
from customers.typed_ids import new_typed_id

D = TypeVar("D", bound=JsonDocument)

#: A batch ends when it has this many records, or records with this many characters.
BATCH = 200
BATCH_TEXT = 8_000_000

#: The advisory lock of a batch on PostgreSQL; any number that nothing else uses.
#: Columns of a row that say nothing of their own: the name is the customer's.
_OF_A_SHELL = ("name", "imported", "currency")
_IMPORT_LOCK = 4_815_162_342

#: Is given the rows that a batch wrote, as they were before, and its reports; inside the transaction of the batch.
Keep: TypeAlias = Callable[[FormerRows, list[ImportReport]], None]


def import_records(
    importer: Importer[D],
    records: Iterable[Record | BadRecord],
    *,
    origin: str = "",
    allow_older: bool = False,
    keep: Keep | None = None,
) -> Iterator[ImportReport]:
    """Import `records` and report each in order.

    A record that says that it is older than what was imported of it before is stale: it changes nothing, unless
    `allow_older`.

    A batch that the database refuses is imported again record by record, so that only bad records are lost. Records
    before an `Unreadable` place are imported before it is raised. A `DatabaseError` that no record causes (lost
    connection, full disk) is raised; records that were reported before it stay imported.

    `keep` is called with what each transaction wrote, so that the import can be reverted.
    """
    for batch in _batches(importer, records, ErasedPeople.known()):
        if allow_older:
            for incoming in batch.incoming:
                incoming.may_be_older = True
        reports = batch.refused + _take_batch(importer, batch.incoming, origin, keep)
        log_batch("import_batch", Counter(report.outcome.value for report in reports), source=importer.source)
        yield from sorted(reports, key=lambda report: report.number)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A dry run: everything inside is rolled back at the end. Locks are held until then."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(slots=True)
class _Batch(Generic[D]):
    """Records to write together: no two of them can be about the same customer. Refused records are kept apart."""

    incoming: list[Incoming[D]] = field(default_factory=list)
    refused: list[ImportReport] = field(default_factory=list)
    keys: set[tuple[str, str, str]] = field(default_factory=set)
    length: int = 0

    def add(self, taken: Incoming[D] | BadRecord) -> None:
        if isinstance(taken, BadRecord):
            self.refused.append(ImportReport(taken.number, ImportOutcome.REFUSED, bad=taken))
            self.length += len(taken.text)
        else:
            self.incoming.append(taken)
            self.keys |= taken.identity.keys
            self.length += len(taken.record.text)

    @property
    def is_full(self) -> bool:
        return len(self.incoming) + len(self.refused) >= BATCH or self.length >= BATCH_TEXT


def _batches(
    importer: Importer[D], records: Iterable[Record | BadRecord], erased: ErasedPeople
) -> Iterator[_Batch[D]]:
    batch: _Batch[D] = _Batch()
    try:
        for record in records:
            taken = record if isinstance(record, BadRecord) else _parse(importer, record, erased)
            if isinstance(taken, Incoming) and not batch.keys.isdisjoint(taken.identity.keys):
                yield batch
                batch = _Batch()
            batch.add(taken)
            if batch.is_full:
                yield batch
                batch = _Batch()
    except Unreadable:
        yield batch
        raise
    yield batch


def _parse(importer: Importer[D], record: Record, erased: ErasedPeople) -> Incoming[D] | BadRecord:
    received = record.value
    try:
        document, remarks = importer.parse(record.value)
        identity = importer.identify(document)
        cleaned = erased.cleaned(record, identity)
        if cleaned is not record:
            record = cleaned
            document, remarks = importer.parse(record.value)
            identity = importer.identify(document)
            remarks.append(Remark("$", "A person in this record was erased, and was left out."))
    except Refused as refused:
        return _bad(record, refused)
    # Of the document as it was received, so that the same one changes nothing again.
    digest = hashlib.sha256(canonical(received)).hexdigest()
    return Incoming(record, document, remarks, identity, digest)


def _bad(record: Record, refused: Refused) -> BadRecord:
    text = "" if refused.is_secret else record.text
    return BadRecord(record.number, refused.path, refused.reason, text)


class _SharedCustomer(Exception):
    """Two records of a batch are about one customer."""


def _take_batch(
    importer: Importer[D], batch: list[Incoming[D]], origin: str, keep: Keep | None
) -> list[ImportReport]:
    if not batch:
        return []
    try:
        return _take_and_keep(importer, batch, origin, keep)
    except (DatabaseError, Refused, _SharedCustomer):
        return [report for incoming in batch for report in _take_one(importer, incoming, origin, keep)]


@transaction.atomic
def _take_and_keep(
    importer: Importer[D], batch: list[Incoming[D]], origin: str, keep: Keep | None
) -> list[ImportReport]:
    if keep is None:
        return _take(importer, batch, origin)
    with former_rows() as former:
        reports = _take(importer, batch, origin)
    keep(former, reports)
    return reports


def _take_one(
    importer: Importer[D], incoming: Incoming[D], origin: str, keep: Keep | None
) -> list[ImportReport]:
    # The database may have refused the first attempt because of a concurrent write or a deadlock.
    for is_last in (False, True):
        try:
            return _take_and_keep(importer, [incoming], origin, keep)
        except Refused as refused:
            return [_refusal(incoming, refused)]
        except (DataError, IntegrityError) as problem:
            if is_last:
                reason = f"The database refused the record. {str(problem).splitlines()[0]}."
                return [_refusal(incoming, Refused("$", reason))]
        except DatabaseError:
            if is_last:
                raise
    raise AssertionError("the last try returns or raises")


def _refusal(incoming: Incoming[D], refused: Refused) -> ImportReport:
    return ImportReport(incoming.record.number, ImportOutcome.REFUSED, bad=_bad(incoming.record, refused))


def _erased(incoming: Incoming[D]) -> ImportReport:
    remark = Remark("$", "The customer of this record was erased. The record was left out.")
    return ImportReport(incoming.record.number, ImportOutcome.ERASED, [remark])


def wait_for_other_imports() -> None:
    """Let one import write at a time, so that two imports of the same new customers create each one once.

    Rows that don't exist yet can't be locked. SQLite has only one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])


def _take(importer: Importer[D], batch: list[Incoming[D]], origin: str) -> list[ImportReport]:
    """Write one batch inside the caller's transaction; `batch` itself is not changed."""
    wait_for_other_imports()
    # Copies, because the batch may be imported again.
    batch = [replace(incoming, remarks=[*incoming.remarks]) for incoming in batch]
    reports: list[ImportReport] = []
    erased = erased_among([incoming.identity for incoming in batch])
    reports += [_erased(incoming) for incoming, is_erased in zip(batch, erased, strict=True) if is_erased]
    batch = [incoming for incoming, is_erased in zip(batch, erased, strict=True) if not is_erased]
    pairs: list[tuple[Incoming[D], IdentityMatch]] = []
    merged: list[tuple[Incoming[D], SourceRecord]] = []
    for incoming, found in zip(batch, match([incoming.identity for incoming in batch]), strict=True):
        if found.refused is not None:
            reports.append(_refusal(incoming, found.refused))
        elif found.record is not None and found.record.digest == incoming.digest:
            owner = _key_of(found)
            reports.append(ImportReport(incoming.record.number, ImportOutcome.UNCHANGED, customer_id=owner))
        elif (remark := _staleness(importer, incoming, found.record)) is not None:
            owner = _key_of(found)
            reports.append(
                ImportReport(incoming.record.number, ImportOutcome.STALE, [remark], customer_id=owner)
            )
        elif found.record is not None and found.record.is_merged:
            merged.append((incoming, found.record))
        else:
            pairs.append((incoming, found))
    matched = [found.customer.pk for _, found in pairs if found.customer is not None]
    if len(matched) != len(set(matched)):
        raise _SharedCustomer
    reason = f"{IMPORTED} {importer.source}" + (f": {origin}" if origin else "")
    reason = reason[:LONGEST_REASON]
    updated = _update_records(importer, pairs)
    records = [each.record for each in updated]
    with written_rows() as rows:
        _save_customers(pairs, updated, reason)
        applied = [incoming for incoming, _ in pairs]
        received = [*zip(applied, records, strict=True), *merged]
        for incoming, record in merged:
            _keep_only(incoming, record)
        with written_rows():
            _save_records([record for _, record in received])
        importer.apply(applied, reason)
    _tell_unchanged(applied, updated, rows)
    _save_payloads(received, origin)
    reports.extend(
        ImportReport(
            incoming.record.number,
            incoming.outcome,
            incoming.remarks,
            customer_id=str(record.customer_id),
        )
        for incoming, record in received
    )
    return reports


def _key_of(found: IdentityMatch) -> str:
    return "" if found.customer is None else str(found.customer.pk)


def _tell_unchanged(
    applied: list[Incoming[D]], updated: list[UpdatedRecord], written: Sequence[Model]
) -> None:
    """Give the outcome `UNCHANGED` to documents that said nothing new, such as our own exports.

    A written row that names no customer, such as a person's, may be about any of them.
    """
    owners = {_owner_of(row) for row in written}
    if None in owners:
        return
    told = {_owner_of(row) for row in written if not _is_shell(row)}
    for incoming, each in zip(applied, updated, strict=True):
        says_of = told if _is_echo(incoming.identity, incoming.customer) else owners
        if str(incoming.customer.pk) not in says_of and not each.says_more:
            incoming.outcome = ImportOutcome.UNCHANGED


def _is_echo(identity: Identity, customer: Customer | None) -> bool:
    """Whether a record has our own ID of its customer, because one of our exports made it."""
    return customer is not None and identity.source_id == str(customer.pk)


def _is_shell(row: Model) -> bool:
    """Whether a row says nothing: all but its customer's name and ID and times is empty or as by default."""
    return not isinstance(row, Customer) and all(
        getattr(row, field.attname) in (None, "", field.get_default(), _owner_of(row))
        for field in row._meta.concrete_fields
        if not (field.primary_key or field.is_relation or isinstance(field, DateTimeField))
        and field.name not in _OF_A_SHELL
    )


def _owner_of(row: Model) -> str | None:
    """The key of the customer that a row belongs to; None if its table has no customer."""
    key = row.pk if isinstance(row, Customer) else None
    for column in ("customer_id", "survivor_id"):
        key = key or getattr(row, column, None)
    return None if key is None else str(key)


def _staleness(importer: Importer[D], incoming: Incoming[D], record: SourceRecord | None) -> Remark | None:
    """A remark on a document that is older than the one last imported for `record`; None for any other."""
    if record is None or incoming.may_be_older:
        return None
    now = importer.claims(incoming.document).get("updated_at")
    before = claimed_value(record.claims, "updated_at")
    if now is None or before is None or now >= datetime.fromisoformat(before):
        return None
    text = (
        f"An older state than the one of {to_iso(datetime.fromisoformat(before))}, which was imported before. It changed"
        " nothing. Import the file with --allow-older to take it."
    )
    return Remark("$.updated_at", text)


def _update_records(
    importer: Importer[D], pairs: list[tuple[Incoming[D], IdentityMatch]]
) -> list[UpdatedRecord]:
    """Update the source record of each incoming record, or make a new one; saves nothing."""
    now = clock.now()
    updated = []
    for incoming, found in pairs:
        identity = incoming.identity
        record = found.record or SourceRecord(
            source=identity.source,
            env=identity.env,
            source_id=found.stand_in or identity.source_id,
            came_with_id=found.came_with_id,
            linked_by=found.rule,
            first_received_at=now,
        )
        before, kept = record.claims, record.not_understood
        record.digest = incoming.digest
        record.last_received_at = now
        record.signs, record.mailbox = identity.signs.as_json(), identity.mailbox
        received = importer.spelled(incoming.record.value)
        record.not_understood = updated_text(record, received, importer.shown(incoming.document))
        is_echo = _is_echo(identity, found.customer)
        claims = importer.claims(incoming.document)
        if is_echo:
            # Our own ID is no value of the platform's.
            claims = {name: value for name, value in claims.items() if value != identity.source_id}
        record.claims = updated_claims(before, claims, now)
        incoming.merged_origin = found.merged_origin
        is_known = is_echo or (found.record is not None and found.customer is not None)
        says_more = not is_known or record.not_understood != kept
        if found.customer is not None:
            says_more = says_more or claims_more(before, record.claims, found.customer)
        updated.append(UpdatedRecord(record, before, says_more))
    return updated


def _keep_only(incoming: Incoming[D], record: SourceRecord) -> None:
    """Keep the document of a record that was merged away without applying it, and add a remark that says so."""
    record.digest = incoming.digest
    record.last_received_at = clock.now()
    text = f"“{record.source_id}” was merged into {record.customer_id}. The document was kept and changed nothing."
    incoming.remarks.append(Remark("$.id", text))
    incoming.outcome = ImportOutcome.UPDATED


def _save_customers(
    pairs: list[tuple[Incoming[D], IdentityMatch]], updated: list[UpdatedRecord], reason: str
) -> None:
    others = other_records([found.customer for _, found in pairs if found.customer is not None], updated)
    new: list[Customer] = []
    changed: list[Customer] = []
    for (incoming, found), each in zip(pairs, updated, strict=True):
        new_id = found.free_id or new_typed_id("cus")
        customer = found.customer or Customer(id=new_id, env=incoming.identity.env)
        touched = [customer, found.merged_origin] if found.merged_origin is not None else [customer]
        before = [columns_of(row) for row in touched]
        incoming.customer = each.record.customer = customer
        incoming.is_new = found.customer is None
        incoming.outcome = ImportOutcome.CREATED if incoming.is_new else ImportOutcome.UPDATED
        if incoming.is_new:
            begin(customer, each.record.claims)
        decide(
            customer,
            each,
            others.get(str(customer.pk), []),
            merged_origin=found.merged_origin,
            kept=found.kept,
        )
        if incoming.is_new:
            new.append(customer)
        else:
            changed += [row for row, was in zip(touched, before, strict=True) if columns_of(row) != was]
    create_rows(new, reason)
    update_rows(changed, CLAIMED, reason)


def _save_records(records: list[SourceRecord]) -> None:
    create_rows([record for record in records if record._state.adding], reason="")
    known = [record for record in records if not record._state.adding]
    columns = ["customer", "digest", "claims", "signs", "mailbox", "not_understood", "last_received_at"]
    update_rows(known, columns, reason="")


def _save_payloads(received: list[tuple[Incoming[D], SourceRecord]], origin: str) -> None:
    payloads = [
        ReceivedPayload(
            record=record,
            text=incoming.record.text,
            digest=incoming.digest,
            remarks=[{"path": remark.path, "text": remark.text} for remark in incoming.remarks],
            origin=origin,
            received_at=record.last_received_at,
        )
        for incoming, record in received
    ]
    create_rows(payloads, reason="")
