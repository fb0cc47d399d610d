"""Signing in to the admin: with a password, with a second step, and after too many failures."""

import base64
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.environment import EnvironmentSettings

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
# The test vector of RFC 6238 for 59 seconds after the epoch (SHA-1; its last six digits).
SECRET = base64.b32encode(b"12345678901234567890").decode()
CODE = "287082"


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", "ada@example.com", PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, address: str = "127.0.0.1") -> Any:
    return client.post(
        "/accounts/login/?next=/admin/auth/user/",
        {"login": "ada", "password": password, "next": "/admin/auth/user/"},
        REMOTE_ADDR=address,
    )


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_the_admin_sends_to_the_sign_in_page_and_back(client: Client, ada: User) -> None:
    first = client.get("/admin/auth/user/", follow=True)
    assert first.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert sign_in(client).headers["Location"] == "/admin/auth/user/"
    assert is_signed_in(client)


def test_a_wrong_password(client: Client, ada: User) -> None:
    assert "not correct" in sign_in(client, "wrong").content.decode()
    assert not is_signed_in(client)


def test_there_is_nothing_to_sign_up_for(client: Client) -> None:
    assert client.get("/accounts/signup/").status_code == 404


def test_the_second_step_is_asked_for(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    auth.TOTP.activate(ada, SECRET)
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: 59.0))
    assert sign_in(client).headers["Location"].startswith("/accounts/2fa/authenticate/")
    assert not is_signed_in(client)
    assert "Incorrect code" in client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert not is_signed_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": CODE}).status_code == 302
    assert is_signed_in(client)


def test_no_other_form_lets_in_without_the_second_step(client: Client, ada: User) -> None:
    auth.TOTP.activate(ada, SECRET)
    response = client.post("/admin/login/", {"username": "ada", "password": PASSWORD, "next": "/admin/"})
    assert response.headers["Location"].startswith("/accounts/login/")
    assert not is_signed_in(client)


def test_setting_up_the_second_step(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    assert "data:image/svg+xml;base64," in page.content.decode()
    session = client.session
    session["mfa.totp.secret"] = SECRET
    session.save()
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: 59.0))
    done = client.post("/accounts/2fa/totp/activate/", {"code": CODE}, follow=True)
    assert "There are 10 out of 10 recovery codes available." in done.content.decode()
    assert Authenticator.objects.filter(user=ada).count() == 2


def test_the_admin_shows_no_secret_of_the_second_step(client: Client, ada: User) -> None:
    totp = auth.TOTP.activate(ada, SECRET)
    client.force_login(ada)
    page = client.get(f"/admin/mfa/authenticator/{totp.instance.pk}/change/")
    assert page.status_code == 200
    assert SECRET not in page.content.decode()
    assert client.get("/admin/mfa/authenticator/").status_code == 200


@pytest.fixture
def guard(settings: Settings) -> None:
    """Failed sign-ins are counted, as they are outside the tests."""
    settings.AXES_ENABLED = True


@pytest.mark.usefixtures("guard")
class TestGuard:
    def test_failures_at_one_address_stop_that_address_alone(self, client: Client, ada: User) -> None:
        answers = [sign_in(client, "wrong", "192.0.2.1").status_code for _ in range(100)]
        assert answers == [200] * 4 + [429] * 96
        locked = sign_in(client, address="192.0.2.1")
        assert locked.status_code == 429
        assert "Too many attempts" in locked.content.decode()
        assert not is_signed_in(client)
        assert sign_in(client, address="192.0.2.7").status_code == 302
        assert is_signed_in(client)

    def test_one_password_tried_on_every_name_stops_the_address(self, client: Client, ada: User) -> None:
        for number in range(50):
            body = {"login": f"user{number}", "password": "Summer2026"}
            client.post("/accounts/login/", body, REMOTE_ADDR="192.0.2.1")
        assert sign_in(client, address="192.0.2.1").status_code == 429
        assert sign_in(client, address="192.0.2.7").status_code == 302

    def test_a_few_mistakes_of_colleagues_do_not_stop_an_office(self, client: Client, ada: User) -> None:
        for number in range(12):
            body = {"login": f"user{number}", "password": "wrong"}
            client.post("/accounts/login/", body, REMOTE_ADDR="192.0.2.1")
        assert sign_in(client, address="192.0.2.1").status_code == 302

    def test_an_ipv6_network_is_one_address(self, client: Client, ada: User) -> None:
        answers = [sign_in(client, "wrong", f"2001:db8::{number}").status_code for number in range(1, 8)]
        assert answers == [200] * 4 + [429] * 3
        assert sign_in(client, address="2001:db8:0:1::1").status_code == 302

    def test_addresses_behind_proxies_are_told_apart(
        self, client: Client, ada: User, settings: Settings
    ) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        answers = [
            client.post(
                "/accounts/login/",
                {"login": "ada", "password": "wrong"},
                headers={"x-forwarded-for": f"10.9.9.9, 192.0.2.{number}"},
            ).status_code
            for number in range(6)
        ]
        assert answers == [200] * 6

    def test_codes_cannot_be_guessed_from_however_many_addresses(
        self, ada: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        auth.TOTP.activate(ada, SECRET)
        monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: 59.0))
        pages = []
        for number in range(7):
            client = Client(REMOTE_ADDR=f"192.0.2.{number}")
            client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
            pages.append(client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode())
        assert ["Incorrect code" in page for page in pages] == [True] * 5 + [False] * 2
        assert "too many wrong codes" in pages[-1]
        # The right code does not help either, until the block ends.
        assert client.post("/accounts/2fa/authenticate/", {"code": CODE}).status_code == 200
        assert not is_signed_in(client)
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
        assert client.post("/accounts/2fa/authenticate/", {"code": CODE}).status_code == 302
        assert is_signed_in(client)
        assert not AccessAttempt.objects.exists()

    def test_a_stranger_without_the_password_blocks_no_second_step(
        self, ada: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        auth.TOTP.activate(ada, SECRET)
        monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: 59.0))
        stranger, client = Client(), Client()
        for _ in range(20):
            stranger.post(
                "/accounts/login/",
                {"login": "ada", "password": "wrong"},
                REMOTE_ADDR="192.0.2.1",
                headers={"user-agent": "second step"},
            )
            stranger.post("/accounts/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR="192.0.2.1")
        sign_in(client)
        assert client.post("/accounts/2fa/authenticate/", {"code": CODE}).status_code == 302
        assert is_signed_in(client)


@pytest.mark.once
def test_the_table_of_the_cache_comes_with_migrate(settings: Settings) -> None:
    settings.CACHES = {
        "default": EnvironmentSettings(Path("none")).cache("THE_SETTING", "dbcache://counters")
    }
    assert "counters" not in connection.introspection.table_names()
    for _ in range(2):
        emit_post_migrate_signal(0, False, "default")
    assert caches["default"].add("code", 1)
    assert not caches["default"].add("code", 1)
