"""Billing documents taken in, and the rows counted that they became."""

import json
from datetime import UTC, datetime
from typing import Any

from django.apps import apps

from billing.document.importer import BillingImporter
from billing.document.renderer import render_customers
from billing.document.schema import EXPANDABLE
from customers.ingest.engine import import_records
from customers.ingest.importer import ImportOutcome, ImportReport
from customers.ingest.reader import Record
from customers.models import Customer
from tests.billing.payloads import sent
from tests.strategies_billing import as_read
from tests.strategies_catalog import Json

#: Before anything in the payloads expires.
BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


def records(*payloads: Json) -> list[Record]:
    return [
        Record(number, json.dumps(payload), as_read(payload))
        for number, payload in enumerate(payloads, start=1)
    ]


def take(*payloads: Json, importer: BillingImporter | None = None) -> list[ImportReport]:
    """Import `payloads` as one file."""
    return list(import_records(importer or BillingImporter(), records(*payloads)))


def take_one(**changes: Any) -> Customer:
    """Import a document of the customer “acme”, which must be taken in."""
    [report] = take({"id": "acme", **changes})
    assert report.outcome is not ImportOutcome.REFUSED, report.bad
    return Customer.objects.get(external_id="acme")


def exported(customer: Customer | None = None, at: datetime = BEFORE) -> Any:
    """The whole document of `customer`, or of the only one, as JSON is read."""
    [document] = render_customers([customer or Customer.objects.get()], EXPANDABLE, at=at)
    return sent(document)


def row_counts() -> dict[str, int]:
    """How many rows there are of each model of billing and of the customer, history included."""
    kept = [*apps.get_app_config("billing").get_models(), *apps.get_app_config("customers").get_models()]
    return {
        model._meta.label: model._default_manager.count()
        for model in kept
        if model._meta.label != "customers.ReceivedPayload"
    }


def only(model: Any, **which: Any) -> Any:
    """The only row of `model`, or the only such row."""
    return model.objects.get(**which)
