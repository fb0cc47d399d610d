"""What a token reads: its scopes, its mode, no more than its owner, and so many requests a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from config.api_urls import _ENDPOINTS
from customers import clock
from customers.api import rate_limit
from customers.api.openapi import path_of
from customers.models import ApiToken
from customers.models.api_token import TokenScope
from tests.factories import make_customer, make_invoice, make_note, make_user

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: The scope of each address, by its beginning, the longer first.
SCOPES = {
    "/api/v1/customers": "payments",
    "/api/v1/changes": "payments",
    "/api/v1/billing/": "billing",
    "/api/v1/invoices": "billing",
    "/api/v1/subscriptions": "billing",
    "/api/v1/balances": "billing",
    "/api/v1/plans": "catalog",
    "/api/v1/features": "catalog",
    "/api/v1/crm/": "crm",
    "/api/v1/companies": "crm",
    "/api/v1/people": "crm",
    "/api/v1/notes": "desk",
    "/api/v1/tasks": "desk",
    "/v1/plans.": "catalog",
    "/v1/features.": "catalog",
    "/v1/": "billing",
}


def program(**options: Any) -> Client:
    _, secret = ApiToken.issue("program", **options)
    return Client(headers={"authorization": f"Bearer {secret}"})


def asked(client: Client, route: Any) -> Any:
    """The response of the endpoint at `route` to a request that names no customer."""
    address = path_of(route).replace("{identifier}", "nobody@example.com")
    if hasattr(route.callback.view_class, "get"):
        return client.get(address)
    return client.post(address, {}, "application/json")


@pytest.mark.parametrize("scope", TokenScope.values)
def test_a_token_reads_what_its_scope_names_and_nothing_else(scope):
    client = program(scopes=[scope])
    for route in _ENDPOINTS:
        path = path_of(route)
        if path == "/api/v1/worklist":  # It shows customers, so it needs two.
            continue
        needed = next(needed for start, needed in SCOPES.items() if path.startswith(start))
        response = asked(client, route)
        assert (response.status_code == 403) == (needed != scope), path
        if needed != scope:
            assert f"the scope “{needed}”" in response.json()["error"]["message"], path


def test_a_token_of_one_mode_reads_customers_of_that_mode_alone():
    client = program(env="live")
    live, test = make_customer(env="live"), make_customer(env="sandbox")
    for customer in (live, test):
        make_invoice(customer=customer)
        make_note(customer=customer)
    for address in ("/api/v1/customers", "/api/v1/invoices", "/api/v1/notes"):
        shown = client.get(address).content.decode()
        assert str(live.pk) in shown, address
        assert str(test.pk) not in shown, address
    assert client.get(f"/api/v1/customers/{live.pk}").status_code == 200
    assert client.get(f"/api/v1/customers/{test.pk}").status_code == 404
    assert client.get(f"/api/v1/invoices?customer={test.pk}").status_code == 404
    assert client.get("/api/v1/customers?env=sandbox").status_code == 403
    by_mode = {"/api/v1/changes"} | {path_of(each) for each in _ENDPOINTS if _takes_env(each)}
    catalog = ("/plans", "/features", "/v1/plans.", "/v1/features.")
    for route in _ENDPOINTS:
        path = path_of(route)
        assert path in by_mode or any(part in path for part in catalog), f"{path} shows both modes"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("settled")
def test_a_token_of_one_mode_reads_changes_of_that_mode_alone():
    live, test = make_customer(env="live"), make_customer(env="sandbox")
    # On PostgreSQL the feed has what was committed.
    shown = program(env="live").get("/api/v1/changes").content.decode()
    assert str(live.pk) in shown
    assert str(test.pk) not in shown


def _takes_env(route):
    return any(parameter.name == "env" for parameter in route.callback.view_class.parameters())


def test_a_token_reads_no_more_than_its_owner_and_ends_with_them():
    owner = User.objects.create_user("owner")
    client = program(owner=owner)
    refused = client.get("/api/v1/customers")
    assert refused.status_code == 403
    assert "owner of this token" in refused.json()["error"]["message"]
    owner.user_permissions.add(Permission.objects.get(codename="view_customer"))
    assert client.get("/api/v1/customers").status_code == 200
    assert client.get("/api/v1/invoices").status_code == 403
    User.objects.update(is_active=False)
    assert client.get("/api/v1/customers").status_code == 401


def test_requests_above_the_limit_wait_until_the_minute_is_over(settings, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 40
    now = NOON
    monkeypatch.setattr(clock, "now", lambda: now)
    client = program(owner=make_user())
    other = ApiToken.issue("other")[1]
    statuses = []
    for number in range(42):
        if number % 3 == 0:
            # Another process has shares of its own.
            monkeypatch.setattr(rate_limit, "_shares", {})
        statuses.append(client.get("/api/v1/plans").status_code)
    # Each process answers 3 requests and takes twice 2 of the 40, so the 40 are gone after 10 processes.
    assert statuses == [200] * 30 + [429] * 12
    refused = client.get("/api/v1/plans")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "60"
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert client.get("/api/v1/plans", headers={"authorization": f"Bearer {other}"}).status_code == 200
    now = NOON + timedelta(seconds=60)
    assert client.get("/api/v1/plans").status_code == 200


def test_the_last_use_is_written_once_for_many_requests(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    client = program()
    client.get("/api/v1/plans")
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=59))
    client.get("/api/v1/plans")
    assert ApiToken.objects.get().last_used_at == NOON
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=61))
    client.get("/api/v1/plans")
    assert ApiToken.objects.get().last_used_at == NOON + timedelta(seconds=61)
