"""Possible duplicates that are links: the only record of one customer, and a customer without a record of that source."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from crm.models import DuplicatePair
from customers.bulk import pieces
from customers.ingest.signs import Signs
from customers.models import Customer, SourceRecord

#: The certainty from which links are made many at once.
CERTAIN = 0.99


@dataclass(frozen=True, slots=True)
class SuggestedLink:
    """A pair that waits. `record` is what would be linked to `goal`; None if both are customers of their own.

    `is_clear` if there is a record, both have a name and a company's domain in common, and the score is at least what was asked for.
    """

    pair: DuplicatePair
    record: SourceRecord | None
    goal: Customer | None
    is_clear: bool


def suggested_links(pairs: Sequence[DuplicatePair], min_score: float = CERTAIN) -> Iterator[SuggestedLink]:
    """Each pair with its record and goal, in order. One query for each 500 or so customers."""
    records = _records_of(pairs)
    for pair in pairs:
        of_a, of_b = records.get(str(pair.a_id), []), records.get(str(pair.b_id), [])
        record, goal = _link_of(pair, of_a, of_b)
        is_clear = (
            record is not None
            and pair.score >= min_score
            and _signs_of(of_a).share_name_and_domain(_signs_of(of_b))
        )
        yield SuggestedLink(pair, record, goal, is_clear)


@dataclass(frozen=True, slots=True)
class ClearLink:
    """A link that a rule can make."""

    pair: DuplicatePair
    record: SourceRecord
    goal: Customer


def clear_links(min_score: float = CERTAIN, env: str | None = None) -> list[ClearLink]:
    """The clear links of the whole queue, the most certain first. A customer that is in several of them is in none."""
    waiting = DuplicatePair.objects.waiting().filter(a__merged_into=None, b__merged_into=None)
    if env is not None:
        waiting = waiting.filter(a__env=env)
    pairs = list(waiting.filter(score__gte=min_score).select_related("a", "b").order_by("-score", "pk"))
    clear = unambiguous([each for each in suggested_links(pairs, min_score) if each.is_clear])
    return [
        ClearLink(each.pair, each.record, each.goal)
        for each in clear
        if each.record is not None and each.goal is not None
    ]


def unambiguous(links: Sequence[SuggestedLink]) -> list[SuggestedLink]:
    """The links between customers that no other link names."""
    seen = Counter(str(key) for each in links for key in (each.pair.a_id, each.pair.b_id))
    return [each for each in links if seen[str(each.pair.a_id)] == seen[str(each.pair.b_id)] == 1]


def _records_of(pairs: Sequence[DuplicatePair]) -> Mapping[str, list[SourceRecord]]:
    records: dict[str, list[SourceRecord]] = defaultdict(list)
    for piece in pieces({key for pair in pairs for key in (pair.a_id, pair.b_id)}):
        for row in SourceRecord.objects.filter(customer__in=piece).select_related("customer").order_by("pk"):
            records[str(row.customer_id)].append(row)
    return records


def _link_of(
    pair: DuplicatePair, of_a: Sequence[SourceRecord], of_b: Sequence[SourceRecord]
) -> tuple[SourceRecord | None, Customer | None]:
    """The only record of one side and the other side, if no source has a record on both."""
    if not of_a or not of_b or {each.source for each in of_a} & {each.source for each in of_b}:
        return None, None
    if len(of_b) == 1:
        return of_b[0], pair.a
    return (of_a[0], pair.b) if len(of_a) == 1 else (None, None)


def _signs_of(records: Sequence[SourceRecord]) -> Signs:
    return reduce(or_, (Signs.from_json(record.signs, record.mailbox) for record in records), Signs())
