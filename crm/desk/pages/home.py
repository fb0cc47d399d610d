"""The home page: figures with the lists behind them, the most urgent accounts, and revenue movement."""

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
from billing.rates.convert import Converted
from billing.rules.money import from_minor
from crm.desk.home.figures import PastDue, Revenue, ages, past_due, revenue_of_month
from crm.desk.home.lists import LISTS, Owners, customers_of
from crm.desk.home.movement import Movement, movements
from crm.desk.pages.overview.attention import action_of
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.scope import Scope
from crm.desk.worklist.rows import URGENT
from crm.models import WorklistEntry, WorklistReason
from customers import clock
from customers.formats import counted, customer_url, days_between, listed, month, number, short_day, when
from customers.models import Customer

_SCOPE = "scope"
_PAGE = 50
#: How many accounts of the worklist the home page shows.
_URGENT = 6
#: Counting stops here: a larger number is shown as `10,000+`.
_MOST_COUNTED = 10_000
#: How many of the next renewals the page shows.
_RENEWALS = 5

#: The filter of the list of customers for each scope.
_OWNERS_QUERY = {Scope.MINE: "?owner=me", Scope.TEAM: "?owner=team", Scope.ALL: ""}

#: The lists with their number among the facts, and the column with the moment of a row.
_COUNTED = {"renewals": "current_period_end", "trials": "trial_ends_at"}
_IN_FACTS = {"customers", "overdue", *_COUNTED}

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

    name: str
    title: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class UrgentAccount:
    """An account of the worklist with its heaviest reason, the text of its link, and how many more it has."""

    customer: Customer
    url: str
    reason: WorklistReason | None
    action: str
    more: int
    is_urgent: bool


def fill_home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's context for users who may view customers."""
    if not request.user.has_perm("customers.view_customer"):
        return context
    scope = Scope.chosen(request.GET.get(_SCOPE))
    owners = scope.owners(request.user)
    now = clock.now()
    tiles = {tile.name: tile for tile in _tiles(request, scope, owners, now)}
    context |= {
        "desk": True,
        "title": "Home",
        "scopes": _scopes(request, scope, reverse("admin:index")),
        "tiles": list(tiles.values()),
        "lists": [tile for name, tile in tiles.items() if name not in _IN_FACTS],
        "urgent": _urgent(owners),
        "worklist_url": f"{reverse('desk-worklist')}?{urlencode({_SCOPE: scope.value})}",
    }
    facts: list[KeyFact] = []
    if request.user.has_perm("billing.view_subscription"):
        found = movements(owners)
        context["revenue"] = [
            _revenue(currency, months) for currency, months in found.of_currency.items() if any_money(months)
        ]
        context["made_at"] = when(found.made_at) if found.made_at else ""
        context["renewals"] = _next_renewals(owners, now)
        revenue = revenue_of_month(found.of_currency, now)
        facts.append(_mrr_fact(revenue, tiles["customers"].url))
        facts.append(_fact(tiles["customers"], f"{number(revenue.customers)} with revenue"))
    else:
        facts.append(_fact(tiles["customers"], "Active and inactive"))
    if request.user.has_perm("billing.view_invoice"):
        facts.append(_past_due_fact(past_due(owners, now), tiles["overdue"].url, now))
        context["ages"] = [
            (age.label, number(age.customers), _amount(age.amount)) for age in ages(owners, now)
        ]
        context["overdue_url"] = tiles["overdue"].url
    for name, moment in _COUNTED.items():
        if name in tiles:
            first = LISTS[name].rows(owners, now).values_list(moment, flat=True).first()
            facts.append(_fact(tiles[name], f"Next on {short_day(first, now)}" if first else "None soon"))
    return context | {"facts": facts}


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
            (customer, customer_url(customer.pk), shown.page(row), shown.words(row))
            for row in page
            for customer in [shown.customer_of(row)]
        ],
    }
    return TemplateResponse(request, "crm/desk/list.html", context)


def any_money(months: dict[date, Movement]) -> bool:
    """Whether there was any revenue in these months."""
    return any(each.mrr or each.churn or each.contraction for each in months.values())


def _fact(tile: Tile, detail: str) -> KeyFact:
    return KeyFact(label=tile.title, value=tile.value, detail=detail, url=tile.url)


def _mrr_fact(found: Revenue, url: str) -> KeyFact:
    if not found.mrr.minor and not found.mrr.missing:
        return KeyFact(label="MRR", value="None", detail="No recurring revenue", url=url)
    net = found.net_new.minor
    grown = f"{'+' if net > 0 else ''}{money(net, found.net_new.currency)} this month"
    color = "good" if net > 0 else "bad" if net < 0 else ""
    return KeyFact(label="MRR", value=_amount(found.mrr), detail=grown, color=color, url=url)


def _past_due_fact(found: PastDue, url: str, now: datetime) -> KeyFact:
    if not found.customers or found.oldest_due_at is None:
        return KeyFact(label="Past due", value="None", detail="No past-due invoices", url=url)
    days = max(days_between(found.oldest_due_at, now), 0)
    detail = f"{counted(found.customers, 'customer')}, oldest {counted(days, 'day')}"
    return KeyFact(label="Past due", value=_amount(found.amount), detail=detail, color="bad", url=url)


def _amount(total: Converted) -> str:
    """A total, and the currencies that it leaves out because there is no rate."""
    shown = money(total.minor, total.currency)
    return f"{shown} + {listed(total.missing)}" if total.missing else shown


def _next_renewals(owners: Owners, now: datetime) -> list[tuple[Customer, str, str]]:
    """The next renewals: customer, URL, day."""
    rows = LISTS["renewals"].rows(owners, now).select_related("customer")[:_RENEWALS]
    return [
        (row.customer, customer_url(row.customer_id), short_day(row.current_period_end, now)) for row in rows
    ]


def _scopes(request: HttpRequest, chosen: Scope, url: str) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is selected, for each scope."""
    return [(scope.label, f"{url}?{urlencode({_SCOPE: scope.value})}", scope is chosen) for scope in Scope]


def _tiles(request: HttpRequest, scope: Scope, owners: Owners, now: datetime) -> list[Tile]:
    query = urlencode({_SCOPE: scope.value})
    customers = f"{reverse('admin:customers_customer_changelist')}{_OWNERS_QUERY[scope]}"
    tiles = [Tile("customers", "Customers", _at_most(customers_of(owners)), customers)]
    tiles += [
        Tile(
            each.name,
            each.heading,
            _at_most(each.rows(owners, now)),
            f"{reverse('desk-list', args=[each.name])}?{query}",
        )
        for each in LISTS.values()
        if request.user.has_perm(each.permission)
    ]
    return tiles


def _urgent(owners: Owners) -> list[UrgentAccount]:
    """The first accounts of the worklist."""
    entries = WorklistEntry.objects.waiting().of_people(owners).by_need().select_related("customer")
    reasons = Prefetch("reasons", WorklistReason.objects.open().heaviest_first(), to_attr="open_reasons")
    found: list[Any] = list(entries.prefetch_related(reasons)[:_URGENT])
    return [
        UrgentAccount(
            entry.customer,
            customer_url(entry.customer_id),
            entry.open_reasons[0] if entry.open_reasons else None,
            action_of(entry.open_reasons[0]) if entry.open_reasons else "",
            max(len(entry.open_reasons) - 1, 0),
            entry.heaviest >= URGENT,
        )
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
