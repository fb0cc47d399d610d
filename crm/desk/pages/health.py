"""The page of a customer's health: the score, its signals, and its history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localdate

from crm.desk.health.queries import history_of
from crm.desk.health.refresh import HEALTH
from crm.desk.health.scoring import Health, health_of
from crm.desk.pages.crumbs import Crumb, came_from, crumbs_of
from crm.desk.pages.customer_lookup import requested_customer
from crm.models import DeskRefresh
from customers import clock
from customers.formats import day, when
from customers.models import Customer

_SEE = ("customers.view_customer", "crm.view_healthscore")
_GOOD, _MIDDLING = 70, 40

#: The chart shows the whole scale; otherwise a fall by one point would look like a fall to zero.
_CHART_OPTIONS = json.dumps(
    {
        "animation": False,
        "maintainAspectRatio": False,
        "datasets": {"line": {"borderWidth": 2, "pointStyle": False}},
        "plugins": {"legend": {"display": False}},
        "scales": {
            "x": {"ticks": {"color": "#9ca3af", "maxTicksLimit": 6}, "grid": {"tickWidth": 0}},
            "y": {
                "min": 0,
                "max": 100,
                "ticks": {"color": "#9ca3af", "stepSize": 25},
                "grid": {"tickWidth": 0},
            },
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHealth:
    """The context of the partial `crm/desk/_health.html`; `chart` is empty without a history."""

    health: Health
    color: str
    url: str
    chart: str
    table: dict[str, Any]


def health_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The health of a customer found by any identifier, computed now, with its history; in a fixed number of queries."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    customer = requested_customer(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse("desk-health", args=[customer.pk]))
    now = clock.now()
    refreshed = DeskRefresh.objects.filter(name=HEALTH).first()
    context = {
        **admin.site.each_context(request),
        "title": f"Health of {customer}",
        "crumbs": crumbs_of(customer, Crumb("Health")),
        "came_from": came_from(request),
        "is_titled_by_crumb": True,
        "customer": customer,
        "shown": shown_health(customer, now),
        "chart_options": _CHART_OPTIONS,
        "refreshed": when(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
    }
    return TemplateResponse(request, "crm/desk/health.html", context)


def shown_health(customer: Customer, now: datetime) -> ShownHealth | None:
    """The health now and its history, or None if no signal is known."""
    health = health_of([str(customer.pk)], now).get(str(customer.pk))
    if health is None:
        return None
    history = history_of(customer, now)
    return ShownHealth(
        health=health,
        color=color_of(health.score),
        url=reverse("desk-health", args=[customer.pk]),
        chart=_chart(history, localdate(now)) if len(history) > 1 else "",
        table={
            "headers": ["From", "Score"],
            "rows": [[day(first), score] for first, score in reversed(history)],
        },
    )


def color_of(score: int) -> str:
    """The color of Unfold's label for a score."""
    return "success" if score >= _GOOD else "warning" if score >= _MIDDLING else "danger"


def _chart(history: list[tuple[date, int]], today: date) -> str:
    """The score of each day up to today."""
    changes = dict(history)
    at, score = history[0]
    labels, scores = [], []
    while at <= today:
        score = changes.get(at, score)
        labels.append(day(at))
        scores.append(score)
        at += timedelta(days=1)
    return json.dumps(
        {
            "labels": labels,
            "datasets": [
                {
                    "label": "Score",
                    "data": scores,
                    "borderColor": "var(--color-primary-600)",
                    "stepped": True,
                }
            ],
        }
    )
