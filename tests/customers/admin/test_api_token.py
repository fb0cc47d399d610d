"""API tokens in the admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from customers.models import ApiToken
from tests.admin_forms import form_data
from tests.factories import make_api_token, make_user

pytestmark = pytest.mark.django_db

ADD = reverse("admin:customers_apitoken_add")
LIST = reverse("admin:customers_apitoken_changelist")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def test_the_secret_is_shown_once_and_opens_the_door(client: Client) -> None:
    data = form_data(
        client.get(ADD),
        name="warehouse",
        scopes=["billing"],
        env="live",
        expires_at_0="2030-01-02",
        expires_at_1="03:04:05",
    )
    answer = client.post(ADD, data)
    assert answer.status_code == 200
    secret = re.search(r"clientele_[\w-]{43}", answer.content.decode())
    assert secret is not None
    assert secret[0] not in str(answer.cookies) + str(client.cookies)
    assert "no-store" in answer["Cache-Control"]
    assert all(secret[0] not in str(vars(session)) for session in Session.objects.all())
    assert all(secret[0] not in str(session.get_decoded()) for session in Session.objects.all())
    token = ApiToken.objects.usable().get(digest=ApiToken.digest_of(secret[0]))
    assert (token.name, token.expires_at) == ("warehouse", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert (token.scopes, token.env, token.owner) == (["billing"], "live", User.objects.get())
    assert ApiToken.objects.count() == 1
    form = client.get(reverse("admin:customers_apitoken_change", args=[token.pk])).content.decode()
    assert secret[0] not in form
    assert token.digest not in form
    again = client.post(ADD, data).content.decode()
    assert secret[0] not in again
    assert "already exists" in again
    assert secret[0] not in client.get(LIST).content.decode()
    assert ApiToken.objects.count() == 1


def test_a_name_is_given_once(client: Client) -> None:
    make_api_token(name="warehouse")
    refused = client.post(ADD, form_data(client.get(ADD), name="warehouse", scopes=["crm"]))
    assert list(refused.context["adminform"].form.errors) == ["name"]


def test_a_revoked_token_opens_nothing(client: Client) -> None:
    token, other = make_api_token(), make_api_token()
    answer = client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]}, follow=True)
    assert "Revoked 1 token." in str(next(iter(answer.context["messages"])))
    assert set(ApiToken.objects.usable()) == {other}
    token.refresh_from_db()
    when = token.revoked_at
    client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at == when


def test_the_state_is_told_in_a_word(client: Client) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    make_api_token(name="a")
    make_api_token(name="b", expires_at=past)
    leaver = make_user(is_active=False)
    make_api_token(name="c", owner=leaver)
    make_api_token(name="d", revoked_at=past)
    shown = client.get(LIST)
    model_admin = shown.context["cl"].model_admin
    states = [model_admin.state(token) for token in shown.context["cl"].result_list]
    assert states == ["Active", "Expired", "Owner inactive", "Revoked"]
    tokens = [token.pk for token in ApiToken.objects.all()]
    client.post(LIST, {"action": "take_over", "_selected_action": tokens}, follow=True)
    taken = ApiToken.objects.order_by("name").values_list("owner__username", flat=True)
    mine = User.objects.exclude(pk=leaver.pk).get().username
    assert list(taken) == [mine, mine, mine, None]
