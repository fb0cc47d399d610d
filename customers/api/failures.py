"""What Django answers when a view or the way to it fails: in JSON on the JSON side, as a page elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from customers.api.http import Problem

_JSON_SIDE = ("/api/", "/v1/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400: the request itself was suspicious, such as one to a host that is not ours."""
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.bad_request(request, exception)
    return Problem(
        400, "bad_request", "The request cannot be answered. Mind its host name and size."
    ).response


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500: the fault is ours, and was logged."""
    if not request.path_info.startswith(_JSON_SIDE):
        return defaults.server_error(request)
    return Problem(500, "server_error", "Something went wrong on this side, and was logged.").response
