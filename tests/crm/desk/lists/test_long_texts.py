"""Texts of any length can be kept and listed: PostgreSQL refuses entries of an index above 2,704 bytes."""

from __future__ import annotations

import random

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_company, make_customer, make_person, make_user

pytestmark = pytest.mark.django_db

#: Letters in no order, so that the database can't shorten them.
_LETTERS = "".join(random.Random(1).choices([chr(code) for code in range(0x4E00, 0x9FA5)], k=5000))


def test_a_long_text_is_kept_and_listed() -> None:
    for number in range(60):
        customer = make_customer(name=f"{_LETTERS[number:]}", email="")
        make_company(customer=customer, name=_LETTERS, industry=_LETTERS, location=_LETTERS)
        make_person(name=f"{number:02} {_LETTERS}", title=f"{_LETTERS}{number:02}", location=_LETTERS)
    client = Client()
    client.force_login(make_user())
    url = reverse("desk-people")
    first = client.get(url, {"sort": "title"}).content.decode()
    following = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert following
    second = client.get(f"{url}{following}" if following.startswith("?") else following).content.decode()
    names = [{f"{n:02} " for n in range(60) if f">{n:02} {_LETTERS[:5]}" in page} for page in (first, second)]
    assert len(names[0] | names[1]) == 60
