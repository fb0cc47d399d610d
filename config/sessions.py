"""A user's own sessions: where they are signed in, and how they sign out elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.sites import UnfoldAdminSite

from customers.formats import counted, when
from customers.logs import log_event

#: What a user agent says of a browser and of a system, the more special first.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A session as the page shows it. `key` is None for the one that shows the page."""

    device: str
    address: str
    since: SafeString | str
    key: int | None


def device_of(user_agent: str) -> str:
    """`Firefox on Windows`, as far as the browser says."""
    browser = next((name for word, name in _BROWSERS if word in user_agent), "Unknown browser")
    system = next((name for word, name in _SYSTEMS if word in user_agent), "")
    return f"{browser} on {system}" if system else browser


def sessions_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """The sessions of the user who is signed in; POST ends one (`session`) or all others."""
    found = _sessions(request)
    others = [each for each in found if each.session_key != request.session.session_key]
    if request.method == "POST":
        chosen = request.POST.get("session", "")
        ended = [each for each in others if not chosen or str(each.pk) == chosen]
        get_adapter().end_sessions(ended)
        log_event("sessions_ended", user=request.user.pk, sessions=len(ended))
        messages.success(request, f"Ended {counted(len(ended), 'session')}.")
        return HttpResponseRedirect(reverse("sessions"))
    lines = [_line(each, None if each not in others else each.pk) for each in found]
    lines.sort(key=lambda line: line.key is not None)
    return TemplateResponse(
        request,
        "config/sessions.html",
        {**site.each_context(request), "title": "Sessions", "lines": lines, "has_others": bool(others)},
    )


def _sessions(request: HttpRequest) -> list[Any]:
    """The user's open sessions, latest first, with this one even if it began before sessions were recorded."""
    user: Any = request.user
    found = UserSession.objects.purge_and_list(user)
    if all(each.session_key != request.session.session_key for each in found):
        UserSession.objects.create_from_request(request)
        found = UserSession.objects.purge_and_list(user)
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def _line(session: Any, key: int | None) -> Line:
    return Line(device_of(session.user_agent), session.ip, when(session.created_at), key)
