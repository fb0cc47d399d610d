"""Crm documents taken in and given back."""

import json
from typing import Any

from crm.document.importer import CrmImporter
from crm.document.renderer import render_customers
from crm.document.schema import encode_customer
from customers.ingest.importer import ImportReport
from customers.models import Customer
from tests.customers.import_documents import take
from tests.strategies_crm import Json


def take_crm(*payloads: Json) -> list[ImportReport]:
    """Import crm documents, none of which may be refused."""
    reports = take(CrmImporter(), *payloads)
    assert [report.bad for report in reports if report.bad] == []
    return reports


def document(**changes: Any) -> Json:
    """The smallest crm document of “acme”, and what is to be added."""
    return {"id": "acme", "company": {"name": "Acme"}, **changes}


def padded(count: int) -> list[Json]:
    """Documents of such a length that a batch of them is more than is read at a time."""
    return [document(id=f"c{number}", notes="x" * 2000) for number in range(count)]


def take_one(**changes: Any) -> Customer:
    """Import a document of “acme”."""
    take_crm(document(**changes))
    return Customer.objects.get(source_records__source="crm", source_records__source_id="acme")


def shown(crm_id: str = "acme") -> Any:
    """The crm document of a customer, as JSON is read."""
    customer = Customer.objects.get(relationship__crm_id=crm_id)
    [rendered] = render_customers([customer])
    return json.loads(encode_customer(rendered))
