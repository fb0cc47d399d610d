"""What a change of settings would do to today's customers. Nothing is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from crm.desk.health.facts import facts_of
from crm.desk.health.scoring import score, weights_in_use
from customers import clock
from customers.configuration.values import assumed
from customers.formats import counted, customer_url, number
from customers.ingest.precedence import ORDERED, column, deciding_value, statement_of
from customers.models import Customer

#: A preview looks at this many customers at most, so that it is there in a few seconds.
MOST_CUSTOMERS = 2000
_SHOWN = 10
_BATCH = 500
_BANDS = ((0, 24), (25, 49), (50, 74), (75, 100))


@dataclass(frozen=True, slots=True)
class Move:
    """A customer before and after, with the address of its page."""

    name: str
    page: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores: how many customers are in it before and after, and these as percentages of all."""

    title: str
    before: int
    after: int
    before_percent: int
    after_percent: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The sentence, the bands if scores change, and the customers that move most."""

    summary: str
    moves: Sequence[Move]
    bands: Sequence[Band] = ()


def preview_of(group: str, values: Mapping[str, Any]) -> Preview:
    """What these values would do: to health scores, or to the names and email addresses that sources decide."""
    return _of_health(values) if group == "health" else _of_trust(values)


def _of_health(values: Mapping[str, Any]) -> Preview:
    now = clock.now()
    weights = weights_in_use()
    with assumed(values):
        new_weights = weights_in_use()
    total = Customer.objects.current().count()
    customers = list(Customer.objects.current().order_by("pk").only("pk", "name", "email")[:MOST_CUSTOMERS])
    scores: dict[str, tuple[int, int]] = {}
    for start in range(0, len(customers), _BATCH):
        keys = [str(customer.pk) for customer in customers[start : start + _BATCH]]
        for key, facts in facts_of(keys, now).items():
            before, after = score(facts, weights), score(facts, new_weights)
            if before is not None and after is not None:
                scores[key] = before.score, after.score
    moved = [each for each in customers if str(each.pk) in scores and len(set(scores[str(each.pk)])) == 2]
    moved.sort(key=lambda each: -abs(scores[str(each.pk)][0] - scores[str(each.pk)][1]))
    moves = [_move(each, *(number(points) for points in scores[str(each.pk)])) for each in moved[:_SHOWN]]
    summary = f"The score changes for {_share(len(moved), len(customers), total)}."
    return Preview(summary, moves, _bands(scores.values()))


def _of_trust(values: Mapping[str, Any]) -> Preview:
    mixed = Customer.objects.current().annotate(sources=Count("source_records__source", distinct=True))
    found = mixed.filter(sources__gt=1).order_by("pk")
    total = found.count()
    customers = list(found.prefetch_related("source_records")[:MOST_CUSTOMERS])
    before = [_decided(customer) for customer in customers]
    with assumed(values):
        after = [_decided(customer) for customer in customers]
    moves = [
        _move(customer, old[field], new[field])
        for customer, old, new in zip(customers, before, after, strict=True)
        for field in old
        if old[field] != new[field]
    ]
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    scope = _share(changed, len(customers), total)
    return Preview(f"Name or email changes for {scope} with records of several sources.", moves[:_SHOWN])


def _decided(customer: Customer) -> dict[str, str]:
    """The name and the email address that sources decide; without those that are locked."""
    statements = [statement_of(record) for record in customer.source_records.all()]
    return {
        field: str(column(field, deciding_value(field, statements)) or "")
        for field in ORDERED
        if field not in customer.pinned_fields and any(field in each.claims for each in statements)
    }


def _bands(scores: Iterable[tuple[int, int]]) -> list[Band]:
    pairs = list(scores)
    bands = []
    for least, most in _BANDS:
        before, after = (sum(least <= pair[place] <= most for pair in pairs) for place in (0, 1))
        percents = [round(100 * count / max(len(pairs), 1)) for count in (before, after)]
        bands.append(Band(f"{least} to {most}", before, after, *percents))
    return bands


def _share(changed: int, looked_at: int, total: int) -> str:
    of = counted(looked_at, "customer")
    if looked_at < total:
        return f"{number(changed)} of the first {of} (of {number(total)})"
    return f"{number(changed)} of {of}"


def _move(customer: Customer, before: str, after: str) -> Move:
    return Move(str(customer), customer_url(customer.pk), before, after)
