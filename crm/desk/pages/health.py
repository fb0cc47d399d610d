"""The page that explains how well a customer fares: the score, its parts, and how it went."""

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
from crm.desk.health.scoring import Health, health_of
from crm.desk.pages.customer_lookup import requested_customer
from crm.models import DeskRefresh
from customers import clock
from customers.formats import moment
from customers.models import Customer

_SEE = ("customers.view_customer", "crm.view_healthscore")
_GOOD, _MIDDLING = 70, 40

#: The chart shows the whole scale, or a fall by a point would look like one to nothing.
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
    """A score as the partial `crm/desk/_health.html` shows it; the chart and the table where there is a history."""

    health: Health
    colour: str
    url: str
    chart: str
    table: dict[str, Any]


def health_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The score of the customer that any identifier finds, as it is now, with its history; in a fixed number of queries."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    customer = requested_customer(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse("desk-health", args=[customer.pk]))
    now = clock.now()
    refreshed = DeskRefresh.objects.filter(name="health").first()
    context = {
        **admin.site.each_context(request),
        "title": f"Health of {customer}",
        "customer": customer,
        "shown": shown_health(customer, now),
        "chart_options": _CHART_OPTIONS,
        "refreshed": moment(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
    }
    return TemplateResponse(request, "crm/desk/health.html", context)


def shown_health(customer: Customer, now: datetime) -> ShownHealth | None:
    """How well the customer fares now, and its history; None for one of whom nothing can be said."""
    health = health_of([str(customer.pk)], now).get(str(customer.pk))
    if health is None:
        return None
    history = history_of(customer, now)
    return ShownHealth(
        health=health,
        colour=colour_of(health.score),
        url=reverse("desk-health", args=[customer.pk]),
        chart=_chart(history, localdate(now)) if len(history) > 1 else "",
        table={
            "headers": ["From", "Score"],
            "rows": [[f"{day:%Y-%m-%d}", score] for day, score in reversed(history)],
        },
    )


def colour_of(score: int) -> str:
    """What a score means, as the colour of one of Unfold's labels."""
    return "success" if score >= _GOOD else "warning" if score >= _MIDDLING else "danger"


def _chart(history: list[tuple[date, int]], today: date) -> str:
    """The course of the score, day by day up to today."""
    changes = dict(history)
    day, score = history[0]
    labels, scores = [], []
    while day <= today:
        score = changes.get(day, score)
        labels.append(f"{day:%d %b %y}")
        scores.append(score)
        day += timedelta(days=1)
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
