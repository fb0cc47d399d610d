"""The search page, and the results that the search box shows while you type."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse

from crm.desk.search.search import MOST, find, find_near
from customers.lookup import LONGEST_IDENTIFIER

_MOST_PAGES = 3


def find_page(request: HttpRequest) -> HttpResponse:
    """The customers that match `q`. With `part`, only the list of results, with matching pages of the admin."""
    if not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    term = request.GET.get("q", "").strip()[:LONGEST_IDENTIFIER]
    found = find(term, request.user.has_perm)
    near = [] if found else find_near(term, request.user.has_perm)
    context: dict[str, Any] = {
        "term": term,
        "found": found or near,
        "is_guess": bool(near),
        "is_full": len(found) == MOST,
    }
    if "part" in request.GET:
        context["pages"] = _admin_pages(request, term)
        return render(request, "crm/desk/_found.html", context)
    context = {**admin.site.each_context(request), "title": "Find a customer", **context}
    return TemplateResponse(request, "crm/desk/find.html", context)


def _admin_pages(request: HttpRequest, term: str) -> list[dict[str, Any]]:
    """The sidebar's pages whose title begins with `term`."""
    if not term:
        return []
    groups: Any = admin.site
    items = (item for group in groups.get_sidebar_list(request) for item in group["items"])
    return [item for item in items if item["title"].lower().startswith(term.lower())][:_MOST_PAGES]
