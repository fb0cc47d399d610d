"""What each source said, in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import make_customer, make_received_payload, make_source_record, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def test_the_latest_payload_is_shown_as_received_with_its_remarks(client: Client) -> None:
    record = make_source_record()
    make_received_payload(record=record, text='{"old": 1}', received_at=datetime(2024, 1, 1, tzinfo=UTC))
    make_received_payload(
        record=record,
        text='{"amount": 1.50, "name": "<script>"}',
        remarks=[{"path": "$.phone", "text": "Kept <b>as it came</b>."}, "odd"],
    )
    page = client.get(reverse("admin:customers_sourcerecord_change", args=[record.pk])).content.decode()
    assert '{\n  "amount": 1.50,\n  "name": "<script>"\n}' in unescape(page)
    assert '<script>"' not in page
    assert "Kept &lt;b&gt;as it came&lt;/b&gt;." in page
    assert "&quot;old&quot;" not in page


def test_a_record_without_a_payload_opens(client: Client) -> None:
    record = make_source_record()
    assert client.get(reverse("admin:customers_sourcerecord_change", args=[record.pk])).status_code == 200


def test_a_customer_links_to_its_records_and_back(client: Client) -> None:
    # Django takes the `_22` of an address for a quotation mark, unless it was quoted itself: other IDs stay as they are.
    customer = make_customer(id="cus_22h3vjs3b16yc3f9q8q9pfrb78")
    record = make_source_record(customer=customer)
    record_url = reverse("admin:customers_sourcerecord_change", args=[record.pk])
    customer_url = reverse("admin:customers_customer_change", args=[quote(customer.pk)])
    assert client.get(customer_url).status_code == 200
    assert f'href="{record_url}"' in client.get(customer_url).content.decode()
    assert f'href="{customer_url}"' in client.get(record_url).content.decode()


def test_lists_do_not_read_the_payloads(client: Client) -> None:
    make_received_payload()
    for name in ("customers_receivedpayload_changelist", "customers_sourcerecord_changelist"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"admin:{name}")).status_code == 200
        assert not [query for query in queries if '"customers_receivedpayload"."text"' in query["sql"]]
