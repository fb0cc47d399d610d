"""What a list of customers is narrowed by, in words."""

from __future__ import annotations

from django import template
from django.http import HttpRequest

from crm.desk.segments.filter import BadValue
from crm.desk.segments.query import Query

register = template.Library()


@register.simple_tag
def filtered_by(request: HttpRequest) -> dict[str, str]:
    """The words for what the address says, and the query that says it; what is wrong with it, instead."""
    try:
        query = Query.read(request.GET)
    except BadValue as problem:
        return {"words": str(problem), "address": ""}
    return {"words": query.words, "address": query.address}
