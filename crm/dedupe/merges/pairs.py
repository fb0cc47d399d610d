"""Possible duplicates of merged customers."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from crm.dedupe.duplicates.review import regroup
from crm.models import DuplicatePair, Merge
from customers.row_snapshots import restore_snapshot, take_snapshot

_MERGED = DuplicatePair.Decision.MERGED
_STATE = ("decision", "later_until", "decided_by_id", "decided_at", "cluster_id")


def settle_pairs(merge: Merge) -> dict[str, Any]:
    """Close the pair of the two, and point the merged customer's other pairs at the survivor.

    If the survivor already has such a pair, it stays and the merged customer's is removed. Returns what an
    undo needs.
    """
    survivor, other = str(merge.survivor_id), str(merge.other_id)
    clusters: set[Any] = set()
    settled: dict[str, Any] = {"put_away": [], "moved": []}
    asked = {_across(pair, survivor) for pair in _pairs_of(survivor)}
    for pair in list(_pairs_of(other)):
        if pair.decision == _MERGED:
            continue
        clusters.add(pair.cluster_id)
        third = _across(pair, other)
        if third == survivor:
            settled["closed"] = take_snapshot(pair)
            pair.decision, pair.later_until, pair.cluster_id = _MERGED, None, None
            pair.decided_by, pair.decided_at = merge.made_by, merge.made_at
            pair.save(update_fields=list(_STATE))
        elif third in asked:
            settled["put_away"].append(take_snapshot(pair))
            pair.delete()
        else:
            settled["moved"].append(str(pair.pk))
            _ask_about(pair, survivor, third)
    clusters |= set(_pairs_of(survivor).values_list("cluster_id", flat=True))
    if clusters - {None}:
        regroup(clusters - {None})
    return {name: value for name, value in settled.items() if value}


def unsettle_pairs(merge: Merge, settled: dict[str, Any]) -> None:
    """Restore the pairs as they were before the merge. Decisions made since stay."""
    if not settled:
        return
    survivor, other = str(merge.survivor_id), str(merge.other_id)
    for key in settled.get("moved", ()):
        pair = (
            DuplicatePair.objects.filter(Q(a=survivor) | Q(b=survivor), pk=key)
            .exclude(decision=_MERGED)
            .first()
        )
        if pair is not None:
            _ask_about(pair, other, _across(pair, survivor))
    closed = settled.get("closed")
    if closed is not None:
        back = restore_snapshot(closed)
        back.cluster_id = None  # type: ignore[attr-defined]
        DuplicatePair.objects.filter(pk=back.pk).update(**{name: getattr(back, name) for name in _STATE})
    known = {_across(pair, other) for pair in _pairs_of(other)}
    for away in settled.get("put_away", ()):
        pair = restore_snapshot(away)  # type: ignore[assignment]
        if pair is not None and _across(pair, other) not in known:
            pair.cluster_id = None
            pair.save(force_insert=True)
    # A reopened pair may connect any clusters.
    regroup()


def _pairs_of(customer_id: str) -> Any:
    return DuplicatePair.objects.filter(Q(a=customer_id) | Q(b=customer_id)).order_by("pk")


def _across(pair: DuplicatePair, customer_id: str) -> str:
    return str(pair.b_id if pair.a_id == customer_id else pair.a_id)


def _ask_about(pair: DuplicatePair, customer_id: str, third: str) -> None:
    pair.a_id, pair.b_id = sorted((customer_id, third))
    pair.save(update_fields=["a", "b"])
