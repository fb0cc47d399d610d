"""The page of a customer as it was known at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.crm.document.recorded_history import BEGINNING, Life
from tests.factories import make_address, make_customer, make_user

pytestmark = pytest.mark.django_db


def look(customer, at: str, role: str | None = None):
    client = Client()
    client.force_login(make_user(role))
    return client.get(reverse("desk-as-of", args=[customer.pk]), {"at": at} if at else {})


def test_it_shows_what_was_and_what_has_changed_since():
    with Life().lived() as life:
        customer = make_customer(name="Ann <b>", phone="+1 555 0100")
        gone = make_address(customer=customer, city="Arusha")
        life.go_on(hours=2)
        customer.name = "Bea"
        customer.save()
        gone.delete()
        answer = look(customer, (BEGINNING + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"))
        text = answer.content.decode()
        assert answer.status_code == 200
        for words in ("Ann &lt;b&gt;", "Bea", "Changed since", "Removed since", "Arusha", "+1 555 0100"):
            assert words in text
        assert f"/api/v1/customers/{customer.pk}?as_of=2026-01-31T09%3A00%3A00Z" in text


@pytest.mark.parametrize(
    ("at", "status", "words"),
    [
        ("", 200, "View as of"),
        ("2026-01-31T07:59", 404, "was not known before"),
        ("2026-02-01T00:00", 400, "Enter a time in the past"),
        ("soon", 400, "Enter a date and a time"),
    ],
)
def test_what_cannot_be_shown_is_said(at, status, words):
    with Life().lived() as life:
        customer = make_customer()
        life.go_on(hours=2)
        answer = look(customer, at)
        assert (answer.status_code, words in answer.content.decode()) == (status, True)
