"""The home page: numbers, each with the list behind it, the most urgent accounts, and revenue movement."""

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
from customers.formats import counted, month, number, when
from customers.models import Customer

_SCOPE = "scope"
_PAGE = 50
#: How many accounts of the worklist the home page shows, and how many reasons of each.
_URGENT, _REASONS = 5, 3
#: Counting stops here: a larger number is shown as `250+`.
_MOST_COUNTED = 250

#: The filter of the list of customers for each scope.
_OWNERS_QUERY = {Scope.MINE: "?owner=me", Scope.TEAM: "?owner=team", Scope.ALL: ""}

#: What moves revenue: label, column, sign, and color in the chart.
SERIES = (
    ("New", "new", 1, "var(--color-primary-600)"),
    ("Expansion", "expansion", 1, "var(--color-primary-300)"),
    ("Contraction", "contraction", -1, "#f59e0b"),
    ("Churn", "churn", -1, "#dc2626"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, its title, and the URL of the list behind it."""

    title: str
    value: str
    url: str


def fill_home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's context for users who may view customers."""
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
        "urgent": _urgent(owners),
        "worklist_url": f"{reverse('desk-worklist')}?{urlencode({_SCOPE: scope.value})}",
    }
    if request.user.has_perm("billing.view_subscription"):
        found = movements(owners)
        context["revenue"] = [
            _revenue(currency, months) for currency, months in found.of_currency.items() if any_money(months)
        ]
        context["made_at"] = when(found.made_at) if found.made_at else ""
    return context


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
    """Whether there was any revenue in these months."""
    return any(each.mrr or each.churn or each.contraction for each in months.values())


def _scopes(request: HttpRequest, chosen: Scope, url: str) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is selected, for each scope."""
    return [(scope.label, f"{url}?{urlencode({_SCOPE: scope.value})}", scope is chosen) for scope in Scope]


def _tiles(request: HttpRequest, scope: Scope, owners: Owners, now: datetime) -> list[Tile]:
    query = urlencode({_SCOPE: scope.value})
    customers = f"{reverse('admin:customers_customer_changelist')}{_OWNERS_QUERY[scope]}"
    tiles = [Tile("Customers", _at_most(customers_of(owners)), customers)]
    tiles += [
        Tile(
            each.heading,
            _at_most(each.rows(owners, now)),
            f"{reverse('desk-list', args=[each.name])}?{query}",
        )
        for each in LISTS.values()
        if request.user.has_perm(each.permission)
    ]
    return tiles


def _urgent(owners: Owners) -> list[tuple[Customer, str, list[WorklistReason]]]:
    """The first accounts of the worklist: customer, URL, heaviest reasons."""
    entries = WorklistEntry.objects.waiting().of_people(owners).by_need().select_related("customer")
    reasons = Prefetch("reasons", WorklistReason.objects.open().heaviest_first(), to_attr="open_reasons")
    found: list[Any] = list(entries.prefetch_related(reasons)[:_URGENT])
    return [
        (entry.customer, reverse("desk-customer", args=[entry.customer_id]), entry.open_reasons[:_REASONS])
        for entry in found
    ]


def _at_most(rows: Any) -> str:
    count = rows.order_by()[: _MOST_COUNTED + 1].count()
    return number(count) if count <= _MOST_COUNTED else f"{number(_MOST_COUNTED)}+"


def _revenue(currency: str, months: dict[date, Movement]) -> dict[str, Any]:
    """The revenue of one currency: a figure, a chart, and the chart's data as a table."""
    latest = months[max(months)]
    columns = ("new", "expansion", "contraction", "churn", "mrr")
    return {
        "currency": currency,
        "mrr": money(latest.mrr, currency),
        "customers": counted(latest.customers, "customer"),
        "legend": [(label, color) for label, _, _, color in SERIES],
        "chart": json.dumps(_chart(currency, months)),
        "table": {
            "headers": ["Month", "New", "Expansion", "Contraction", "Churn", "MRR at month end"],
            "rows": [
                [month(first), *(money(getattr(movement, name), currency) for name in columns)]
                for first, movement in sorted(months.items(), reverse=True)
            ],
        },
    }


def _chart(currency: str, months: dict[date, Movement]) -> dict[str, Any]:
    """Gains above and losses below the line. Floats are only for drawing."""
    ordered = sorted(months.items())
    return {
        "labels": [month(first) for first, _ in ordered],
        "datasets": [
            {
                "label": label,
                "data": [float(sign * from_minor(getattr(each, name), currency)) for _, each in ordered],
                "backgroundColor": color,
                "maxBarThickness": 28,
                "borderRadius": 2,
                # Stack the bars: by default the library starts each at zero.
                "base": None,
                "displayYAxis": True,
                "stack": "movement",
            }
            for label, name, sign, color in SERIES
        ],
    }
