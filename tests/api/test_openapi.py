"""The description of the API is valid, says what is served, and what is served is as it says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

pytestmark = pytest.mark.django_db

PATHS = {
    "/api/v1/customers": "get",
    "/api/v1/customers/{identifier}": "get",
    "/api/v1/customers/{identifier}/addresses": "get",
    "/api/v1/customers/{identifier}/businesses": "get",
    "/api/v1/customers/{identifier}/payment-methods": "get",
    "/api/v1/billing/customers": "get",
    "/api/v1/billing/customers/{identifier}": "get",
    "/api/v1/crm/customers": "get",
    "/api/v1/crm/customers/{identifier}": "get",
    "/api/v1/customers/{identifier}/timeline": "get",
    "/api/v1/invoices": "get",
    "/api/v1/subscriptions": "get",
    "/api/v1/balances": "get",
    "/api/v1/plans": "get",
    "/api/v1/features": "get",
    "/api/v1/companies": "get",
    "/api/v1/people": "get",
    "/api/v1/notes": "get",
    "/api/v1/tasks": "get",
    "/api/v1/worklist": "get",
    "/api/v1/changes": "get",
    "/v1/customers.list": "post",
    "/v1/customers.get": "post",
    "/v1/subscriptions.list": "post",
    "/v1/purchases.list": "post",
    "/v1/balances.list": "post",
    "/v1/balances.check": "post",
    "/v1/invoices.list": "post",
    "/v1/plans.list": "post",
    "/v1/plans.get": "post",
    "/v1/features.list": "post",
    "/v1/features.get": "post",
    "/v1/entities.list": "post",
    "/v1/entities.get": "post",
    "/v1/events.list": "post",
    "/v1/events.aggregate": "post",
    "/v1/invoices.listTemplates": "post",
    "/v1/rewards.list": "post",
    "/v1/referral_programs.list": "post",
    "/v1/sandboxes.list": "post",
    "/v1/webhooks.list": "post",
}


@pytest.fixture
def described() -> Any:
    """The description, as anybody gets it."""
    response = Client().get("/api/v1/openapi.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    return response.json()


def test_it_is_a_valid_openapi_document(described):
    OpenAPIV31SpecValidator(described).validate()
    assert described["openapi"] == "3.1.0"


def test_it_has_every_endpoint(described):
    assert {path: list(methods) for path, methods in described["paths"].items()} == {
        path: [method] for path, method in PATHS.items()
    }
    assert reverse("openapi") == "/api/v1/openapi.json"
    assert reverse("api-docs") == "/api/v1/"


def test_the_parameters_are_those_that_are_served(described, refuse):
    for path, methods in described["paths"].items():
        if "get" not in methods or "{" in path:
            continue
        names = [each["name"] for each in methods["get"]["parameters"]]
        message = refuse(400, path, nonsense="1")["message"]
        assert f"Possible here: {', '.join(names)}." in message


def test_the_parameters_of_a_list_are_described(described):
    parameters = {
        each["name"]: each for each in described["paths"]["/api/v1/billing/customers"]["get"]["parameters"]
    }
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert parameters["past_due"]["schema"] == {"type": "boolean"}
    assert parameters["subscription_status"]["schema"] == {"type": "string", "enum": ["active", "scheduled"]}
    assert parameters["created_after"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["order"]["schema"]["default"] == "-created_at"
    assert (parameters["expand"]["style"], parameters["expand"]["explode"]) == ("form", False)
    assert all(each["description"].endswith(".") for each in parameters.values())


def test_keys_that_are_always_there_are_required_and_others_are_not(described):
    schemas = described["components"]["schemas"]
    payments = schemas["PaymentsCustomer"]
    assert {"id", "phone", "custom_data"} <= set(payments["required"])
    assert not {"addresses", "businesses"} & set(payments["required"])
    billing = schemas["BillingCustomer"]
    assert {"id", "env", "balances", "licenses"} <= set(billing["required"])
    assert not {"invoices", "rewards"} & set(billing["required"])
    assert sorted(schemas["CrmCustomer"]["required"]) == ["company", "id"]
    assert "documentCounts" in schemas["CrmCustomerInCamelCase"]["properties"]
    assert schemas["ClientListRequest"]["required"] == []
    assert schemas["ClientGetRequest"]["required"] == ["customer_id"]


def validate(described: Any, schema: Any, value: Any) -> None:
    OAS31Validator({**schema, "components": described["components"]}).validate(value)


def test_the_examples_are_as_described(described):
    for path, method in PATHS.items():
        operation = described["paths"][path][method]
        content = operation["responses"]["200"]["content"]["application/json"]
        validate(described, content["schema"], content["example"])
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert (body is not None) is (method == "post")
        if body:
            validate(described, body["schema"], body["example"])


def test_the_errors_are_as_described(described):
    for path, method in PATHS.items():
        responses = described["paths"][path][method]["responses"]
        address = path.replace("{identifier}", "nobody")
        for status, response in (
            (401, Client().generic(method.upper(), address)),
            (405, Client().delete(address)),
            (406, Client().generic(method.upper(), address, headers={"accept": "text/html"})),
        ):
            assert response.status_code == status
            name = responses[str(status)]["$ref"].rpartition("/")[2]
            error = described["components"]["responses"][name]["content"]["application/json"]["schema"]
            validate(described, error, response.json())


def test_it_takes_no_parameters(refuse):
    assert "none here" in refuse(400, "/api/v1/openapi.json", format="yaml")["message"]


class TestPage:
    @pytest.fixture
    def html(self) -> str:
        response = Client().get("/api/v1/")
        assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
        return response.content.decode()

    def test_anybody_can_read_of_every_endpoint(self, html, described):
        for path in PATHS:
            assert path in html
        for methods in described["paths"].values():
            for operation in methods.values():
                assert f'id="{operation["operationId"]}"' in html
        assert "jane.doe@example.com" in html
        assert "Authorization: Bearer" in html

    def test_headings_do_not_skip_a_level(self, html):
        levels = [int(part[0]) for part in html.split("<h")[1:] if part[0].isdigit()]
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels))

    def test_nothing_is_fetched_from_elsewhere(self, html):
        assert "<script" not in html
        assert "http://" not in html.replace("http://www.w3.org", "")
        assert 'src="' not in html
