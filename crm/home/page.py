"""The home page: figures with the lists behind them, the most urgent accounts, revenue, money past due, and news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate

from crm.desk.home.figures import PastDue, past_due
from crm.desk.home.movement import movements
from crm.desk.home.owners import Owners
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.pages.reason_steps import Step, step_of
from crm.desk.scope import Scope
from crm.desk.worklist.queries import accounts_of
from crm.desk.worklist.refresh import WORKLIST
from crm.desk.worklist.rows import WorklistRow, rows_of
from crm.desk.worklist.rules import RULES
from crm.home.money import amount_text, next_renewals, past_due_part
from crm.home.revenue import RevenuePart, revenue_part, signed
from crm.home.since import since_part
from crm.home.start import start_of
from crm.home.tiles import Tile, at_most, tiles_of
from crm.models import DeskRefresh
from customers import clock
from customers.formats import counted, customer_url, days_between, number, short_day, when

_SCOPE = "scope"
#: How many accounts of the worklist the page shows.
_URGENT = 6
#: The lists with their number among the facts, and the column with the moment of a row.
_COUNTED = {"renewals": "current_period_end", "trials": "trial_ends_at"}
_IN_FACTS = {"customers", "overdue", *_COUNTED}


@dataclass(frozen=True, slots=True)
class UrgentAccount:
    """An account of the worklist, its URL, and what the user can do about its worst reason."""

    row: WorklistRow
    url: str
    step: Step


def fill_home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's context for users who may view customers."""
    if not request.user.has_perm("customers.view_customer"):
        return context
    if start := start_of(request.user):
        return context | {"title": "Home", "start": start}
    asked = request.GET.get(_SCOPE)
    scope = Scope(asked) if asked in Scope.values else Scope.usual(request.user)
    owners = scope.owners(request.user)
    now = clock.now()
    may = request.user.has_perm
    tiles = tiles_of(request.user, scope, now)
    refreshed = DeskRefresh.objects.filter(name=WORKLIST).first()
    context |= {
        "desk": True,
        "title": "Home",
        "scope": scope.value,
        "scopes": _scope_links(scope),
        "updated": when(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
        "tiles": list(tiles.values()),
        "lists": [tile for name, tile in tiles.items() if name not in _IN_FACTS],
        "since": since_part(request.user, now),
    }
    if may("crm.view_worklistentry"):
        context |= {
            "urgent": _urgent(request, owners, now),
            "waiting": at_most(accounts_of(owners)),
            "worklist_url": f"{reverse('desk-worklist')}?{urlencode({_SCOPE: scope.value})}",
        }
    revenue: RevenuePart | None = None
    if may("billing.view_subscription"):
        revenue = revenue_part(movements(owners), request.GET.get("currency", ""), localdate(now))
        context |= {
            "revenue": revenue,
            "currencies": _currencies(scope, revenue),
            "sees_revenue": True,
            "renewals": next_renewals(tiles["renewals"].rows, now),
            "renewals_url": tiles["renewals"].url,
        }
    facts = list(_facts(tiles, revenue, sees_revenue=may("billing.view_subscription")))
    if may("billing.view_invoice"):
        facts.append(_past_due_fact(past_due(owners, now), tiles["overdue"].url, now))
        context |= {
            "past_due": past_due_part(owners, now),
            "overdue_url": tiles["overdue"].url,
            "overdue": tiles["overdue"].value,
        }
    for name, moment in _COUNTED.items():
        if name in tiles:
            first = tiles[name].rows.order_by(moment).values_list(moment, flat=True).first()
            facts.append(_fact(tiles[name], f"Next on {short_day(first, now)}" if first else "None soon"))
    return context | {"facts": facts}


def _scope_links(chosen: Scope) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is chosen, of each scope."""
    home = reverse("admin:index")
    return [(each.label, f"{home}?{urlencode({_SCOPE: each.value})}", each is chosen) for each in Scope]


def _facts(tiles: dict[str, Tile], revenue: RevenuePart | None, *, sees_revenue: bool) -> Sequence[KeyFact]:
    customers = tiles["customers"]
    if not sees_revenue:
        return [_fact(customers, "Active and inactive")]
    if revenue is None:
        mrr = KeyFact(label="MRR", value="None", detail="No recurring revenue", url=customers.url)
        return [mrr, _fact(customers, "None pays yet")]
    net = revenue.net.minor
    color = "good" if net > 0 else "bad" if net < 0 else ""
    detail = f"{signed(net, revenue.net.currency)} net new in {revenue.month}"
    moved = f"{number(revenue.won)} new, {number(revenue.lost)} lost in {revenue.month}"
    return [
        KeyFact(
            label="MRR",
            value=amount_text(revenue.mrr),
            detail=detail,
            color=color,
            url=reverse("report", args=["mrr-movement"]),
        ),
        _fact(customers, moved),
    ]


def _fact(tile: Tile, detail: str) -> KeyFact:
    return KeyFact(label=tile.title, value=tile.value, detail=detail, url=tile.url)


def _past_due_fact(found: PastDue, url: str, now: datetime) -> KeyFact:
    if not found.customers or found.oldest_due_at is None:
        return KeyFact(label="Past due", value="None", detail="No past-due invoices", url=url)
    days = max(days_between(found.oldest_due_at, now), 0)
    detail = f"{counted(found.customers, 'customer')}, oldest {counted(days, 'day')}"
    return KeyFact(label="Past due", value=amount_text(found.amount), detail=detail, color="bad", url=url)


def _urgent(request: HttpRequest, owners: Owners, now: datetime) -> list[UrgentAccount]:
    """The first accounts of the worklist."""
    rules = [rule.name for rule in RULES.values() if request.user.has_perm(rule.permission)]
    rows = rows_of(list(accounts_of(owners)[:_URGENT]), owners, rules, now)
    return [
        UrgentAccount(
            row,
            customer_url(row.entry.customer_id),
            step_of(row.reason, request.user.has_perm) if row.reason else Step(),
        )
        for row in rows
    ]


def _currencies(scope: Scope, revenue: RevenuePart | None) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is chosen, of each currency that the revenue can be shown in."""
    if revenue is None or len(revenue.options) < 2:
        return []
    return [
        (label, f"?{urlencode({_SCOPE: scope.value, 'currency': code})}", code == revenue.option)
        for code, label in revenue.options
    ]
