"""Seal audit entries into a chain of hashes, and verify it.

An entry is sealed once its transaction has ended, so writers don't wait for one another, and the order of the chain is
that in which entries were seen. Each hash covers the entry and the hash before: a row that was changed, removed or put in
between breaks the chain there. Who removes the end of the chain with its seals is found by an anchor: a file, kept
elsewhere, with the heads of earlier verifications.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max

from customers import clock
from customers.audit.record import canonical_json, digest_of_details
from customers.models import AuditDetails, AuditEntry, AuditSeal, Erasure

#: Before the first entry.
_START = "0" * 64
#: Entries that are sealed in one transaction, or verified together.
_BATCH = 1000
#: No transaction is open for longer.
_LONGEST_TRANSACTION = timedelta(days=1)
#: The advisory lock of the sealing job on PostgreSQL; any number that nothing else uses.
_SEAL_LOCK = 4_815_162_343


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: its number and hash. The chain before the first entry has number 0."""

    number: int = 0
    hash: str = _START


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the chain is broken, and what is wrong there."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries are sealed and how many wait, the head, and the first broken place if there is one."""

    sealed: int
    waiting: int
    head: Head
    broken: Broken | None = None


def hash_of(before: str, entry: AuditEntry) -> str:
    """The hash of an entry in the chain after the hash `before`."""
    content = [
        str(entry.pk),
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.action,
        entry.user_id,
        entry.done_by,
        entry.address,
        None if entry.customer_id is None else str(entry.customer_id),
        entry.subject,
        entry.data,
        entry.details_digest,
        entry.key,
    ]
    return hashlib.sha256(f"{before}\0{canonical_json(content)}".encode()).hexdigest()


def head() -> Head:
    """The newest seal."""
    last = AuditSeal.objects.order_by("-number").first()
    return Head() if last is None else Head(last.number, last.hash)


@transaction.atomic
def seal_entries(limit: int = _BATCH) -> int:
    """Seal the next entries whose transactions have ended, and return how many: one batch, in a transaction of its own."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEAL_LOCK])
    newest = AuditEntry.objects.filter(seal__isnull=False).aggregate(at=Max("at"))["at"]
    waiting = AuditEntry.objects.filter(seal=None).order_by("at", "id")
    if newest is not None:
        waiting = waiting.filter(at__gte=newest - _LONGEST_TRANSACTION)
    last = head()
    seals = []
    for entry in waiting[:limit]:
        last = Head(last.number + 1, hash_of(last.hash, entry))
        seals.append(AuditSeal(number=last.number, entry=entry, hash=last.hash))
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def verify(anchors: Sequence[Head] = ()) -> Verified:
    """Verify the whole chain, and that each anchor is part of it. Reads everything once."""
    wanted = {anchor.number: anchor.hash for anchor in anchors}
    last, broken = Head(), None
    seals = AuditSeal.objects.select_related("entry").order_by("number").iterator(_BATCH)
    while broken is None and (batch := list(islice(seals, _BATCH))):
        details = AuditDetails.objects.in_bulk([seal.entry_id for seal in batch])
        for seal in batch:
            problem = _problem(last, seal, details, wanted)
            if problem is not None:
                broken = Broken(last.number + 1, problem)
                break
            last = Head(seal.number, seal.hash)
    if broken is None:
        broken = _missing_end(last, wanted) or _never_sealed(last)
    waiting = AuditEntry.objects.filter(seal=None).count()
    return Verified(last.number, waiting, last, broken)


def _problem(
    last: Head, seal: AuditSeal, details: Mapping[object, AuditDetails], anchors: Mapping[int, str]
) -> str | None:
    if seal.number != last.number + 1:
        return "An entry is missing."
    if seal.hash != hash_of(last.hash, seal.entry):
        return f"Entry {seal.entry_id} was changed, or another one was put before it."
    if anchors.get(seal.number, seal.hash) != seal.hash:
        return "The chain differs from the anchor: it was written again."
    return _problem_of_details(seal.entry, details.get(seal.entry_id))


def _problem_of_details(entry: AuditEntry, details: AuditDetails | None) -> str | None:
    if not entry.details_digest:
        return None if details is None else f"Details were added to entry {entry.pk}."
    if details is None:
        return f"The details of entry {entry.pk} are missing."
    if not details.values and not details.salt:
        was_erased = Erasure.objects.filter(erased_at__gte=entry.at).exists()
        return None if was_erased else f"The details of entry {entry.pk} were emptied without an erasure."
    if digest_of_details(details.values, details.salt) != entry.details_digest:
        return f"The details of entry {entry.pk} were changed."
    return None


def _missing_end(last: Head, anchors: Mapping[int, str]) -> Broken | None:
    if any(number > last.number for number in anchors):
        return Broken(last.number + 1, "The end of the chain is missing: the anchor knows more entries.")
    return None


def _never_sealed(last: Head) -> Broken | None:
    """Entries that the sealing job passed over: they were put in with an earlier moment, or lost their seal."""
    newest = AuditEntry.objects.filter(seal__isnull=False).aggregate(at=Max("at"))["at"]
    if newest is None:
        return None
    old = AuditEntry.objects.filter(seal=None, at__lt=newest - _LONGEST_TRANSACTION).order_by("at").first()
    return None if old is None else Broken(last.number + 1, f"Entry {old.pk} is old and was never sealed.")


def read_anchor(lines: Iterator[str]) -> list[Head]:
    """The heads in an anchor file: a number and a hash in each line, and what follows is ignored."""
    heads = []
    for line in lines:
        number, digest, *_ = [*line.split(), "", ""]
        if number:
            heads.append(Head(int(number), digest))
    return heads


def anchor_line(verified: Verified) -> str:
    """The line that keeps the head of a verified chain."""
    return f"{verified.head.number} {verified.head.hash} {clock.now().isoformat(timespec='seconds')}\n"
