"""Emails, phone numbers, domains and links in the forms, and the warning when an edit makes a duplicate."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from crm.models import Domain, DuplicatePair
from customers.models import Customer
from tests.admin_forms import form_data, without_templates
from tests.factories import (
    make_address,
    make_business,
    make_company,
    make_customer,
    make_domain,
    make_person,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ADD = reverse("admin:customers_customer_add")
WARNING = "This may be a duplicate of"
ADVICE = "Enter an email address, such as jane@example.com."


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Administrator"))
    return client


def url_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def save(client: Client, where: str | Model, shown: Any = None, **fields: str) -> Any:
    """Fill in the form of a row or at an address, as it stands or as `shown`, and save it."""
    url = where if isinstance(where, str) else url_of(where)
    return client.post(url, form_data(shown or client.get(url), **fields))


#: The form of a new customer as it stands, which is the same for everyone.
_new_customer: dict[str, Any] = {}


def send(client: Client, where: str | Model, **fields: str) -> Any:
    """The same, where nobody looks at the pages."""
    url = where if isinstance(where, str) else url_of(where)
    with without_templates():
        if url == ADD:
            _new_customer.update(_new_customer or form_data(client.get(url)))
            return client.post(url, {**_new_customer, **fields})
        return client.post(url, form_data(client.get(url), **fields))


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def warnings(response: Any) -> list[str]:
    assert response.status_code == 302, errors(response)
    return [str(each) for each in get_messages(response.wsgi_request) if each.level_tag == "warning"]


def test_what_is_no_email_is_refused_with_advice(client: Client) -> None:
    texts = ["not an email", "jane@", "jane@localhost", "a b@example.com", "n/a", "jane@example..com"]
    rows = make_customer(email="old@example.com"), make_person(email="old@example.com")
    with without_templates():
        for url in (ADD, *map(url_of, rows)):
            shown = form_data(client.get(url), name="Jane")
            for text in texts:
                assert errors(client.post(url, {**shown, "email": text})) == {"email": [ADVICE]}, text
    for row in rows:
        row.refresh_from_db()
        assert row.email == "old@example.com"


@pytest.mark.parametrize(
    ("text", "saved"),
    [
        ("Jane@Example.com", "Jane@Example.com"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("Jane <jane@example.com>", "jane@example.com"),
        ("jane@example.com\u200b", "jane@example.com"),
        ("bücher@münchen.example", "bücher@münchen.example"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("", ""),
    ],
)
def test_an_email_is_saved_as_an_import_would(client: Client, text: str, saved: str) -> None:
    assert send(client, ADD, name="Jane", email=text).status_code == 302
    assert Customer.objects.get().email == saved
    row = make_person(email="old@example.com")
    assert send(client, row, email=text).status_code == 302
    row.refresh_from_db()
    assert row.email == saved


def test_an_odd_email_of_an_import_blocks_no_other_edit(client: Client) -> None:
    for name, odd in (("Emil Brandmann", "n/a"), ("Wanda Koch", "jane@example.com\u200b")):
        customer = make_customer(name="Otto", email=odd)
        assert send(client, customer, name=name).status_code == 302
        customer.refresh_from_db()
        assert (customer.name, customer.email, customer.pinned_fields) == (name, odd, ["name"])


def test_emails_in_lists(client: Client) -> None:
    person = make_person(alias_emails=["n/a"])
    assert send(client, person, alias_emails=json.dumps(["n/a", "<j@example.com>"])).status_code == 302
    person.refresh_from_db()
    assert person.alias_emails == ["n/a", "j@example.com"]
    refused = errors(send(client, person, alias_emails=json.dumps(["j@example.com", "no email"])))
    assert refused == {"alias_emails": [f"At $[1]: {ADVICE}"]}
    assert list(errors(send(client, person, alias_emails="[1]"))) == ["alias_emails"]
    business = make_business()
    contacts = [{"name": "J", "email": "mailto:j@example.com"}]
    assert send(client, business, contacts=json.dumps(contacts)).status_code == 302
    business.refresh_from_db()
    assert business.contacts == [{"name": "J", "email": "j@example.com"}]
    contacts[0]["email"] = "no email"
    assert errors(send(client, business, contacts=json.dumps(contacts))) == {
        "contacts": [f"At $[0].email: {ADVICE}"]
    }


@pytest.mark.parametrize(
    "text",
    [
        "+44 20 7946 0958",
        "0044 20 7946 0958",
        "+44 (0)20 7946-0958",
        "tel:+442079460958",
        "\u202a+44 20 7946 0958\u202c",
    ],
)
def test_a_phone_number_with_its_country_is_put_into_e164(client: Client, text: str) -> None:
    assert warnings(send(client, ADD, name="Jane", phone=text)) == []
    assert Customer.objects.get().phone == "+442079460958"
    for row in (make_person(), make_company()):
        assert warnings(send(client, row, phone=text)) == []
        row.refresh_from_db()
        assert row.phone == "+442079460958"


def test_the_country_is_that_of_the_default_address(client: Client) -> None:
    customer = make_customer()
    make_address(customer=customer, country="DE")
    make_address(customer=customer, country="GB", is_default=True)
    company = make_company(customer=customer)
    assert warnings(send(client, customer, phone="020 7946 0958")) == []
    assert warnings(send(client, company, phone="020 7946 0958", fax="(020) 7946 0959")) == []
    customer.refresh_from_db()
    company.refresh_from_db()
    assert (customer.phone, company.phone, company.fax) == ("+442079460958", "+442079460958", "+442079460959")


def test_the_country_may_be_entered_together_with_the_number(client: Client) -> None:
    address = {
        "addresses-TOTAL_FORMS": "1",
        "addresses-0-id": "",
        "addresses-0-country": "GB",
        "addresses-0-is_default": "on",
        "addresses-0-status": "active",
    }
    assert warnings(send(client, ADD, name="Jane", phone="020 7946 0958", **address)) == []
    assert Customer.objects.get().phone == "+442079460958"


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("020 7946 0958", "has no country code, and the country is unknown"),
        ("+1 555 0100", "is not a valid phone number"),
        ("ask Jane", "has no country code, and the country is unknown"),
        ("+1 202 555 0123 ext. 7", "has an extension, which E.164 can't express"),
    ],
)
def test_a_number_that_cannot_be_read_is_saved_with_a_warning(client: Client, text: str, doubt: str) -> None:
    warning = f"Phone: “{text}” {doubt}. It was kept."
    assert warnings(send(client, ADD, name="Jane", phone=text)) == [warning]
    assert Customer.objects.get().phone == text


def test_only_an_edit_of_the_number_warns(client: Client) -> None:
    assert len(warnings(send(client, ADD, name="Jane", phone="ask Jane"))) == 1
    customer = Customer.objects.get()
    # The next page shows the warning, and then it is gone.
    assert warnings(save(client, customer, name="Emil")) == []
    assert warnings(send(client, customer, phone="")) == []
    customer.refresh_from_db()
    assert customer.phone == ""


@pytest.mark.parametrize(
    "text", ["www.Acme.example", "https://acme.example/about", "ACME.example.", "acme.example:443"]
)
def test_a_domain_has_one_form(client: Client, text: str) -> None:
    customer = make_customer()
    add = reverse("admin:crm_domain_add")
    assert send(client, add, customer=str(customer.pk), name=text).status_code == 302
    assert Domain.objects.get().name == "acme.example"
    again = errors(send(client, add, customer=str(customer.pk), name=text))
    assert "The customer already has this domain." in str(again)
    rows = {"domains-TOTAL_FORMS": "1", "domains-0-id": "", "domains-0-name": text}
    other = make_customer()
    assert send(client, other, **rows).status_code == 302
    assert other.domains.get().name == "acme.example"


@pytest.mark.parametrize("text", ["localhost", "Acme Inc.", "jane@acme.example"])
def test_what_is_no_domain_is_refused(client: Client, text: str) -> None:
    domain = make_domain(name="acme.example")
    assert errors(send(client, domain, name=text)) == {"name": ["Enter a domain, such as example.com."]}


def test_links_get_a_scheme(client: Client) -> None:
    company = make_company(profile_url="/old")
    links = json.dumps(["www.acme.example", "https://b.example"])
    saved = send(client, company, website_urls=links, logo_url="acme.example/logo.png")
    assert saved.status_code == 302
    company.refresh_from_db()
    assert company.website_urls == ["https://www.acme.example", "https://b.example"]
    assert (company.logo_url, company.profile_url) == ("https://acme.example/logo.png", "/old")
    refused = {"profile_url": ["Enter a link that begins with http:// or https://."]}
    for text in ("/new", "Acme", "javascript:alert(1)", "java\tscript:alert(1)"):
        assert errors(send(client, company, profile_url=text)) == refused
    assert send(client, company, profile_url="").status_code == 302


def test_an_edit_that_makes_a_duplicate_is_warned_of_once(client: Client) -> None:
    make_customer(name="Jane Doering", email="jane.doering@gmail.com")
    other = make_customer(name="Otto", email="otto@example.com")
    warned = save(client, other, name="J. Doering", email="JaneDoering+x@gmail.com")
    assert warned.status_code == 200
    assert WARNING in warned.content.decode()
    assert "Save again to keep your changes." in warned.content.decode()
    other.refresh_from_db()
    assert other.name == "Otto"
    assert save(client, other, warned).status_code == 302
    other.refresh_from_db()
    assert other.name == "J. Doering"
    # It looks like her now, so another edit makes nothing worse.
    assert save(client, other, name="Jane Doering").status_code == 302


def test_a_phone_number_is_compared_as_it_will_be_saved(client: Client) -> None:
    make_customer(name="Jane Doering", phone="+442079460958")
    other = make_customer(name="Otto Brandmann")
    make_address(customer=other, country="GB", is_default=True)
    warned = save(client, other, name="Jane Doering", phone="020 7946 0958")
    assert "same phone number" in warned.content.decode()


def test_an_edit_of_other_fields_and_a_decided_pair_warn_of_nothing(client: Client) -> None:
    jane = make_customer(name="Jane Doering", email="jane.doering@gmail.com")
    other = make_customer(name="Otto", email="otto@example.com")
    assert send(client, other, status="inactive").status_code == 302
    a, b = sorted((jane, other), key=lambda each: each.pk)
    DuplicatePair.objects.create(a=a, b=b, score=0.9, decision=DuplicatePair.Decision.NOT_DUPLICATES)
    assert send(client, other, name="Jane Doering", email="jane.doering@gmail.com").status_code == 302
