"""Serves the client's reads of usage: the events one by one, and their sums over time.

Clientele keeps no properties of events, so they can't be filtered or grouped by properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Count as CountRows
from django.db.models import QuerySet, Sum
from django.db.models.functions import Trunc
from django.http import HttpRequest, HttpResponse
from msgspec import Meta

from billing.document.autumn_api import (
    PAGE_BY_CURSOR,
    ClientRead,
    PageSize,
    client_customer,
    client_page,
)
from billing.document.lists.documents import UsageEvent
from billing.document.lists.events import render_events
from billing.document.lists.examples import EVENT
from billing.document.renderer.scalars import moment
from billing.document.schema.scalars import Whole
from billing.ledger.totals import customer_ids_with_merged
from billing.models import Feature, Posting
from customers import clock
from customers.api.bodies import read_body
from customers.api.endpoints import read_values
from customers.api.http import Problem, json_response
from customers.api.paging import orders_by_id
from customers.api.schemas import Components, Schema
from customers.json_types import AnyEpochMs, EpochMs, JsonDocument, Number

_, _NEWEST_FIRST = orders_by_id()
_ERRORS = (400, 401, 403, 404, 405, 406, 413)
_USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)
_MOST_FEATURES = 100
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
#: An aggregate with more bins leaves out those without usage.
_MOST_BINS = 5000

Range = Literal["24h", "7d", "30d", "90d"]
_LENGTHS = {"24h": timedelta(hours=24), "7d": timedelta(7), "30d": timedelta(30), "90d": timedelta(90)}

FeatureIds = str | Annotated[list[str], Meta(max_length=_MOST_FEATURES)]


class EventRange(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """A range of time: from `start`, before `end`."""

    start: AnyEpochMs | None = None
    end: AnyEpochMs | None = None


class WholeEventRange(JsonDocument, forbid_unknown_fields=True):
    """A range of time: from `start`, before `end`."""

    start: AnyEpochMs
    end: AnyEpochMs


class ClientEventsRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """The filters and the paging of the client's list of events. Null counts as absent."""

    start_cursor: str | None = None
    offset: Whole | None = None
    limit: PageSize | None = None
    customer_id: str | None = None
    entity_id: str | None = None
    feature_id: FeatureIds | None = None
    custom_range: EventRange | None = None
    range: Range | None = None


class ClientAggregateRequest(JsonDocument, forbid_unknown_fields=True, omit_defaults=True):
    """What to add up, over which time (the last 30 days if left out), in bins of which size. Null counts as absent.

    Bins begin at midnight in `timezone`, weeks on Monday; hours are those of UTC. `measure` chooses between the sum of
    the values and the number of events. With more than 5,000 bins, those without usage are left out.
    """

    feature_id: FeatureIds
    customer_id: str | None = None
    entity_id: str | None = None
    range: Range | None = None
    custom_range: WholeEventRange | None = None
    bin_size: Literal["hour", "day", "week", "month"] | None = None
    timezone: Annotated[str, Meta(max_length=100)] | None = None
    measure: Literal["sum", "count"] | None = None


class ClientEvents(JsonDocument):
    """A page of the client's list of events. `total` counts the page."""

    list: Sequence[UsageEvent]
    has_more: bool
    offset: int
    limit: int
    total: int
    next_cursor: str | None


class UsageBin(JsonDocument):
    """The figures of one bin by feature ID. `period` is its begin."""

    period: EpochMs
    values: dict[str, Number]


class UsageTotal(JsonDocument):
    """The number of events of a feature, and the sum of their values."""

    count: int
    sum: Number


class ClientAggregate(JsonDocument):
    """Usage over time, by feature ID."""

    list: Sequence[UsageBin]
    total: dict[str, UsageTotal]


class ClientEventList(ClientRead):
    """Usage events of one customer or of all, for the billing platform's public client. Refunds are negative."""

    summary = "List usage events for the billing client"
    permission = "billing.view_posting"
    errors = _ERRORS
    body = ClientEventsRequest
    body_example = {"customer_id": "acme-42", "feature_id": "api_calls", "range": "30d"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return components.add(ClientEvents), {
            "list": [EVENT],
            "has_more": False,
            "offset": 0,
            "limit": 50,
            "total": 1,
            "next_cursor": None,
        }

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientEventsRequest)
        start, end = _range(wanted.range, wanted.custom_range)
        rows = _events(wanted, query.get("env"), start, end).select_related(
            "feature", "customer__merged_into"
        )
        limit, offset = wanted.limit or PAGE_BY_CURSOR, wanted.offset or 0
        page = client_page(rows, _NEWEST_FIRST, limit, wanted.start_cursor, skip=offset)
        return json_response(
            ClientEvents(
                list=render_events(page.rows),
                has_more=page.next_cursor is not None,
                offset=offset,
                limit=limit,
                total=len(page.rows),
                next_cursor=page.next_cursor,
            )
        )


