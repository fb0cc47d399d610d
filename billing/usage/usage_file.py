"""Record the usage in a file, in the order in which it happened.

Each record is read strictly, what it names is looked up, and the records are recorded in batches.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import Any, ClassVar, Self

from billing.models import Entity, Feature
from billing.rules.figures import amount_problem
from billing.usage.deduct import UsageRequest, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record_many import record_usage_batch
from billing.usage.time_order import in_time_order
from customers import clock
from customers.bulk import pieces
from customers.ingest.accounts import accounts_named
from customers.ingest.reader import BadRecord, Record, Unreadable
from customers.json_types import JsonDocument, Refused, Scalar, parse
from customers.lookup import AmbiguousCustomer, Found, UnknownCustomer, find_customers
from customers.models import Source

#: How many records are written in one transaction, and how many characters they may have together.
BATCH = 10_000
BATCH_TEXT = 8 * 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_LENGTH = len("2024-08-26")
_SHOWN = 100
_DIGITS = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


class _UsageAmount(Decimal, Scalar):
    """A number, or its digits as a text, taken exactly: one with more than ten decimals is refused, not rounded."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": ["number", "string"]}

    @classmethod
    def from_json(cls, value: object) -> Self:
        is_digits = isinstance(value, str) and _DIGITS.fullmatch(value) is not None
        if type(value) not in (int, Decimal) and not is_digits:
            raise ValueError("Expected a number, such as 1 or 0.5")
        amount = cls(value)  # type: ignore[arg-type]
        if problem := amount_problem(amount):
            raise ValueError(problem.removesuffix("."))
        return amount

    def to_json(self) -> Decimal:
        return self


