"""Save filters of customers under a name, and find them again."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from crm.desk.segments.filter import FilterContext
from crm.desk.segments.query import May, Query
from crm.models import Segment
from customers import clock
from customers.models.customer import CustomerQuerySet
from customers.typed_ids import to_uuid

#: Beyond so many, customers of a segment are not counted.
COUNTED = 10_000

_SHOWN = 100


class UnknownSegment(LookupError):
    """There is no such segment for whoever asks; the message says so."""


class NameTaken(ValueError):
    """Whoever saves has a segment of this name already."""


@transaction.atomic
def save_segment(
    name: str, query: Query, *, by: Any, is_shared: bool = False, replaces: bool = False
) -> Segment:
    """Save `query` as a segment of `by`; with `replaces`, in the place of the one of this name, if there is one.

    Raises `NameTaken`.
    """
    held = Segment.objects.select_for_update().filter(owner=by, name=name).first()
    if held is None:
        return Segment.objects.create(name=name, owner=by, is_shared=is_shared, query=query.as_json())
    if not replaces:
        raise NameTaken(f"You have a segment “{name}” already. Choose another name, or let it be replaced.")
    held.query, held.is_shared = query.as_json(), is_shared
    held.save(update_fields=["query", "is_shared"])
    return held


def find_segment(asked: str, user: Any, *, sees_all: bool = False) -> Segment:
    """The segment of this id or name that `user` may use, their own before others'; for None, a shared one.

    `sees_all`: of everybody's, as commands do. Raises `UnknownSegment`, also where several are meant.
    """
    usable = Segment.objects.all() if sees_all else Segment.objects.usable_by(user)
    if to_uuid(asked, ("seg",)) is not None:
        found = list(usable.filter(pk=asked))
    else:
        found = list(usable.filter(name=asked)[:_SHOWN])
        own = [each for each in found if user is not None and each.owner_id == user.pk]
        found = own or found
    if len(found) > 1:
        ids = ", ".join(str(each.pk) for each in found[:5])
        raise UnknownSegment(
            f"{len(found)} segments are called “{asked[:_SHOWN]}”. Ask by the id of one: {ids}."
        )
    if not found:
        raise UnknownSegment(
            f"There is no segment “{asked[:_SHOWN]}” that you may use. Ask by its name or id (seg_…)."
        )
    return found[0]


def customers_of(segment: Segment, user: Any, may: May | None = None) -> CustomerQuerySet:
    """The customers of a segment, as `user` sees it; `may` says what that user may see (None: everything).

    Raises `BadValue`.
    """
    return Query.read(segment.query).customers(FilterContext(user, clock.now()), may)


def in_segment(asked: str, user: Any) -> Q:
    """The condition of being in the segment of this name or id that `user` (None: a token, which sees all) may use.

    Raises `UnknownSegment`, and `BadValue` for a segment that cannot be used as it was saved.
    """
    segment = find_segment(asked, user)
    may = None if user is None else user.has_perm
    return Q(pk__in=customers_of(segment, user, may).order_by().values("pk"))


def counted(customers: CustomerQuerySet) -> str:
    """How many there are, up to where it matters."""
    count = customers.order_by()[: COUNTED + 1].count()
    return f"{count:,}" if count <= COUNTED else f"more than {COUNTED:,}"
