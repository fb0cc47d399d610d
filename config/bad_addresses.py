"""Handle URLs with impossible values, which would otherwise cause an error 500.

Django and other packages pass values from the path and the query to the database, which refuses a NUL character or a
number that is too large for its column. This middleware handles such values for every page of the admin.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect

from config.error_pages import page_not_found
from customers.logs import log_failure

#: Where the pages are. The JSON API handles such URLs itself.
_PAGES = ("/admin/", "/accounts/")
#: The query that a list of Django's admin redirects to when it can't apply its filters.
_ERROR = "e=1"
_LEFT_OUT = "Left out a filter with a character that can't be searched for."
_WRONG = "Couldn't apply the filters in the URL. Choose them again."


class BadAddressMiddleware:
    """Redirects to the page without its impossible parameters, and answers an impossible path with 404."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle a NUL character before any view sees it."""
        if not request.path_info.startswith(_PAGES):
            return self.get_response(request)
        if "\0" in request.path_info:
            return page_not_found(request, Http404())
        bad = [name for name, values in request.GET.lists() if any("\0" in each for each in (name, *values))]
        if bad and request.method in ("GET", "HEAD"):
            query = request.GET.copy()
            for name in bad:
                del query[name]
            messages.warning(request, _LEFT_OUT)
            return HttpResponseRedirect(_address(request, query.urlencode()))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Handle a value in the URL that the database refuses, and log the error.

        Handles only reads, because forms check what they are sent. Handles only errors that a value causes: a
        `ValueError` may be a bug of ours.
        """
        is_read = request.method in ("GET", "HEAD")
        if not is_read or not isinstance(exception, DataError | OverflowError):
            return None
        query, match = request.META.get("QUERY_STRING", ""), request.resolver_match
        if not request.path_info.startswith(_PAGES) or match is None:
            return None
        if query not in ("", _ERROR):
            log_failure("bad_address", exception, route=match.view_name)
            messages.warning(request, _WRONG)
            return HttpResponseRedirect(_address(request, _ERROR))
        if "<" in match.route or match.args:
            log_failure("bad_address", exception, route=match.view_name)
            return page_not_found(request, exception)
        return None


def _address(request: HttpRequest, query: str) -> str:
    path = request.get_full_path().partition("?")[0]
    return f"{path}?{query}" if query else path
