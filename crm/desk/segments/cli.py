"""Segments as commands take them: everybody's, by name or id, and without a “me”."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db.models import Q

from crm.desk.segments.filter import BadValue
from crm.desk.segments.saved import UnknownSegment, customers_of, find_segment
from crm.models import Segment
from customers.cli import one_line
from customers.models.customer import CustomerQuerySet


def segment_named(asked: str) -> tuple[Segment, CustomerQuerySet]:
    """The segment of this name or id, and its customers. Raises `CommandError`."""
    try:
        segment = find_segment(asked, None, sees_all=True)
        return segment, customers_of(segment, None)
    except UnknownSegment as problem:
        raise CommandError(one_line(str(problem))) from None
    except BadValue as problem:
        raise CommandError(f"The segment cannot be used. {one_line(str(problem))}") from None


def segment_condition(asked: str) -> Q:
    """The condition of being in it. Raises `CommandError`."""
    _, customers = segment_named(asked)
    return Q(pk__in=customers.order_by().values("pk"))
