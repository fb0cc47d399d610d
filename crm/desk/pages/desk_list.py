"""The lists behind the numbers of the home page."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.home.lists import LISTS
from crm.desk.scope import Scope
from customers import clock
from customers.formats import counted, customer_url

_SCOPE = "scope"
_PAGE = 50


def desk_list(request: HttpRequest, name: str) -> HttpResponse:
    """The rows behind a number of the home page, with pages."""
    shown = LISTS.get(name)
    if shown is None:
        raise Http404
    if not request.user.has_perm(shown.permission) or not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    scope = Scope.chosen(request.GET.get(_SCOPE))
    rows = shown.rows(scope.owners(request.user), clock.now())
    page = Paginator(rows.select_related(shown.customer, *shown.also), _PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        **admin.site.each_context(request),
        "title": shown.heading,
        "description": shown.description,
        "empty": shown.empty,
        "in_all": counted(page.paginator.count, "row"),
        "scopes": scope_links(request, scope, reverse("desk-list", args=[name])),
        "scope": scope.value,
        "page": page,
        "rows": [
            (customer, customer_url(customer.pk), shown.page(row), shown.words(row))
            for row in page
            for customer in [shown.customer_of(row)]
        ],
    }
    return TemplateResponse(request, "crm/desk/list.html", context)


def scope_links(request: HttpRequest, chosen: Scope, url: str) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is selected, for each scope."""
    return [(scope.label, f"{url}?{urlencode({_SCOPE: scope.value})}", scope is chosen) for scope in Scope]
