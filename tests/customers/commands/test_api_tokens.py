"""Tokens made and withdrawn at the command line."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from customers import clock
from customers.models import ApiToken

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> tuple[str, str]:
    """What the command writes to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def opens(secret: str) -> bool:
    response = Client().get("/api/v1/customers", headers={"authorization": f"Bearer {secret}"})
    return response.status_code == 200


def test_the_secret_alone_is_on_standard_output_and_opens_the_door():
    out, err = run("create_api_token", " data warehouse ")
    (secret,) = out.splitlines()
    assert opens(secret)
    assert "data warehouse" in err
    assert "does not expire" in err
    assert secret not in err


def test_only_a_digest_is_kept():
    out, _ = run("create_api_token", "warehouse")
    token = ApiToken.objects.get()
    assert token.name == "warehouse"
    assert out.strip() not in str(vars(token))


def test_a_token_may_expire(monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    out, err = run("create_api_token", "warehouse", "--expires-in-days", "30")
    token = ApiToken.objects.get()
    assert token.expires_at == now + timedelta(days=30)
    assert f"expires on {token.expires_at:%Y-%m-%d}" in err
    assert opens(out.strip())
    ApiToken.objects.update(expires_at=datetime(2024, 8, 26, tzinfo=UTC))
    assert not opens(out.strip())


def test_a_name_is_used_once():
    run("create_api_token", "warehouse")
    with pytest.raises(CommandError, match=r"already.*another name") as refused:
        run("create_api_token", "warehouse")
    assert refused.value.returncode == 1
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "a\0b"])
def test_a_name_that_cannot_be_is_refused(name):
    with pytest.raises(CommandError, match="Use a name of 1 to 255 visible characters"):
        run("create_api_token", name)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "soon", "36501", "9" * 5000])
def test_days_that_cannot_be_are_refused(days):
    with pytest.raises(CommandError, match="whole number from 1 to 36500"):
        run("create_api_token", "warehouse", f"--expires-in-days={days}")


def test_a_revoked_token_opens_nothing_and_is_revoked_once():
    out, _ = run("create_api_token", "warehouse")
    assert "Revoked “warehouse”." in run("revoke_api_token", "warehouse")[0]
    assert not opens(out.strip())
    revoked_at = ApiToken.objects.get().revoked_at
    assert "Nothing was changed" in run("revoke_api_token", "warehouse")[0]
    assert ApiToken.objects.get().revoked_at == revoked_at


@pytest.mark.parametrize("name", ["wharehouse", "a\0b", ""])
def test_an_unknown_token_is_told_with_those_there_are(name):
    run("create_api_token", "warehouse")
    with pytest.raises(CommandError, match="Active tokens: warehouse"):
        run("revoke_api_token", name)
