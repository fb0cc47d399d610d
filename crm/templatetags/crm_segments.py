"""The filters of a customer list in words."""

from __future__ import annotations

from django import template
from django.http import HttpRequest

from crm.desk.segments.filter import BadValue
from crm.desk.segments.query import Query

register = template.Library()


@register.simple_tag
def filtered_by(request: HttpRequest) -> dict[str, str]:
    """The filters in the URL: in `words`, or what is wrong with them; and as a query string in `address`."""
    try:
        query = Query.read(request.GET)
    except BadValue as problem:
        return {"words": str(problem), "address": ""}
    return {"words": query.words, "address": query.address}
