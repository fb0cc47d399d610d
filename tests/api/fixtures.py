"""Ways into the JSON side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from customers.api.rate_limit import seconds_to_wait
from customers.audit.tokens import token_used
from customers.changes import Position
from customers.models import ApiToken
from tests.api.steps import next_transaction


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run in other databases of the cluster hold nothing back: all that is committed here has its place."""
    if connection.vendor == "postgresql":
        for module in ("customers.changes", "customers.api.changes"):
            monkeypatch.setattr(f"{module}.present", lambda: Position(next_transaction()))


@pytest.fixture
def secret(db: None) -> str:
    """The secret of a usable token. Its use is recorded already, so that reads only read."""
    token, secret = ApiToken.issue("tests")
    seconds_to_wait(str(token.pk))
    token_used(str(token.pk))
    return secret


@pytest.fixture
def api(secret: str) -> Client:
    """A program with a token."""
    return Client(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def read(api: Client) -> Callable[..., Any]:
    """Reads an address that must answer 200; parameters are keywords."""

    def read(address: str, /, **parameters: Any) -> Any:
        response = api.get(address, parameters)
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == "application/json"
        return response.json()

    return read


@pytest.fixture
def refuse(api: Client) -> Callable[..., Any]:
    """Reads an address that must answer with the status given, and with an error in the one shape."""

    def refuse(status: int, address: str, /, **parameters: Any) -> Any:
        response = api.get(address, parameters)
        assert response.status_code == status, response.content
        return error_of(response)

    return refuse


@pytest.fixture
def ask(api: Client) -> Callable[..., Any]:
    """Asks as the billing client does; the answer must be 200."""

    def ask(address: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
        response = api.post(address, body, "application/json", headers=headers)
        assert response.status_code == 200, response.content
        return response.json()

    return ask


@pytest.fixture
def refuse_body(api: Client) -> Callable[..., Any]:
    """Asks for what cannot be answered; the error."""

    def refuse(address: str, body: Any, status: int = 400) -> Any:
        response = api.post(address, body, "application/json")
        assert response.status_code == status, response.content
        return error_of(response)

    return refuse


def error_of(response: Any) -> Any:
    """The error in a response, which must be of the one shape."""
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    error = body["error"]
    assert list(error) == ["code", "message", "param"]
    assert error["message"].endswith((".", ")"))
    return error
