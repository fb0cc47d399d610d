"""A client that has the bytes of a document already gets none."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client

from tests.factories import make_billing_account, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def addresses() -> list[str]:
    """A document and a list of each source, the feed, and the description."""
    customer = make_billing_account().customer
    base = ("/api/v1/customers", "/api/v1/billing/customers", "/api/v1/crm/customers")
    details = [f"{each}/{customer.pk}" for each in base]
    return [*base, *details, f"{details[0]}/addresses", "/api/v1/changes", "/api/v1/openapi.json"]


def test_every_document_has_the_digest_of_its_bytes(api, addresses):
    for address in addresses:
        response = api.get(address)
        assert response["ETag"] == f'"{hashlib.sha256(response.content).hexdigest()}"', address


def test_the_same_bytes_are_not_sent_again(api, addresses):
    for address in addresses:
        etag = api.get(address)["ETag"]
        response = api.get(address, headers={"if-none-match": etag})
        assert (response.status_code, response.content) == (304, b""), address
        assert (response["ETag"], response["Cache-Control"]) == (etag, api.get(address)["Cache-Control"])
        assert "Content-Type" not in response
        assert int(response["Content-Length"]) == len(api.get(address).content)


@pytest.mark.parametrize("header", ["*", "{}", "W/{}", '"other", {}', 'W/"other",{} , "third"'])
def test_the_header_may_be_a_star_or_a_list(api, header):
    address = f"/api/v1/customers/{make_customer().pk}"
    etag = api.get(address)["ETag"]
    assert api.get(address, headers={"if-none-match": header.format(etag)}).status_code == 304
    assert api.head(address, headers={"if-none-match": header.format(etag)}).status_code == 304


@pytest.mark.parametrize("header", ["", '"other"', "W/{}x", "{0}, x", "no tags", '"*"'])
def test_other_tags_are_of_other_bytes(api, header):
    address = f"/api/v1/customers/{make_customer().pk}"
    etag = api.get(address)["ETag"].strip('"')
    response = api.get(address, headers={"if-none-match": header.format(etag)})
    assert (response.status_code, response.json()["name"][:8]) == (200, "Customer")


def test_a_document_that_changed_has_another_tag(api):
    customer = make_customer()
    address = f"/api/v1/customers/{customer.pk}"
    etag = api.get(address)["ETag"]
    customer.name = "Another"
    customer.save()
    response = api.get(address, headers={"if-none-match": etag})
    assert (response.status_code, response.json()["name"]) == (200, "Another")
    assert response["ETag"] != etag


def test_what_is_refused_has_no_tag(api):
    for response in (
        api.get("/api/v1/customers/nobody", headers={"if-none-match": "*"}),
        Client().get("/api/v1/customers", headers={"if-none-match": "*"}),
    ):
        assert response.status_code in {401, 404}
        assert "ETag" not in response


def test_a_read_by_post_has_no_tag(api):
    make_customer()
    response = api.post("/v1/customers.list", "{}", "application/json", headers={"if-none-match": "*"})
    assert response.status_code == 200
    assert "ETag" not in response
