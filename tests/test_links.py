"""No way in takes a link that could run a script: whatever holds a link, in a document or in a form, refuses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from billing.document.schema import BillingCustomer, Feature, Plan
from crm.document.schema import CrmCustomer, Picture
from customers.document.schema import PaymentsCustomer
from customers.json_types import JsonDocument, Link, Refused, parse
from tests.admin_forms import form_data
from tests.examples import sampled
from tests.factories import make_company, make_document, make_person, make_user, make_webhook_endpoint

SCRIPTS = ("javascript:alert(1)", " java\tscript:alert(1)", "data:text/html,x", "vbscript:x")
#: What the name of a field has in it that holds a link.
TELLING = ("url", "link", "href", "photo", "logo", "icon")


def types_in(hint: Any) -> Iterator[type]:
    """The types that a hint is made of."""
    if isinstance(hint, type):
        yield hint
    for part in get_args(hint):
        yield from types_in(part)


def documents_in(*roots: type[JsonDocument]) -> set[type[JsonDocument]]:
    """These documents and all that lie in them."""
    found: set[type[JsonDocument]] = set()
    waiting = list(roots)
    while waiting:
        document = waiting.pop()
        if document not in found:
            found.add(document)
            hints = get_type_hints(document).values()
            waiting += [each for hint in hints for each in types_in(hint) if issubclass(each, JsonDocument)]
    return found


class Holder(JsonDocument):
    """A document with nothing but links."""

    link: Link | None = None
    picture: Picture | None = None


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("kind", ["link", "picture"])
def test_what_a_document_has_for_a_link_refuses_it(kind: str, script: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(Holder, {kind: script})
    assert refused.value.path == f"$.{kind}"


def test_each_link_of_a_document_is_of_these_kinds() -> None:
    documents = documents_in(PaymentsCustomer, BillingCustomer, CrmCustomer, Feature, Plan)
    links = {
        f"{document.__name__}.{field}": any(issubclass(each, Link) for each in types_in(hint))
        for document in documents
        for field, hint in get_type_hints(document).items()
        if any(word in field for word in TELLING)
    }
    assert links == dict.fromkeys(
        [
            "CrmCompany.profile_url",
            "CrmCompany.website_urls",
            "CrmCompany.logo_url",
            "CrmPersonMetadata.photo_url",
            "CrmSocialNetwork.profile_url",
            "CrmSocialNetwork.icon_url",
            "Invoice.hosted_invoice_url",
        ],
        True,
    )


#: What is typed into each field of a form that holds a link.
TYPED = {
    "company.profile_url": lambda script: script,
    "company.logo_url": lambda script: script,
    "company.website_urls": lambda script: json.dumps(["https://example.com/", script]),
    "person.photo_url": lambda script: script,
    "person.social_network": lambda script: json.dumps([{"name": "x", "profile_url": script}]),
    "document.url": lambda script: script,
    "webhookendpoint.url": lambda script: script,
}


@pytest.mark.once
@pytest.mark.sampled
@pytest.mark.django_db
def test_each_link_of_a_form_refuses_it() -> None:
    client = Client()
    client.force_login(make_user("Administrator"))
    rows: dict[str, Any] = {
        "company": make_company(),
        "person": make_person(),
        "document": make_document(),
        "webhookendpoint": make_webhook_endpoint(),
    }
    for number, (place, typed) in enumerate(TYPED.items()):
        model, field = place.split(".")
        url = reverse(f"admin:crm_{model}_change", args=[rows[model].pk])
        honest = form_data(client.get(url))
        for script in sampled(SCRIPTS, one_in=3, first=number):
            answer = client.post(url, honest | {field: typed(script)})
            assert answer.status_code == 200, (place, script)
            assert 'href="javascript' not in answer.content.decode()
            assert list(answer.context["adminform"].form.errors) == [field], (place, script)


@pytest.mark.django_db
def test_no_other_form_has_a_field_for_a_link() -> None:
    request = RequestFactory().get("/")
    request.user = make_user("Administrator")
    found = set()
    for model, shown in admin.site._registry.items():
        if model._meta.app_label in ("customers", "billing", "crm"):
            fields = shown.get_form(request, None, change=True).base_fields
            found |= {
                f"{model._meta.model_name}.{field}"
                for field in fields
                if any(word in field for word in (*TELLING, "social_network"))
            }
    assert found == set(TYPED)
