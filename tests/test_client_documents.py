"""Whatever the public clients' models can say is taken, and comes back with every value.

The judge is the client's own model: documents are made from it at random, with keys and words that nobody knows yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from autumn_sdk.models import Customer as AutumnCustomer
from glean.api_client.models import Customer as GleanCustomer

from billing.document.api import render_views as billing_views
from billing.document.importer import BillingImporter
from billing.document.schema import EXPANDABLE
from crm.document.importer import CrmImporter
from crm.document.renderer import render_views as crm_views
from customers.ingest.importer import ImportOutcome
from customers.json_types import encode
from customers.models import Customer, SourceRecord
from tests.client_documents import ClientDocuments, lost
from tests.customers.import_documents import outcomes, take

pytestmark = pytest.mark.django_db

_AT_A_TIME = 20


def _customers(documents: Sequence[dict[str, Any]]) -> list[Customer]:
    records = SourceRecord.objects.select_related("customer").filter(is_merged=False)
    found = {record.source_id: record.customer for record in records}
    return [found[document["id"]] for document in documents]


def _billing(seeds: range) -> list[dict[str, Any]]:
    made = [{**ClientDocuments(seed).document(AutumnCustomer), "id": f"billing-{seed}"} for seed in seeds]
    # Each is a customer of its own, so that no two share a mailbox or an ID at Stripe.
    return [{**each, "stripe_id": f"cus_{each['id']}", "email": f"{each['id']}@example.com"} for each in made]


def _crm(seeds: range) -> list[dict[str, Any]]:
    return [{**ClientDocuments(seed).document(GleanCustomer), "id": f"crm-{seed}"} for seed in seeds]


def _check(importer: Any, documents: list[dict[str, Any]], views: Any) -> None:
    reports = take(importer, *documents)
    assert [report.bad for report in reports if report.bad] == []
    assert set(outcomes(reports)) == {ImportOutcome.CREATED}
    back = [json.loads(encode(view)) for view in views(_customers(documents))]
    assert [lost(*pair) for pair in zip(documents, back, strict=True)] == [{} for _ in documents]


def _billing_views(customers: list[Customer]) -> list[Any]:
    return billing_views(customers, EXPANDABLE)


def _crm_views(customers: list[Customer]) -> list[Any]:
    return crm_views(customers, "camel")


@pytest.mark.parametrize("start", range(0, 60, _AT_A_TIME))
def test_billing_documents_come_back_whole(start: int) -> None:
    _check(BillingImporter(), _billing(range(start, start + _AT_A_TIME)), _billing_views)


@pytest.mark.once
@pytest.mark.parametrize("start", range(0, 60, _AT_A_TIME))
def test_crm_documents_come_back_whole(start: int) -> None:
    _check(CrmImporter(), _crm(range(start, start + _AT_A_TIME)), _crm_views)


@pytest.mark.soak
@pytest.mark.parametrize("start", range(60, 1060, _AT_A_TIME))
def test_a_thousand_of_each_come_back_whole(start: int) -> None:
    seeds = range(start, start + _AT_A_TIME)
    _check(BillingImporter(), _billing(seeds), _billing_views)
    _check(CrmImporter(), _crm(seeds), _crm_views)
