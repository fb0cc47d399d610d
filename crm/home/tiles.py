"""The numbers of the home page. Each counts the rows of a list with some filters, and leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.lists.balances import BALANCES
from crm.desk.lists.column import RowList
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.filters import ListQuery
from crm.desk.lists.invoices import INVOICES
from crm.desk.lists.subscriptions import SUBSCRIPTIONS
from crm.desk.scope import Scope
from crm.desk.segments.filter import FilterContext
from customers import clock
from customers.configuration.kinds import Setting
from customers.configuration.table import RENEWAL_SOON_DAYS, TRIAL_SOON_DAYS
from customers.configuration.values import value_of
from customers.formats import number

#: Counting stops here: a larger number is shown as `10,000+`.
MOST_COUNTED = 10_000

_OWNERS: dict[Scope, dict[str, list[str]]] = {
    Scope.MINE: {"owner": ["me"]},
    Scope.TEAM: {"owner": ["team"]},
    Scope.ALL: {},
}


@dataclass(frozen=True, slots=True)
class _Counted:
    """A list with filters. `days` is what stands for `{days}` in the title."""

    name: str
    title: str
    row_list: RowList
    texts: Mapping[str, Sequence[str]]
    sort: str = ""
    days: Setting[int] | None = None


_COUNTED = (
    _Counted("customers", "Customers", CUSTOMERS, {}),
    _Counted(
        "renewals",
        "Renewals in {days} days",
        SUBSCRIPTIONS,
        {"subscription_status": ["renewing"]},
        "period_end",
        RENEWAL_SOON_DAYS,
    ),
    _Counted(
        "trials",
        "Trials ending in {days} days",
        SUBSCRIPTIONS,
        {"subscription_status": ["trial_ending"]},
        "trial",
        TRIAL_SOON_DAYS,
    ),
    _Counted("past-due", "Past-due subscriptions", SUBSCRIPTIONS, {"subscription_status": ["past_due"]}),
    _Counted("overdue", "Past-due invoices", INVOICES, {"invoice_status": ["past_due"]}, "-late"),
    _Counted("balances-low", "Balances running out", BALANCES, {"balance_status": ["running_out"]}, "pace"),
    _Counted("balances-exhausted", "Balances at zero", BALANCES, {"balance_status": ["out"]}),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, its title, the URL of the list behind it, and the rows that it counts."""

    name: str
    title: str
    value: str
    url: str
    rows: QuerySet[Any]


def tiles_of(user: Any, scope: Scope, now: datetime) -> dict[str, Tile]:
    """The numbers that the user may see, of the live customers of a scope. One query each."""
    found = {}
    for each in _COUNTED:
        if not user.has_perm(each.row_list.permission):
            continue
        texts = {**each.texts, **_OWNERS[scope], "env": ["live"]}
        rows = ListQuery.read(each.row_list, texts).rows(FilterContext(user, now), user.has_perm).order_by()
        title = each.title if each.days is None else each.title.format(days=value_of(each.days))
        found[each.name] = Tile(each.name, title, at_most(rows), _url(each, texts), rows)
    return found


def at_most(rows: QuerySet[Any]) -> str:
    """How many rows there are, counted up to `MOST_COUNTED`."""
    count = rows.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return number(count) if count <= MOST_COUNTED else f"{number(MOST_COUNTED)}+"


def _url(each: _Counted, texts: Mapping[str, Sequence[str]]) -> str:
    sort = {"sort": [each.sort]} if each.sort else {}
    return f"{reverse(each.row_list.url_name)}?{urlencode({**texts, **sort}, doseq=True)}"


def old_list(request: HttpRequest, name: str) -> HttpResponse:
    """The old URL of the list behind a number, kept for one version: it leads to the list of today, or home."""
    if not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    scope = Scope.chosen(request.GET.get("scope"))
    tile = tiles_of(request.user, scope, clock.now()).get(name)
    return HttpResponseRedirect(tile.url if tile else reverse("admin:index"))