class ClientEventAggregate(ClientRead):
    """Usage added up over time, for the billing platform's public client."""

    summary = "Add up usage for the billing client"
    permission = "billing.view_posting"
    errors = _ERRORS
    body = ClientAggregateRequest
    body_example = {"feature_id": "api_calls", "range": "7d", "bin_size": "day"}

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        answer = {
            "list": [{"period": 1724630400000, "values": {"api_calls": 20.5}}],
            "total": {"api_calls": {"count": 1, "sum": 20.5}},
        }
        return components.add(ClientAggregate), answer

    def post(self, request: HttpRequest) -> HttpResponse:
        query, _ = read_values(request, self.parameters())
        wanted = read_body(request, ClientAggregateRequest)
        start, end = _range(wanted.range, wanted.custom_range)
        if start is None or end is None:
            start, end = _last(_LENGTHS["30d"])
        size = wanted.bin_size or ("hour" if wanted.range == "24h" else "day")
        zone = _zone(wanted.timezone) if size != "hour" else UTC
        features = [wanted.feature_id] if isinstance(wanted.feature_id, str) else wanted.feature_id
        begins = list(islice(_bins(start, end, size, zone), _MOST_BINS + 1))
        shown = begins if len(begins) <= _MOST_BINS else ()
        bins = {begin: dict.fromkeys(features, Decimal(0)) for begin in shown}
        totals = {feature: UsageTotal(0, Number(0)) for feature in features}
        found = (
            _events(wanted, query.get("env"), start, end)
            .order_by()
            .values_list("feature__feature_id", Trunc("occurred_at", size, tzinfo=zone))
            .annotate(CountRows("pk"), Sum("amount"))
        )
        for feature, begin, count, amount in found:
            total = totals[feature]
            totals[feature] = UsageTotal(total.count + count, Number(total.sum + amount))
            values = bins.setdefault(begin.astimezone(UTC), dict.fromkeys(features, Decimal(0)))
            values[feature] += Decimal(count) if wanted.measure == "count" else amount
        return json_response(
            ClientAggregate(
                list=[
                    UsageBin(moment(begin), {feature: Number(value) for feature, value in values.items()})
                    for begin, values in sorted(bins.items())
                ],
                total=totals,
            )
        )


def _events(
    wanted: ClientEventsRequest | ClientAggregateRequest,
    env: str | None,
    start: datetime | None,
    end: datetime | None,
) -> QuerySet[Posting]:
    """The events that match the filters. Raises `Problem`."""
    rows = Posting.objects.filter(kind__in=_USES, feature__isnull=False, amount__isnull=False)
    if wanted.customer_id is not None:
        customer = client_customer(wanted.customer_id, env)
        rows = rows.filter(customer_id__in=customer_ids_with_merged(str(customer.pk)))
    else:
        rows = rows.filter(customer__archived_at=None)
        if env is not None:
            rows = rows.filter(customer__env=env)
    if wanted.entity_id is not None:
        rows = rows.filter(entity__entity_id=wanted.entity_id)
    if wanted.feature_id is not None:
        names = [wanted.feature_id] if isinstance(wanted.feature_id, str) else wanted.feature_id
        rows = rows.filter(feature__in=Feature.objects.filter(feature_id__in=names))
    if start is not None:
        rows = rows.filter(occurred_at__gte=start)
    if end is not None:
        rows = rows.filter(occurred_at__lt=end)
    return rows


def _range(
    name: Range | None, custom: EventRange | WholeEventRange | None
) -> tuple[datetime | None, datetime | None]:
    """The bounds of the wanted range, of a custom one if both are given; None for none."""
    if custom is None:
        return (None, None) if name is None else _last(_LENGTHS[name])
    start, end = custom.start, custom.end
    return None if start is None else _clamped(start), None if end is None else _clamped(end)


def _last(length: timedelta) -> tuple[datetime, datetime]:
    """The range that ends now."""
    now = clock.now()
    return now - length, now + timedelta(microseconds=1)


def _clamped(value: datetime) -> datetime:
    """`value` or the nearest moment that an event can have, of which every time zone has a date."""
    return min(max(value, _EARLIEST), _LATEST)


def _zone(name: str | None) -> Any:
    """The time zone of this name, UTC for none. Raises `Problem`."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "“timezone” must be the name of a time zone, such as America/New_York."
        raise Problem(400, "invalid_body", message, "timezone") from None


def _bins(start: datetime, end: datetime, size: str, zone: Any) -> Iterator[datetime]:
    """The begins in UTC of the bins from `start` up to `end`."""
    local = start.astimezone(zone)
    if size == "hour":
        hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        while hour < end:
            yield hour
            hour += timedelta(hours=1)
        return
    day = local.date()
    if size == "week":
        day -= timedelta(day.weekday())
    elif size == "month":
        day = day.replace(day=1)
    while (begin := datetime.combine(day, time.min, zone)) < end:
        yield begin.astimezone(UTC)
        day = _next(day, size)


def _next(day: date, size: str) -> date:
    if size == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if size == "week" else 1)
