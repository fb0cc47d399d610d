"""Django's error handlers: JSON for the API, a page elsewhere."""

from __future__ import annotations

import sqlite3
import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views import defaults

from customers.api.http import Problem

_JSON_SIDE = ("/api/", "/v1/")
_RETRY_SECONDS = 5


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, for example for an unknown host name."""
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.bad_request(request, exception)
    return Problem(400, "bad_request", "Check the host name and the size of the request.").response


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500, or 503 if the database couldn't answer: it was locked, too slow or gone. The fault was logged."""
    if _is_passing(sys.exc_info()[1]):
        return _busy(request)
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.server_error(request)
    return Problem(500, "server_error", "Something went wrong on our side. It was logged.").response


def _is_passing(problem: BaseException | None) -> bool:
    """Whether the same request may be answered in a moment. SQLite says so of missing tables and full disks too."""
    if not isinstance(problem, OperationalError):
        return False
    return not isinstance(problem.__cause__, sqlite3.Error) or "locked" in str(problem)


def _busy(request: HttpRequest) -> HttpResponseBase:
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    if not request.path_info.startswith(_JSON_SIDE):
        # Without the frame, which reads the database.
        return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
    message = f"The database took too long to answer. Try again in {_RETRY_SECONDS} seconds."
    return Problem(503, "busy", message, headers=headers).response
