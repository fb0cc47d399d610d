"""Django's error handlers: JSON for the API, a page elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from customers.api.http import Problem

_JSON_SIDE = ("/api/", "/v1/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, for example for an unknown host name."""
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.bad_request(request, exception)
    return Problem(400, "bad_request", "Check the host name and the size of the request.").response


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500. The fault was logged."""
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.server_error(request)
    return Problem(500, "server_error", "Something went wrong on our side. It was logged.").response