class _UsageTime(datetime, Scalar):
    """Milliseconds since the epoch, or ISO 8601 with a time zone; a date means its first moment in UTC."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": ["number", "string"]}

    @classmethod
    def from_json(cls, value: object) -> Self:
        if isinstance(value, str):
            return cls._from_iso(value)
        if type(value) not in (int, Decimal):
            raise ValueError("Expected a time: ISO 8601, or milliseconds since the epoch")
        try:
            microseconds = int((Decimal(value) * 1000).to_integral_value(ROUND_HALF_EVEN))  # type: ignore[arg-type]
            return cls._of(_EPOCH + timedelta(microseconds=microseconds))
        except (OverflowError, ArithmeticError):
            raise ValueError("The time is out of range: expected milliseconds since the epoch") from None

    @classmethod
    def _from_iso(cls, text: str) -> Self:
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                if len(text) > _DATE_LENGTH:
                    raise ValueError
                moment = moment.replace(tzinfo=UTC)
            return cls._of(moment.astimezone(UTC))
        except (ValueError, OverflowError):
            raise ValueError(
                "Expected a time in ISO 8601 with its zone, such as 2024-08-26T12:15:00Z, or a date"
            ) from None

    @classmethod
    def _of(cls, moment: datetime) -> Self:
        return cls.combine(moment.date(), moment.time(), UTC)

    def to_json(self) -> str:
        return self.isoformat()


class UsageRecord(JsonDocument, forbid_unknown_fields=True):
    """One record of the file: usage of a feature, named by its ID or by one of its events."""

    customer: str
    feature: str | None = None
    event_name: str | None = None
    amount: _UsageAmount = _UsageAmount(1)
    entity: str | None = None
    key: str | None = None
    at: _UsageTime | None = None


class UsageFileOutcome(Enum):
    """What happened to one record."""

    RECORDED = "recorded"
    REPLAYED = "recorded before"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class UsageFileReport:
    """The report on one record of the file: `used` is its result; if it was refused, `bad` is the reason."""

    number: int
    outcome: UsageFileOutcome
    bad: BadRecord | None = None
    used: UsageResult | None = None


def record_usage_file(
    records: Iterable[Record | BadRecord], *, done_by: str, env: str | None = None, cap: bool = False
) -> Iterator[UsageFileReport]:
    """Record the usage in `records` in the order of time, a batch at a time, and report on each record.

    So what is billed doesn't depend on the order of the records. All of them are read before the first one is recorded,
    and records without a time happen at the time of reading. Reports are in the order of recording.

    `env` limits which customers are found (see `find_customer`). With `cap`, what does not fit is dropped. If the input
    turns out `Unreadable`, what was read before is recorded first, and then that is raised. What was reported is
    committed. A `DatabaseError` that no record caused is raised.
    """
    batch: list[Record | BadRecord] = []
    length = 0
    try:
        for record in in_time_order(records, _time_of, clock.now()):
            batch.append(record)
            length += len(record.text)
            if len(batch) >= BATCH or length >= BATCH_TEXT:
                yield from _record(batch, done_by, env, cap)
                batch, length = [], 0
    except Unreadable:
        yield from _record(batch, done_by, env, cap)
        raise
    yield from _record(batch, done_by, env, cap)


def _time_of(value: object) -> datetime | None:
    """When a record's usage happened; None if it doesn't say, or says it in a way that is refused later."""
    said = value.get("at") if isinstance(value, dict) else None
    if said is None:
        return None
    try:
        return _UsageTime.from_json(said)
    except ValueError:
        return None


def _record(
    batch: Sequence[Record | BadRecord], done_by: str, env: str | None, cap: bool
) -> list[UsageFileReport]:
    reports: dict[int, UsageFileReport] = {}
    documents: list[tuple[Record, UsageRecord]] = []
    for record in batch:
        if isinstance(record, BadRecord):
            reports[record.number] = UsageFileReport(record.number, UsageFileOutcome.REFUSED, record)
            continue
        try:
            documents.append((record, parse(UsageRecord, record.value)))
        except Refused as refused:
            reports[record.number] = _refused(record, refused.path, refused.reason)
    lookup = _UsageFileLookup([document for _, document in documents], env)
    requests: list[tuple[Record, UsageRequest]] = []
    for record, document in documents:
        try:
            requests.append((record, lookup.request(document, done_by, cap)))
        except Refused as refused:
            reports[record.number] = _refused(record, refused.path, refused.reason)
    outcomes = record_usage_batch([request for _, request in requests])
    for (record, _), outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, UsageResult):
            kind = UsageFileOutcome.REPLAYED if outcome.is_replay else UsageFileOutcome.RECORDED
            reports[record.number] = UsageFileReport(record.number, kind, used=outcome)
        else:
            path = "$.key" if isinstance(outcome, KeyConflict) else "$"
            reports[record.number] = _refused(record, path, str(outcome))
    return [reports[record.number] for record in batch]


def _refused(record: Record, path: str, reason: str) -> UsageFileReport:
    return UsageFileReport(
        record.number, UsageFileOutcome.REFUSED, BadRecord(record.number, path, reason, record.text)
    )


class _UsageFileLookup:
    """The customers, features and entities that the records of one batch name."""

    def __init__(self, documents: Sequence[UsageRecord], env: str | None) -> None:
        self._customers: dict[str, Found] = find_customers({each.customer for each in documents}, env)
        known = {name: key for name, key in self._customers.items() if isinstance(key, str)}
        self._accounts = accounts_named(known, Source.BILLING)
        self._features: dict[str, Feature] = {}
        self._events: dict[str, list[Feature]] = defaultdict(list)
        if documents:
            for feature in Feature.objects.all():
                self._features[feature.feature_id] = feature
                self._features.setdefault(str(feature.pk), feature)
                for name in feature.event_names or ():
                    self._events[name].append(feature)
        self._entities = self._entities_of(documents)

    def request(self, document: UsageRecord, done_by: str, cap: bool) -> UsageRequest:
        """The request for a record. Raises `Refused`."""
        customer = self._customers[document.customer]
        if isinstance(customer, (UnknownCustomer, AmbiguousCustomer)):
            raise Refused("$.customer", str(customer))
        return UsageRequest(
            customer_id=customer,
            feature=self._feature(document),
            amount=document.amount,
            done_by=done_by,
            entity=None if document.entity is None else self._entity(customer, document.entity),
            key=document.key,
            at=document.at,
            cap=cap,
            account_id=self._accounts.get(document.customer),
        )

    def _feature(self, document: UsageRecord) -> Feature:
        if (document.feature is None) == (document.event_name is None):
            both = "" if document.feature is None else ", not both"
            raise Refused("$", f"Name the feature with `feature`, or its event with `event_name`{both}.")
        if document.feature is not None:
            feature = self._features.get(document.feature)
            if feature is None:
                raise Refused(
                    "$.feature",
                    f"There is no feature “{document.feature[:_SHOWN]}”. Enter the ID of a feature.",
                )
            return feature
        name = str(document.event_name)
        features = self._events.get(name, [])
        if len(features) == 1:
            return features[0]
        if not features:
            raise Refused(
                "$.event_name",
                f"No feature has the event “{name[:_SHOWN]}”. Add it to a feature, or name the feature.",
            )
        listed = ", ".join(feature.feature_id for feature in features)
        raise Refused(
            "$.event_name", f"Several features have the event “{name[:_SHOWN]}” ({listed}). Name the feature."
        )

    def _entity(self, customer: str, name: str) -> Entity:
        entity = self._entities.get((customer, name))
        if entity is None:
            raise Refused(
                "$.entity", f"The customer has no entity “{name[:_SHOWN]}”. Enter the ID of an entity."
            )
        return entity

    def _entities_of(self, documents: Sequence[UsageRecord]) -> dict[tuple[str, str], Entity]:
        owners = {self._customers[each.customer] for each in documents if each.entity is not None}
        found: dict[tuple[str, str], Entity] = {}
        for piece in pieces(sorted(owner for owner in owners if isinstance(owner, str))):
            for entity in Entity.objects.filter(customer__pk__in=piece):
                if entity.entity_id is not None:
                    found[entity.customer_id, entity.entity_id] = entity
                found.setdefault((entity.customer_id, str(entity.pk)), entity)
        return found
