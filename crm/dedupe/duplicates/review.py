"""The review queue: pairs of sweeps, and what people decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q
from msgspec import Struct, convert, to_builtins

from crm.dedupe.duplicates.clusters import connected
from crm.dedupe.duplicates.evidence import Term
from crm.dedupe.duplicates.fit import Example
from crm.dedupe.duplicates.read_profile import changed_since
from crm.dedupe.duplicates.sweep import FoundPair
from crm.dedupe.duplicates.weights import CURRENT
from crm.models import DuplicateCluster, DuplicatePair
from crm.models.duplicate import DuplicatePairQuerySet
from customers import clock
from customers.bulk import create_rows, pieces, update_rows

_BATCH = 500


class Recorded(Struct, frozen=True):
    """The result for the queue: new pairs, reopened pairs, closed pairs, waiting pairs."""

    new: int
    again: int
    closed: int
    waiting: int
    clusters: int


@transaction.atomic
def record(pairs: Iterable[FoundPair], *, since: datetime | None = None, env: str | None = None) -> Recorded:
    """Write the pairs of a sweep (with this `since` and `env`).

    New pairs wait for review, known ones get their new score. Decisions stay, and a snoozed pair waits again
    when its time has come. A waiting pair that this sweep compared but no longer found is deleted.
    """
    now = clock.now()
    list(DuplicateCluster.objects.select_for_update().order_by("pk").values_list("pk"))
    before = DuplicatePair.objects.count()
    _write(pairs, now)
    new = DuplicatePair.objects.count() - before
    found = DuplicatePair.objects.filter(swept_at__gte=now)
    again = found.due_again(now).update(decision=DuplicatePair.Decision.OPEN, later_until=None)
    closed = _close(DuplicatePair.objects.filter(swept_at__lt=now), now, since, env)
    regroup()
    return Recorded(
        new, again, closed, DuplicatePair.objects.waiting().count(), DuplicateCluster.objects.count()
    )


@transaction.atomic
def add(pairs: Iterable[FoundPair]) -> int:
    """Write pairs that were found for some customers only. Returns the number of new ones.

    As in `record`, decisions stay, and known pairs get their new score. Nothing is closed.
    """
    now = clock.now()
    list(DuplicateCluster.objects.select_for_update().order_by("pk").values_list("pk"))
    _write(pairs, now)
    written = DuplicatePair.objects.filter(swept_at=now)
    members = {pk for sides in written.values_list("a_id", "b_id") for pk in sides}
    clusters: set[Any] = set()
    for piece in pieces(members):
        near = DuplicatePair.objects.waiting().filter(Q(a__in=piece) | Q(b__in=piece))
        clusters.update(near.exclude(cluster=None).values_list("cluster_id", flat=True))
    new = written.filter(found_at=now).count()
    regroup(clusters)
    return new


@transaction.atomic
def decide(
    pairs: DuplicatePairQuerySet, decision: DuplicatePair.Decision, *, by: Any, until: datetime | None = None
) -> int:
    """Decide on `pairs` that are not merged. Returns how many changed. `until` is when a snoozed pair returns.

    “Not duplicates” is kept for good. Reopened pairs wait in the queue.
    """
    ids = list(pairs.exclude(decision=DuplicatePair.Decision.MERGED).values_list("pk", flat=True))
    touched = DuplicatePair.objects.filter(pk__in=ids)
    clusters = set(touched.exclude(cluster=None).values_list("cluster_id", flat=True))
    list(DuplicateCluster.objects.select_for_update().order_by("pk").values_list("pk"))
    is_open = decision == DuplicatePair.Decision.OPEN
    count = touched.update(
        decision=decision,
        later_until=until,
        decided_by=None if is_open else by,
        decided_at=None if is_open else clock.now(),
        cluster=None,
    )
    # A reopened pair may connect any clusters.
    regroup(None if is_open else clusters)
    return count


def regroup(only: set[Any] | None = None) -> None:
    """Group all customers that waiting pairs connect, of all pairs or of those in the clusters `only` and in none.

    Runs inside the caller's transaction, which has locked the clusters.
    """
    pairs = DuplicatePair.objects.waiting()
    clusters = DuplicateCluster.objects.all()
    if only is not None:
        pairs, clusters = pairs.filter(Q(cluster__in=only) | Q(cluster=None)), clusters.filter(pk__in=only)
    rows = list(pairs.order_by("pk"))
    known = {str(cluster.first_id): cluster for cluster in clusters}
    new, changed, moved, standing = [], [], [], set()
    for members, together in connected(rows, lambda pair: (str(pair.a_id), str(pair.b_id))):
        first = min(members)
        cluster = known.get(first) or DuplicateCluster(first_id=first)
        facts = {
            "size": len(members),
            "score": max(pair.score for pair in together),
            "found_at": min(pair.found_at for pair in together),
        }
        if first not in known:
            new.append(cluster)
        elif any(getattr(cluster, name) != value for name, value in facts.items()):
            changed.append(cluster)
        for name, value in facts.items():
            setattr(cluster, name, value)
        standing.add(cluster.pk)
        for pair in together:
            if pair.cluster_id != cluster.pk:
                pair.cluster_id = cluster.pk
                moved.append(pair)
    create_rows(new, reason="")
    update_rows(changed, ["size", "score", "found_at"], reason="")
    update_rows(moved, ["cluster"], reason="")
    gone = [cluster.pk for cluster in known.values() if cluster.pk not in standing]
    for piece in pieces(gone):
        DuplicateCluster.objects.filter(pk__in=piece).delete()


def _write(pairs: Iterable[FoundPair], now: datetime) -> None:
    rest = iter(pairs)
    while batch := list(islice(rest, _BATCH)):
        DuplicatePair.objects.bulk_create(
            [
                DuplicatePair(
                    a_id=pair.a,
                    b_id=pair.b,
                    score=pair.score,
                    reasons=pair.reasons,
                    terms=to_builtins(pair.terms),
                    weights_version=CURRENT.version,
                    found_at=now,
                    swept_at=now,
                )
                for pair in batch
            ],
            update_conflicts=True,
            unique_fields=["a", "b"],
            update_fields=["score", "reasons", "terms", "weights_version", "swept_at"],
        )


def _close(missed: DuplicatePairQuerySet, now: datetime, since: datetime | None, env: str | None) -> int:
    """Delete waiting and due snoozed pairs that the sweep compared and did not find."""
    if env is not None:
        missed = missed.filter(a__env=env, b__env=env)
    candidates = missed.waiting() | missed.due_again(now)
    rows = list(candidates.values_list("pk", "a_id", "b_id"))
    if since is not None:
        changed: set[str] = set()
        for piece in pieces({str(pk) for _, *sides in rows for pk in sides}):
            changed |= changed_since(piece, since)
        rows = [row for row in rows if not changed.isdisjoint(map(str, row[1:]))]
    for part in pieces([row[0] for row in rows]):
        DuplicatePair.objects.filter(pk__in=part).delete()
    return len(rows)


def pairs_of(clusters: Sequence[Any]) -> DuplicatePairQuerySet:
    """The waiting pairs of clusters."""
    return DuplicatePair.objects.waiting().filter(cluster__in=clusters)


@transaction.atomic
def keep_apart(one: str, other: str, *, by: Any) -> None:
    """Note that two customers, by key, are not duplicates, so that nothing proposes to join them."""
    a, b = sorted((one, other))
    pairs: Any = DuplicatePair.objects
    known = pairs.filter(a=a, b=b)
    if not known.exists():
        create_rows([DuplicatePair(a_id=a, b_id=b, score=0)], reason="")
    decide(known, DuplicatePair.Decision.NOT_DUPLICATES, by=by)


def decided_examples() -> Iterator[Example]:
    """Pairs that people merged or called not duplicates, with the terms of the last sweep that found them.

    Pairs decided before terms were kept are left out, and pairs with a rule that is no more.
    """
    answers = {DuplicatePair.Decision.MERGED: True, DuplicatePair.Decision.NOT_DUPLICATES: False}
    decided = DuplicatePair.objects.filter(decision__in=answers).exclude(terms=[]).order_by("pk")
    for kept, decision in decided.values_list("terms", "decision").iterator():
        terms = convert(kept, tuple[Term, ...])
        if all(term.rule in CURRENT.rules for term in terms):
            yield Example(terms, answers[DuplicatePair.Decision(decision)], str(decision))
