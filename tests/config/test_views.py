"""Pages that belong to no app, error pages, and the headers on all of them."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import DjangoAssertNumQueries, Settings

from config import urls
from tests.factories import make_user

POLICY = {
    "default-src 'self'",
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: https:",
    "object-src 'none'",
    "base-uri 'self'",
    "frame-ancestors 'none'",
    "form-action 'self'",
}


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a detail for the log only")


def locked(request: HttpRequest) -> HttpResponse:
    raise OperationalError("a detail for the log only")


handler500 = urls.handler500
urlpatterns = [
    path("broken/", broken),
    path("locked/", locked),
    path("api/v1/locked", locked),
    *urls.urlpatterns,
]


def text_of(response: Any, status: int) -> str:
    """The page, after looking at what every page must have."""
    assert response.status_code == status
    assert set(response.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    text = response.content.decode()
    assert "http://" not in text
    assert "https://" not in text
    return str(text)


def test_the_start_page_is_the_admin(client: Client) -> None:
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/start/")


@pytest.mark.django_db
def test_readiness_writes_and_takes_it_back(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.views._writes", SimpleNamespace(work=False, asked_at=-math.inf))
    assert client.get("/readyz").status_code == 200
    assert not Session.objects.exists()

    def full(**values: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Session.objects, "create", full)
    # What the last check found counts for five seconds.
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr("config.views._writes", SimpleNamespace(work=True, asked_at=-math.inf))
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"The database takes no writes.\n")


@pytest.mark.django_db
def test_health_asks_the_database_once(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_health_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (503, b"The database does not answer.\n")


def test_health_may_only_be_read(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


def test_nothing_is_for_search_engines(client: Client) -> None:
    assert client.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"


def test_an_unknown_address(client: Client) -> None:
    assert "Page not found" in text_of(client.get("/nothing/here"), 404)


def test_a_wrong_host(client: Client) -> None:
    response = client.get("/healthz", headers={"host": "evil.example.com"})
    assert "Bad request" in text_of(response, 400)


@pytest.mark.django_db
def test_a_page_without_permission(client: Client) -> None:
    client.force_login(User.objects.create_user("grace"))
    response = client.get("/admin/", follow=True)
    assert "You don't have permission for this page." in text_of(response, 403)


def test_a_form_without_its_token() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x", "password": "y"})
    assert "Your session expired" in text_of(response, 403)


def test_a_fault(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    text = text_of(Client(raise_request_exception=False).get("/broken/"), 500)
    assert "Something went wrong" in text
    assert "a detail for the log only" not in text


def test_a_database_that_does_not_answer_in_time(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    page = client.get("/locked/")
    text = text_of(page, 503)
    assert "your browser keeps what you typed" in text
    assert "a detail for the log only" not in text
    document = client.get("/api/v1/locked")
    assert (document.status_code, document.json()["error"]["code"]) == (503, "busy")
    assert page.headers["Retry-After"] == document.headers["Retry-After"] == "5"


@pytest.mark.django_db
def test_who_is_signed_in_keeps_the_frame_and_the_search_box_on_pages_of_errors(client: Client) -> None:
    client.force_login(make_user("Viewer"))
    missing = text_of(
        client.get("/admin/nothing/here/", headers={"referer": "http://testserver/admin/worklist/"}), 404
    )
    refused = text_of(client.get("/admin/auth/user/"), 403)
    for page in (missing, refused, text_of(client.get("/admin/invoice/inv_nonsense/"), 404)):
        for part in ('name="q"', "Recent", "Go to Home", 'href="/admin/worklist/"'):
            assert part in page
    assert ("Page not found" in missing, "No access" in refused) == (True, True)
    assert "Go back" in missing
    client.force_login(make_user(is_superuser=False, is_staff=True))
    assert 'name="q"' not in text_of(client.get("/admin/nothing/here/"), 404)
    assert "Recent" not in text_of(client.get("/nothing/here"), 404)
