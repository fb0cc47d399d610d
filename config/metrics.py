"""Figures for monitoring at `/metrics`, in the text format of Prometheus: requests, and the installation's state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.version import VERSION
from crm.jobs.metrics import state_in_figures
from customers import clock
from customers.api.http import ApiView

#: The parts of the product, by how the routes of their pages begin.
_PARTS = {"api/": "api", "v1/": "api", "admin/": "desk", "accounts/": "sign-in"}

_SECONDS = Histogram(
    "clientele_request_seconds",
    "Time to answer a request, by part of the product and status.",
    ["part", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class RequestFiguresMiddleware:
    """Counts requests and how long they took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        response = self.get_response(request)
        status = f"{response.status_code // 100}xx"
        _SECONDS.labels(_part(request), status).observe(perf_counter() - began)
        return response


def _part(request: HttpRequest) -> str:
    route = request.resolver_match.route if request.resolver_match else ""
    return next((part for start, part in _PARTS.items() if route.startswith(start)), "other")


class _State(Collector):
    """The figures that the database holds."""

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("clientele", "The version that runs.", {"version": VERSION})
        yield from state_in_figures(clock.now())


class Metrics(ApiView):
    """The figures, for a token with the scope `monitoring`.

    Requests are those of all processes that share the directory in `PROMETHEUS_MULTIPROC_DIR`, else of this one.
    """

    permission: ClassVar[str] = "crm.change_job"
    content_type = "text/plain"

    def get(self, request: HttpRequest) -> HttpResponse:
        """All figures."""
        requests = REGISTRY
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            requests = CollectorRegistry()
            MultiProcessCollector(requests)
        state = CollectorRegistry()
        state.register(_State())
        return HttpResponse(
            generate_latest(requests) + generate_latest(state),
            content_type="text/plain; version=0.0.4; charset=utf-8",
            headers={"Cache-Control": "private, no-store"},
        )
