"""Our headers in production, graded by the rules of MDN's HTTP Observatory. Its table of points is repeated here by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.config.test_settings import PRODUCTION, load

#: What takes effect in the responses.
_NAMES = (
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_NAME",
)
_HALF_A_YEAR = 15_768_000


def policy_of(response: Any) -> dict[str, set[str]]:
    parts = [part.split() for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: set(sources) for name, *sources in parts}


def points(response: Any, plain: Any) -> dict[str, int]:
    """The points for each of the tests that can win or lose some."""
    policy = policy_of(response)
    script = policy["script-src"]
    assert "'unsafe-inline'" not in script
    assert not {"https:", "http:", "data:", "*"} & (script | policy["object-src"] | policy["default-src"])
    max_age = response.headers["Strict-Transport-Security"].partition("max-age=")[2].partition(";")[0]
    assert int(max_age) >= _HALF_A_YEAR
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert plain.status_code == 301
    assert plain.headers["Location"].startswith("https://testserver/")
    cookies = list(response.cookies.values())
    assert cookies
    assert all(cookie["secure"] and cookie["samesite"] in {"Lax", "Strict"} for cookie in cookies)
    return {
        "content-security-policy": -10 if "'unsafe-eval'" in script else 0,
        "cookies": 5,
        "referrer-policy": 5 if response.headers["Referrer-Policy"] in {"no-referrer", "same-origin"} else 0,
        "x-frame-options": 5 if policy["frame-ancestors"] == {"'none'"} else -20,
    }


@pytest.mark.django_db
@pytest.mark.once
def test_the_grade_is_a_or_better(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load(monkeypatch, **PRODUCTION)
    for name in _NAMES:
        if name in made:
            setattr(settings, name, made[name])
    page = "/accounts/login/"
    found = points(Client().get(page, secure=True), Client().get(page))
    # Unfold's Alpine needs eval: these 10 points are lost.
    assert found["content-security-policy"] == -10
    # Points are won only by a site that has 90 without them, which is the least for an A.
    base = 100 + sum(number for number in found.values() if number < 0)
    assert base == 90
    assert base + sum(number for number in found.values() if number > 0) == 105
