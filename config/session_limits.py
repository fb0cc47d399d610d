"""How long a sign-in lasts, and that it has a second step.

A session ends `SESSION_LASTS` after the sign-in, and `SESSION_IDLE` after the last request, whichever is first. Where
`REQUIRE_SECOND_STEP` is on, a user without a second step reaches nothing but the pages that set it up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from config.session_times import BEGAN, SEEN
from customers.api.http import Problem
from customers.logs import log_event

#: How exactly the last request is known, so that few requests write.
_PRECISION = 60
_JSON = ("/api/", "/v1/")
#: Signing in and out, and setting up the second step.
_ALWAYS = "/accounts/"


class SessionLimitsMiddleware:
    """Signs users out whose session is over, and sends those without a second step to set it up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            if _is_over(request.session, time.time()):
                log_event("session_over", user=request.user.pk)
                logout(request)
            elif not _has_second_step(request):
                return _refusal(request)
        return self.get_response(request)


def end_sessions_of(user: User, but: str | None = None) -> None:
    """Sign a user out everywhere, except in the session with the key `but`."""
    ended = [each for each in UserSession.objects.filter(user=user) if each.session_key != but]
    if ended:
        get_adapter().end_sessions(ended)
        log_event("sessions_ended", user=user.pk, sessions=len(ended))


def _is_over(session: Any, now: float) -> bool:
    # A session that began before this was kept begins now.
    began = session.setdefault(BEGAN, int(now))
    seen = session.get(SEEN, now)
    if now - began >= settings.SESSION_LASTS or now - seen >= settings.SESSION_IDLE:
        return True
    if SEEN not in session or now - seen >= _PRECISION:
        session[SEEN] = int(now)
    return False


def _has_second_step(request: HttpRequest) -> bool:
    if not settings.REQUIRE_SECOND_STEP or request.path_info.startswith(_ALWAYS):
        return True
    return bool(is_mfa_enabled(request.user))


def _refusal(request: HttpRequest) -> HttpResponseBase:
    if request.path_info.startswith(_JSON):
        return Problem(403, "forbidden", "Set up two-step sign-in first, or send an API token.").response
    messages.info(request, "Set up two-step sign-in to continue.")
    return HttpResponseRedirect(reverse("mfa_index"))
