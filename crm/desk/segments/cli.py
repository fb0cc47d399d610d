"""Segments in commands: of all users, by name or ID. No user is signed in, so filters by “me” are refused."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db.models import Q

from crm.desk.segments.filter import BadValue
from crm.desk.segments.saved import UnknownSegment, customers_of, find_segment
from crm.models import Segment
from customers.cli import one_line
from customers.models.customer import CustomerQuerySet


def segment_named(name_or_id: str) -> tuple[Segment, CustomerQuerySet]:
    """The segment with this name or ID, and its customers. Raises `CommandError`."""
    try:
        segment = find_segment(name_or_id, None, sees_all=True)
        return segment, customers_of(segment, None)
    except UnknownSegment as problem:
        raise CommandError(one_line(str(problem))) from None
    except BadValue as problem:
        raise CommandError(f"Couldn't use the segment. {one_line(str(problem))}") from None


def segment_condition(name_or_id: str) -> Q:
    """The condition of being in the segment. Raises `CommandError`."""
    _, customers = segment_named(name_or_id)
    return Q(pk__in=customers.order_by().values("pk"))
