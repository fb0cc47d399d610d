"""A session ends in time, with a change of access, and reaches nothing without the second step that is required."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group
from django.core import checks
from django.test import Client

from config.checks import proxy_problems
from crm.roles import VIEWER
from tests.admin_forms import form_data
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOUR = 3600
PASSWORD = "correct horse 12"


def signed_in(user: Any) -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"login": user.username, "password": PASSWORD}).status_code == 302
    return client


def now_at(now: dict[str, float]) -> Any:
    return SimpleNamespace(time=lambda: now["time"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    now = {"time": time.time()}
    monkeypatch.setattr("config.session_limits.time", now_at(now))
    monkeypatch.setattr("config.session_times.time", now_at(now))
    return now


def test_a_session_ends_after_half_an_hour_without_a_request_and_after_twelve_hours(clock: Any) -> None:
    client = signed_in(make_user(password=PASSWORD))
    for _ in range(24):
        clock["time"] += 0.49 * HOUR
        assert client.get("/admin/data/").status_code == 200
    clock["time"] += 0.26 * HOUR  # 12.02 hours after the sign-in
    assert client.get("/admin/data/").status_code == 302
    client = signed_in(make_user(password=PASSWORD))
    clock["time"] += 29 * 60
    assert client.get("/api/v1/customers").status_code == 200
    clock["time"] += 31 * 60
    assert client.get("/api/v1/customers").status_code == 401


def test_nothing_is_reached_without_the_second_step_that_is_required(settings: Any) -> None:
    settings.REQUIRE_SECOND_STEP = True
    user = make_user(password=PASSWORD)
    client = signed_in(user)
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/accounts/2fa/"
    assert "Set up two-step sign-in to continue." in page.content.decode()
    assert client.get("/api/v1/customers").status_code == 403
    # allauth may ask for the password again first.
    setup = client.get("/accounts/2fa/totp/activate/")
    assert setup.status_code == 200 or setup.headers["Location"].startswith("/accounts/reauthenticate/")
    TOTP.activate(user, generate_totp_secret())
    assert client.get("/admin/data/").status_code == 200
    assert client.get("/api/v1/customers").status_code == 200


def test_a_change_of_access_ends_the_sessions_of_the_user_alone() -> None:
    boss, user = make_user(password=PASSWORD), make_user(VIEWER, password=PASSWORD)
    admin, theirs = signed_in(boss), signed_in(user)
    page = f"/admin/auth/user/{user.pk}/change/"
    admin.post(page, form_data(admin.get(page), first_name="Ada"))
    assert theirs.get("/admin/data/").status_code == 200
    manager = Group.objects.get(name="Account manager")
    admin.post(page, form_data(admin.get(page), groups=[manager.pk]))
    assert user.groups.get() == manager
    assert theirs.get("/admin/data/").status_code == 302
    assert admin.get("/admin/data/").status_code == 200


def test_a_short_password_is_refused() -> None:
    client = signed_in(make_user(password=PASSWORD))
    form = {"oldpassword": PASSWORD, "password1": "eleven char", "password2": "eleven char"}
    assert "at least 12 characters" in client.post("/accounts/password/change/", form).content.decode()


@pytest.mark.parametrize(
    ("count", "header", "is_wrong"),
    [
        (0, None, False),
        (1, ("HTTP_X_FORWARDED_PROTO", "https"), False),
        (0, ("X", "https"), True),
        (9, None, True),
    ],
)
def test_a_count_of_proxies_that_looks_wrong_is_named(
    settings: Any, count: int, header: Any, is_wrong: bool
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT, settings.SECURE_PROXY_SSL_HEADER = count, header
    found = proxy_problems(None)
    assert bool(found) == is_wrong
    assert all(isinstance(each, checks.Warning) and "TRUSTED_PROXY_COUNT" in each.msg for each in found)
