"""The pages of errors. Who is signed in keeps the frame, a search box and the records that they opened last."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views import defaults

from customers.api import failures


@dataclass(frozen=True, slots=True)
class _Words:
    """What the page of an error says."""

    status: int
    icon: str
    title: str
    sentence: str


_BAD_REQUEST = _Words(
    400, "link_off", "This couldn't be read", "Go back and try again, or search for what you need."
)
_NO_ACCESS = _Words(
    403,
    "lock",
    "No access",
    "If you need this page, ask an administrator. You can search for what you may see.",
)
_NOT_FOUND = _Words(404, "search", "Page not found", "Check the address, or search for what you need.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, for example for an unknown host name. JSON for the API."""
    return _framed(request, _BAD_REQUEST) or failures.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403: the user may not see this page."""
    return _framed(request, _NO_ACCESS) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404: there is no such page or row."""
    return _framed(request, _NOT_FOUND) or defaults.page_not_found(request, exception)


def _framed(request: HttpRequest, words: _Words) -> HttpResponseBase | None:
    """The page in the admin's frame; None for who isn't signed in, and for programs."""
    # A request that was refused early has no user.
    user = getattr(request, "user", None)
    if user is None or not (user.is_active and user.is_staff) or not request.path_info.startswith("/admin/"):
        return None
    context = {
        **admin.site.each_context(request),
        "title": words.title,
        "crumbs": [{"text": "Home", "url": reverse("admin:index")}, {"text": words.title}],
        "words": words,
        "back": _back(request),
    }
    return render(request, "error.html", context, status=words.status)


def _back(request: HttpRequest) -> str:
    """The page of ours that the user came from, if any."""
    source = urlsplit(request.headers.get("Referer", ""))
    if source.netloc != request.get_host() or source.path == request.path:
        return ""
    return f"{source.path}?{source.query}" if source.query else source.path
