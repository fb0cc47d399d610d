"""What is too long or too large is refused, by one list of limits, at import and in forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing.document.schema.catalog import parse_plan
from billing.document.schema.customer import parse_customer as parse_billing
from crm.document.schema import parse_customer as parse_crm
from customers import limits
from customers.document.importer import PaymentsImporter
from customers.document.schema import parse_customer as parse_payments
from customers.ingest.importer import ImportOutcome
from customers.ingest.reader import read_value
from customers.json_types import Refused
from customers.models import Customer
from tests.admin_forms import form_data
from tests.billing.payloads import CUSTOMER, PLAN, changed
from tests.customers.import_documents import payment, take
from tests.factories import make_customer, make_user

LONG = "x" * 1_048_576
LARGE = {"text": "x" * limits.DATA_BYTES}


def crm(**keys: Any) -> dict[str, Any]:
    return {"id": "1", "company": {"name": "A"}, **keys}


def person(**metadata: Any) -> dict[str, Any]:
    return crm(poc=[{"name": "P", "obfuscatedId": "p", "metadata": metadata}])


@pytest.mark.parametrize(
    ("parse", "value", "path", "most"),
    [
        (parse_payments, {"id": "a", "name": LONG}, "$.name", 400),
        (parse_payments, {"id": "a", "email": "x" * 321}, "$.email", 320),
        (parse_payments, {"id": "a", "address": {"line1": LONG}}, "$.address.line1", 1_000),
        (parse_payments, {"id": "a", "addresses": [{}, {"city": LONG}]}, "$.addresses[1].city", 1_000),
        (parse_payments, {"id": "a", "businesses": [{"name": LONG}]}, "$.businesses[0].name", 400),
        (
            parse_payments,
            {"id": "a", "businesses": [{"contacts": [{"email": LONG}]}]},
            "$.businesses[0].contacts[0].email",
            320,
        ),
        (parse_billing, {"id": "a", "name": LONG}, "$.name", 400),
        (
            parse_billing,
            changed(CUSTOMER, "subscriptions", 0, "plan", "name", to=LONG),
            "$.subscriptions[0].plan.name",
            400,
        ),
        (
            parse_billing,
            changed(CUSTOMER, "balances", "api_calls", "feature", "name", to=LONG),
            "$.balances.api_calls.feature.name",
            400,
        ),
        (
            parse_billing,
            changed(CUSTOMER, "invoices", 0, "hosted_invoice_url", to="https://example.com/" + LONG),
            "$.invoices[0].hosted_invoice_url",
            4_000,
        ),
        (parse_plan, PLAN | {"description": LONG}, "$.description", 1_000),
        (parse_crm, crm(notes=LONG), "$.notes", 100_000),
        (parse_crm, {"id": "1", "company": {"name": LONG}}, "$.company.name", 400),
        (parse_crm, crm(company={"name": "A", "about": LONG}), "$.company.about", 100_000),
        (parse_crm, person(title=LONG), "$.poc[0].metadata.title", 1_000),
        (parse_crm, person(aliasEmails=["a", LONG]), "$.poc[0].metadata.aliasEmails[1]", 320),
        (
            parse_crm,
            person(manager={"name": LONG, "obfuscatedId": "q"}),
            "$.poc[0].metadata.manager.name",
            400,
        ),
        (
            parse_crm,
            crm(metadata={"customData": {"k": {"string_value": LONG}}}),
            "$.metadata.customData",
            None,
        ),
        (
            parse_crm,
            crm(metadata={"customData": {"k": {"string_value": "x" * 100_001}}}),
            "$.metadata.customData.k.string_value",
            100_000,
        ),
        (parse_crm, crm(merged_customers=[crm(id="2", notes=LONG)]), "$.merged_customers[0].notes", 100_000),
    ],
)
def test_a_text_that_is_too_long_is_refused_where_it_stands(
    parse: Any, value: Any, path: str, most: int | None
) -> None:
    with pytest.raises(Refused) as refused:
        parse(read_value(json.dumps(value)))
    assert refused.value.path == path
    if most is None:
        assert refused.value.reason.endswith(" bytes are too many. Use at most 1,048,576.")
    else:
        assert refused.value.reason.endswith(f" characters are too many. Use at most {most:,}.")
    assert LONG not in refused.value.reason


def test_the_reason_counts() -> None:
    with pytest.raises(Refused) as refused:
        parse_payments({"id": "a", "name": LONG})
    assert str(refused.value) == "$.name: 1,048,576 characters are too many. Use at most 400."


@pytest.mark.parametrize(
    ("parse", "value", "path"),
    [
        (parse_payments, {"id": "a", "custom_data": LARGE}, "$.custom_data"),
        (parse_payments, {"id": "a", "addresses": [{"custom_data": LARGE}]}, "$.addresses[0].custom_data"),
        (parse_billing, {"id": "a", "metadata": LARGE}, "$.metadata"),
        (parse_billing, {"id": "a", "payment_method": LARGE}, "$.payment_method"),
        (parse_plan, PLAN | {"config": LARGE}, "$.config"),
        (
            parse_crm,
            crm(poc=[{"name": "P", "obfuscatedId": "p", "relatedDocuments": [LARGE]}]),
            "$.poc[0].relatedDocuments",
        ),
    ],
)
def test_data_that_is_too_large_is_refused(parse: Any, value: Any, path: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(read_value(json.dumps(value)))
    assert refused.value.path == path
    assert refused.value.reason.endswith(" bytes are too many. Use at most 1,048,576.")


def test_what_just_fits_is_read() -> None:
    just = {
        "id": "a",
        "name": "x" * 400,
        "email": "x" * 320,
        "custom_data": {"t": "x" * (limits.DATA_BYTES - 8)},
    }
    customer, _ = parse_payments(just)
    assert customer.name == just["name"]
    assert parse_crm(crm(notes="x" * 100_000))[0].notes == "x" * 100_000
    picture = "data:image/png;base64," + "A" * 500_000
    assert parse_crm(person(photoUrl=picture))[0].poc


@pytest.mark.django_db
def test_a_file_loses_only_the_record_that_is_too_long() -> None:
    reports = take(PaymentsImporter(), payment(1), payment(2, name=LONG), payment(3))
    assert [report.outcome for report in reports] == [
        ImportOutcome.CREATED,
        ImportOutcome.REFUSED,
        ImportOutcome.CREATED,
    ]
    assert Customer.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": "x" * 401}, "at most 400 characters"),
        (
            {"custom_data": '{"t": "' + "x" * limits.DATA_BYTES + '"}'},
            "bytes are too many. Use at most 1,048,576.",
        ),
    ],
)
def test_a_form_refuses_it_too(data: dict[str, str], told: str) -> None:
    client = Client()
    client.force_login(make_user("Administrator"))
    customer = make_customer(name="Acme")
    url = reverse("admin:customers_customer_change", args=[customer.pk])
    refused = client.post(url, form_data(client.get(url), **data))
    assert refused.status_code == 200
    assert told in refused.content.decode()
    customer.refresh_from_db()
    assert customer.name == "Acme"
