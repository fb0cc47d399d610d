"""Who adds a customer is warned of customers who may be the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from tests.admin_forms import form_data
from tests.factories import make_customer, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ADD = reverse("admin:customers_customer_add")
WARNING = "This may be a duplicate of"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager"))
    return client


@pytest.fixture
def jane() -> Customer:
    return make_customer(name="Jane <Doering>", email="jane.doering@gmail.com")


def add(client: Client, shown: Any = None, **fields: str) -> Any:
    """Fill in the form and save it: the empty one, or the one in `shown`."""
    return client.post(ADD, form_data(shown or client.get(ADD), **fields))


def test_a_likely_match_is_shown_and_nothing_is_saved(client: Client, jane: Customer) -> None:
    response = add(client, name="J. Doering", email="JaneDoering+x@gmail.com")
    assert response.status_code == 200
    shown = response.content.decode()
    assert WARNING in shown
    assert "Jane &lt;Doering&gt;" in shown
    assert f'href="{reverse("desk-customer", args=[jane.pk])}"' in shown
    assert "same email address: janedoering@gmail.com" in shown
    assert Customer.objects.count() == 1


def test_saving_again_is_a_decision(client: Client, jane: Customer) -> None:
    warned = add(client, name="Jane Doering", email="jane.doering@gmail.com")
    assert add(client, warned).status_code == 302
    assert Customer.objects.count() == 2


def test_the_decision_is_about_those_that_were_shown(client: Client, jane: Customer) -> None:
    warned = add(client, name="Jane Doering", email="jane.doering@gmail.com")
    make_customer(name="Jane Doering", email="jane.doering+b@gmail.com")
    again = add(client, warned)
    assert again.status_code == 200
    assert WARNING in again.content.decode()
    assert Customer.objects.count() == 2


def test_somebody_new_is_saved_at_once(client: Client, jane: Customer) -> None:
    assert add(client, name="Otto Brandmann", email="otto@example.com").status_code == 302
    assert Customer.objects.count() == 2


def test_the_sandbox_has_customers_of_its_own(client: Client, jane: Customer) -> None:
    saved = add(client, name="Jane Doering", email="jane.doering@gmail.com", env="sandbox")
    assert saved.status_code == 302


def test_a_known_customer_is_changed_without_a_warning(client: Client, jane: Customer) -> None:
    make_customer(name="Jane Doering", email="jane.doering+b@gmail.com")
    url = reverse("admin:customers_customer_change", args=[jane.pk])
    saved = client.post(url, form_data(client.get(url), name="Jane Doering"))
    assert saved.status_code == 302


def test_what_is_wrong_with_the_form_comes_first(client: Client, jane: Customer) -> None:
    response = add(client, name="Jane Doering", email="jane.doering@gmail.com", custom_data="{")
    assert response.status_code == 200
    assert WARNING not in response.content.decode()
