"""Save filters as segments, and find segments."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from crm.desk.segments.filter import FilterContext
from crm.desk.segments.query import May, Query
from crm.models import Segment
from customers import clock
from customers.formats import number
from customers.models.customer import CustomerQuerySet
from customers.typed_ids import to_uuid

#: Counting stops here: more is shown as `10,000+`.
_MOST_COUNTED = 10_000

_SHOWN = 100


class UnknownSegment(LookupError):
    """The user has no such segment, or several; the message is for the user."""


class NameTaken(ValueError):
    """The user already has a segment with this name; the message is for the user."""


@transaction.atomic
def save_segment(
    name: str, query: Query, *, by: Any, is_shared: bool = False, replaces: bool = False
) -> Segment:
    """Save `query` as a segment of `by`; `replaces` overwrites their segment with this name. Raises `NameTaken`."""
    existing = Segment.objects.select_for_update().filter(owner=by, name=name).first()
    if existing is None:
        return Segment.objects.create(name=name, owner=by, is_shared=is_shared, query=query.as_json())
    if not replaces:
        raise NameTaken(f"Choose another name, or replace your segment “{name}”.")
    existing.query, existing.is_shared = query.as_json(), is_shared
    existing.save(update_fields=["query", "is_shared"])
    return existing


def find_segment(name_or_id: str, user: Any, *, sees_all: bool = False) -> Segment:
    """The segment with this ID or name that `user` may use, their own first; without a user, a shared one.

    `sees_all` searches the segments of all users, as commands do. Raises `UnknownSegment`, also for an ambiguous name.
    """
    usable = Segment.objects.all() if sees_all else Segment.objects.usable_by(user)
    if to_uuid(name_or_id, ("seg",)) is not None:
        found = list(usable.filter(pk=name_or_id))
    else:
        found = list(usable.filter(name=name_or_id)[:_SHOWN])
        own = [each for each in found if user is not None and each.owner_id == user.pk]
        found = own or found
    if len(found) > 1:
        ids = ", ".join(str(each.pk) for each in found[:5])
        raise UnknownSegment(
            f"{len(found)} segments are called “{name_or_id[:_SHOWN]}”. Use the ID of one of them: {ids}."
        )
    if not found:
        raise UnknownSegment(
            f"There is no segment “{name_or_id[:_SHOWN]}” that you may use. Check its name or ID (seg_…)."
        )
    return found[0]


def customers_of(segment: Segment, user: Any, may: May | None = None) -> CustomerQuerySet:
    """The customers of a segment for `user`; `may` tells whether the user has a permission (None: all).

    Raises `BadValue`.
    """
    return Query.read(segment.query).customers(FilterContext(user, clock.now()), may)


def in_segment(name_or_id: str, user: Any) -> Q:
    """The condition of being in the segment with this name or ID.

    Without a user, an API token asks, and the segments of all users are searched. Raises `UnknownSegment`,
    and `BadValue` if the saved filters are no longer valid.
    """
    segment = find_segment(name_or_id, user)
    may = None if user is None else user.has_perm
    return Q(pk__in=customers_of(segment, user, may).order_by().values("pk"))


def count_of(customers: CustomerQuerySet) -> str:
    """`9,999`, or `10,000+` for more."""
    count = customers.order_by()[: _MOST_COUNTED + 1].count()
    return number(count) if count <= _MOST_COUNTED else f"{number(_MOST_COUNTED)}+"
