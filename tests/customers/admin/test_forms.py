"""Two people with one form: nothing is overwritten in silence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Plan
from customers.models import Address, Customer
from tests.admin_forms import form_data
from tests.factories import (
    make_address,
    make_contact,
    make_customer,
    make_document,
    make_feature,
    make_person,
    make_plan,
    make_plan_item,
    make_user,
)


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def change_url(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_the_second_of_two_is_told_what_changed_and_may_decide(superuser: Client) -> None:
    customer = make_customer(name="Old", phone="+1 555 0100")
    url = change_url(customer)
    opened = superuser.get(url)
    Customer.objects.filter(pk=customer.pk).update(name="Theirs")
    refused = superuser.post(url, form_data(opened, phone="+1 555 0199"))
    assert refused.status_code == 200
    assert refused.context["adminform"].form.errors == {
        "name": [
            "Someone changed this after you opened the form: it is now “Theirs”. Save again to overwrite it."
        ]
    }
    customer.refresh_from_db()
    assert (customer.name, customer.phone) == ("Theirs", "+1 555 0100")

    assert superuser.post(url, form_data(refused)).status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.phone) == ("Old", "+1 555 0199")


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_a_third_change_is_noticed_too(superuser: Client) -> None:
    customer = make_customer(name="Old")
    url = change_url(customer)
    opened = superuser.get(url)
    Customer.objects.filter(pk=customer.pk).update(name="Second")
    again = superuser.post(url, form_data(opened, name="Mine"))
    Customer.objects.filter(pk=customer.pk).update(name="Third")
    refused = superuser.post(url, form_data(again))
    assert "it is now “Third”" in str(refused.context["adminform"].form.errors["name"])
    customer.refresh_from_db()
    assert customer.name == "Third"


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_saving_what_one_did_not_touch_writes_nothing(superuser: Client) -> None:
    customer = make_customer(name="Old")
    assert (
        superuser.post(change_url(customer), form_data(superuser.get(change_url(customer)))).status_code
        == 302
    )
    assert customer.history.count() == 1


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["", "{", "[]", "null", "[" * 100_000])
def test_a_page_that_does_not_tell_what_it_showed_is_refused(sent: str, superuser: Client) -> None:
    customer = make_customer(name="Old")
    data = form_data(superuser.get(change_url(customer)), name="New", seen_values=sent)
    assert superuser.post(change_url(customer), data).status_code == 200
    customer.refresh_from_db()
    assert customer.name == "Old"


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_choices_rows_and_json_are_told_in_words(superuser: Client) -> None:
    item = make_plan_item(feature=make_feature(name="Seats"), price_tiers=[{"to": 1, "amount": 2}])
    url = change_url(item)
    opened = superuser.get(url)
    type(item).objects.filter(pk=item.pk).update(
        feature=make_feature(name="API calls"), reset_interval="year", price_tiers=None
    )
    refused = superuser.post(url, form_data(opened, included="7"))
    errors = {name: texts[0] for name, texts in refused.context["adminform"].form.errors.items()}
    assert "it is now “API calls”" in errors["feature"]
    assert "it is now “Year”" in errors["reset_interval"]
    assert "it is now empty" in errors["price_tiers"]
    assert set(errors) == {"feature", "reset_interval", "price_tiers"}


@pytest.mark.django_db
def test_rows_on_another_rows_form_are_watched_too(superuser: Client) -> None:
    customer = make_customer()
    address = make_address(customer=customer, city="Arusha")
    url = change_url(customer)
    opened = superuser.get(url)
    Address.objects.filter(pk=address.pk).update(city="Dodoma")
    refused = superuser.post(url, form_data(opened, **{"addresses-0-line1": "2 Main Street"}))
    assert refused.status_code == 200
    assert "it is now “Dodoma”" in refused.content.decode()
    again = superuser.post(url, form_data(refused))
    assert again.status_code == 302
    address.refresh_from_db()
    assert (address.line1, address.city) == ("2 Main Street", "Arusha")


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_a_row_that_moved_to_another_page_meanwhile_is_changed_and_not_doubled(superuser: Client) -> None:
    customer = make_customer()
    for number in range(10):
        make_document(customer=customer, title=f"Title {number}")
    last = customer.documents.get(title="Title 9")
    url = change_url(customer)
    opened = superuser.get(url)
    make_document(customer=customer, title="A new first one")
    saved = superuser.post(url, form_data(opened, **{"documents-9-type": "offer"}))
    assert saved.status_code == 302
    last.refresh_from_db()
    assert last.type == "offer"
    assert customer.documents.count() == 11


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_nobody_reaches_another_customers_rows_through_the_form(superuser: Client) -> None:
    customer, other = make_customer(), make_customer()
    make_address(customer=customer)
    theirs = make_address(customer=other, city="Dodoma")
    data = form_data(superuser.get(change_url(customer)))
    for pk in (theirs.pk, "nonsense", ""):
        changes = {"addresses-0-id": pk, "addresses-0-city": "Arusha"}
        assert superuser.post(change_url(customer), data | changes).status_code == 200
    theirs.refresh_from_db()
    assert (theirs.city, theirs.customer_id) == ("Dodoma", other.pk)
    assert Address.objects.count() == 2


@pytest.mark.django_db
def test_only_one_row_can_be_the_default(superuser: Client) -> None:
    customer = make_customer()
    data = form_data(superuser.get(change_url(customer)))
    two = {"addresses-TOTAL_FORMS": "2"}
    for number in range(2):
        two |= {
            f"addresses-{number}-line1": f"{number} Main Street",
            f"addresses-{number}-status": "active",
            f"addresses-{number}-is_default": "on",
            f"addresses-{number}-customer": customer.pk,
        }
    refused = superuser.post(change_url(customer), data | two)
    assert refused.status_code == 200
    assert "Choose one default." in refused.content.decode()
    del two["addresses-1-is_default"]
    assert superuser.post(change_url(customer), data | two).status_code == 302
    assert customer.addresses.count() == 2


@pytest.mark.django_db
def test_a_constraint_over_fields_that_are_not_on_the_form_is_a_form_error(superuser: Client) -> None:
    make_customer(external_id="taken", env="live")
    customer = make_customer(env="live")
    data = form_data(superuser.get(change_url(customer)), external_id="taken")
    refused = superuser.post(change_url(customer), data)
    assert refused.status_code == 200
    assert "Another customer in this environment has this external ID." in refused.content.decode()
    sandbox = make_customer(env="sandbox")
    data = form_data(superuser.get(change_url(sandbox)), external_id="taken")
    assert superuser.post(change_url(sandbox), data).status_code == 302


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db
def test_a_person_is_a_contact_once(superuser: Client) -> None:
    customer, person = make_customer(), make_person()
    make_contact(customer=customer, person=person)
    data = form_data(superuser.get(change_url(customer)))
    again = {"contacts-TOTAL_FORMS": "2", "contacts-1-person": person.pk, "contacts-1-customer": customer.pk}
    assert superuser.post(change_url(customer), data | again).status_code == 200
    assert customer.contacts.count() == 1


@pytest.mark.django_db
def test_a_collision_in_the_last_moment_saves_nothing_and_says_so(
    superuser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plan(plan_id="pro", version=1)
    monkeypatch.setattr(Plan, "validate_constraints", lambda *_, **__: None)
    monkeypatch.setattr(Plan, "validate_unique", lambda *_, **__: None)
    url = reverse("admin:billing_plan_add")
    data = form_data(superuser.get(url), plan_id="pro", version="1", name="Pro", currency="USD")
    answer = superuser.post(url, data, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [
        "Couldn't save, because someone else just saved a conflicting change. Check the form and try again."
    ]
    assert Plan.objects.count() == 1


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_in_the_same_moment_one_is_told() -> None:
    customer = make_customer(name="Old")
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(make_user())
    forms = [
        form_data(client.get(change_url(customer)), name=f"Name {number}")
        for number, client in enumerate(clients)
    ]
    together = Barrier(2)

    def save(number: int) -> int:
        try:
            together.wait()
            return clients[number].post(change_url(customer), forms[number]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(save, range(2)))
    assert sorted(statuses) == [200, 302]
    customer.refresh_from_db()
    assert customer.name == f"Name {statuses.index(302)}"
    assert customer.history.count() == 2


@pytest.mark.usefixtures("plain_pages")
@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_row_is_locked_before_it_is_read(superuser: Client) -> None:
    customer = make_customer()
    url = change_url(customer)
    data = form_data(superuser.get(url), name="New")
    with CaptureQueriesContext(connection) as captured:
        superuser.post(url, data)
    of_customers = [query["sql"] for query in captured if 'FROM "customers_customer"' in query["sql"]]
    assert of_customers[0].endswith("FOR UPDATE")
