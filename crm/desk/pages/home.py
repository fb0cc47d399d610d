"""The home page: the numbers of somebody's customers, each with the list behind it, and how their revenue moved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from billing.formats import money
from billing.rules.money import from_minor
from crm.desk.home.lists import LISTS, Owners, customers_of
from crm.desk.home.movement import Movement, movements
from crm.desk.scope import Scope
from crm.models import WorklistEntry, WorklistReason
from customers import clock
from customers.formats import moment
from customers.models import Customer

_SCOPE = "scope"
_PAGE = 50
#: How many customers of the worklist the home page shows, with how many reasons each.
_NEEDIEST, _REASONS = 5, 3
#: Beyond so many, a number is not worth the time of counting it.
_COUNTED = 250

#: How the list of customers is asked for those of a scope.
_OWNERS_QUERY = {Scope.MINE: "?owner=me", Scope.TEAM: "?owner=team", Scope.ALL: ""}

#: What moves revenue: in words, as a column, which way it goes, and its colour in the chart.
SERIES = (
    ("New", "new", 1, "var(--color-primary-600)"),
    ("Expansion", "expansion", 1, "var(--color-primary-300)"),
    ("Contraction", "contraction", -1, "#f59e0b"),
    ("Churn", "churn", -1, "#dc2626"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it counts, and where the list behind it is."""

    title: str
    value: str
    url: str


def fill_home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the admin's first page shows to whoever may see customers."""
    if not request.user.has_perm("customers.view_customer"):
        return context
    scope = Scope.chosen(request.GET.get(_SCOPE))
    owners = scope.owners(request.user)
    now = clock.now()
    context |= {
        "desk": True,
        "title": "Home",
        "scopes": _scopes(request, scope, reverse("admin:index")),
        "tiles": _tiles(request, scope, owners, now),
        "neediest": _neediest(owners),
        "worklist_url": f"{reverse('desk-worklist')}?{urlencode({_SCOPE: scope.value})}",
    }
    if request.user.has_perm("billing.view_subscription"):
        found = movements(owners)
        context["revenue"] = [
            _revenue(currency, months) for currency, months in found.of_currency.items() if any_money(months)
        ]
        context["made_at"] = moment(found.made_at) if found.made_at else ""
    return context


def desk_list(request: HttpRequest, name: str) -> HttpResponse:
    """The rows behind a number of the home page, page by page."""
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
        "title": shown.title,
        "said": shown.said,
        "scopes": _scopes(request, scope, reverse("desk-list", args=[name])),
        "scope": scope.value,
        "page": page,
        "rows": [
            (customer, reverse("desk-customer", args=[customer.pk]), shown.page(row), shown.words(row))
            for row in page
            for customer in [shown.customer_of(row)]
        ],
    }
    return TemplateResponse(request, "crm/desk/list.html", context)


def any_money(months: dict[date, Movement]) -> bool:
    """Whether anything came in or went in these months."""
    return any(each.mrr or each.churn or each.contraction for each in months.values())


def _scopes(request: HttpRequest, chosen: Scope, url: str) -> list[tuple[str, str, bool]]:
    """The choices of whose customers are meant: words, address, whether it is the one chosen."""
    return [(scope.label, f"{url}?{urlencode({_SCOPE: scope.value})}", scope is chosen) for scope in Scope]


def _tiles(request: HttpRequest, scope: Scope, owners: Owners, now: datetime) -> list[Tile]:
    query = urlencode({_SCOPE: scope.value})
    customers = f"{reverse('admin:customers_customer_changelist')}{_OWNERS_QUERY[scope]}"
    tiles = [Tile("Customers", _counted(customers_of(owners)), customers)]
    tiles += [
        Tile(
            each.title, _counted(each.rows(owners, now)), f"{reverse('desk-list', args=[each.name])}?{query}"
        )
        for each in LISTS.values()
        if request.user.has_perm(each.permission)
    ]
    return tiles


def _neediest(owners: Owners) -> list[tuple[Customer, str, list[WorklistReason]]]:
    """The first customers of the worklist, each with its page and its heaviest reasons."""
    entries = WorklistEntry.objects.waiting().of_people(owners).by_need().select_related("customer")
    reasons = Prefetch("reasons", WorklistReason.objects.open().heaviest_first(), to_attr="open_reasons")
    found: list[Any] = list(entries.prefetch_related(reasons)[:_NEEDIEST])
    return [
        (entry.customer, reverse("desk-customer", args=[entry.customer_id]), entry.open_reasons[:_REASONS])
        for entry in found
    ]


def _counted(rows: Any) -> str:
    count = rows.order_by()[: _COUNTED + 1].count()
    return f"{count:,}" if count <= _COUNTED else f"more than {_COUNTED:,}"


def _revenue(currency: str, months: dict[date, Movement]) -> dict[str, Any]:
    """What the page shows of one currency: a figure, a chart, and its data as a table."""
    latest = months[max(months)]
    columns = ("new", "expansion", "contraction", "churn", "mrr")
    return {
        "currency": currency,
        "mrr": money(latest.mrr, currency),
        "customers": latest.customers,
        "legend": [(label, colour) for label, _, _, colour in SERIES],
        "chart": json.dumps(_chart(currency, months)),
        "table": {
            "headers": ["Month", "New", "Expansion", "Contraction", "Churn", "MRR at the end"],
            "rows": [
                [f"{month:%b %Y}", *(money(getattr(movement, name), currency) for name in columns)]
                for month, movement in sorted(months.items(), reverse=True)
            ],
        },
    }


def _chart(currency: str, months: dict[date, Movement]) -> dict[str, Any]:
    """Gains above and losses below the line. Pixels are the only place for floats."""
    ordered = sorted(months.items())
    return {
        "labels": [f"{month:%b %y}" for month, _ in ordered],
        "datasets": [
            {
                "label": label,
                "data": [float(sign * from_minor(getattr(each, name), currency)) for _, each in ordered],
                "backgroundColor": colour,
                "maxBarThickness": 28,
                "borderRadius": 2,
                # One upon the other: the library would let each begin at zero.
                "base": None,
                "displayYAxis": True,
                "stack": "movement",
            }
            for label, name, sign, colour in SERIES
        ],
    }
