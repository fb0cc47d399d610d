"""What CRM records say of a customer's company and account details, read from their documents.

A customer has one row of each, made of all its CRM records. What a person locked in them stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Model
from msgspec import UNSET

from crm.document.schema import CrmCustomer, parse_customer
from crm.models import Company, Relationship
from customers.bulk import assign_values, create_rows, delete_rows, update_rows
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.ingest.accounts import account_of, places_of, rows_of_accounts
from customers.ingest.precedence import statement_of
from customers.ingest.reader import read_value
from customers.json_types import Refused
from customers.models import Customer, ReceivedPayload, Source, SourceRecord
from customers.typed_ids import to_uuid

COMPANY_FIELDS = (
    "name",
    "profile_url",
    "website_urls",
    "logo_url",
    "location",
    "phone",
    "fax",
    "industry",
    "annual_revenue",
    "number_of_employees",
    "stock_symbol",
    "founded_date",
    "about",
)
RELATIONSHIP_FIELDS = (
    "crm_id",
    "datasource_id",
    "start_date",
    "contract_annual_revenue",
    "reported_notes",
    "reported_document_counts",
)


@dataclass(slots=True)
class Reported:
    """What one CRM record says, as unsaved rows."""

    relationship: Relationship = field(default_factory=Relationship)
    company: Company = field(default_factory=Company)

    def say(self, document: CrmCustomer) -> None:
        """Take the values of a later document; a key that it lacks keeps its value."""
        details = relationship_values(document)
        if to_uuid(document.id, ("cus",)) is not None:
            # We export our own ID for a customer that the CRM didn't give one; it isn't a CRM ID.
            details["crm_id"] = UNSET
        assign_values(self.relationship, details)
        assign_values(self.company, company_values(document))


def reported_apart(accounts: Sequence[Customer]) -> Mapping[str, Reported | None]:
    """What the record of each account says that was merged, or has others merged into it; None without a record.

    By the key of the account's customer; others are left out. Three queries at most.
    """
    merged_into: set[object] = set(
        Customer.objects.filter(merged_into__in=accounts).values_list("merged_into", flat=True)
    )
    apart = [each for each in accounts if each.merged_into_id is not None or each.pk in merged_into]
    found: dict[str, Reported | None] = {str(each.pk): None for each in apart}
    if apart:
        records = list(rows_of_accounts(_told(), places_of(apart)).order_by("pk"))
        said = _reported_by(records)
        found |= {account_of(record): said[str(record.pk)] for record in records}
    return found


def shared_customers(customers: Collection[Customer]) -> set[str]:
    """The keys of those customers that have several CRM records. One query."""
    owners = _told().filter(customer__in=customers).order_by().values_list("customer")
    counted = owners.annotate(records=Count("pk")).filter(records__gt=1)
    return {str(customer) for customer, _ in counted}


def resolve_reported(
    customers: Collection[Customer], reason: str, *, arriving: Mapping[str, CrmCustomer] | None = None
) -> None:
    """Give the rows of these customers what their CRM records say, except what is locked.

    A customer without one loses what a record said that is now another customer's; what people entered stays.

    `arriving` are documents that are being imported, by the ID of their record at the CRM.

    For the company the record that changed last speaks first, for the account details the customer's own one. A value
    that it leaves empty comes from the next.
    """
    records = list(_told().filter(customer__in=customers))
    said = _reported_by(records)
    for record in records:
        if arriving is not None and record.source_id in arriving:
            said[str(record.pk)].say(arriving[record.source_id])
    told = {record.customer_id for record in records}
    # Of a record without documents nothing is known.
    records = [record for record in records if str(record.pk) in said]
    by_time = sorted(
        records, key=lambda record: (statement_of(record).changed_at, str(record.pk)), reverse=True
    )
    _write(Company, by_time, {key: each.company for key, each in said.items()}, COMPANY_FIELDS, reason, {})
    own_first = sorted(by_time, key=lambda record: record.came_with_id is not None)
    details = {key: each.relationship for key, each in said.items()}
    currency = {"currency": value_of(DEFAULT_CURRENCY)}
    _write(Relationship, own_first, details, RELATIONSHIP_FIELDS, reason, currency)
    _let_go([customer for customer in customers if customer.pk not in told], reason)


def _let_go(customers: Sequence[Customer], reason: str) -> None:
    details = list(Relationship.objects.filter(customer__in=customers).exclude(crm_id=""))
    known = _told().filter(source_id__in=[row.crm_id for row in details]).values_list("source_id", flat=True)
    gone = set(known)
    leaving = [row for row in details if row.crm_id in gone]
    for row in leaving:
        assign_values(row, dict.fromkeys(RELATIONSHIP_FIELDS))
    update_rows(leaving, RELATIONSHIP_FIELDS, reason)
    companies = list(Company.objects.filter(customer__in=[row.customer_id for row in leaving]))
    delete_rows([row for row in companies if not row.pinned_fields], reason)
    locked = [row for row in companies if row.pinned_fields]
    for company in locked:
        assign_values(company, dict.fromkeys(COMPANY_FIELDS))
    update_rows(locked, COMPANY_FIELDS, reason)


def _told() -> Any:
    return SourceRecord.objects.filter(source=Source.CRM, is_merged=False)


def _reported_by(records: Iterable[SourceRecord]) -> dict[str, Reported]:
    """By the key of the record; a key that a document lacks keeps what an earlier one said. One query."""
    said: dict[str, Reported] = defaultdict(Reported)
    received = ReceivedPayload.objects.filter(record__in=list(records)).order_by("received_at", "pk")
    for record, text in received.values_list("record", "text"):
        with suppress(Refused, ValueError):
            said[str(record)].say(parse_customer(read_value(text))[0])
    return said


def _write(
    model: type[Model],
    records: Sequence[SourceRecord],
    said: Mapping[str, Model],
    fields: Sequence[str],
    reason: str,
    defaults: Mapping[str, Any],
) -> None:
    rows: Any = model._default_manager
    owners = {record.customer_id for record in records}
    held: dict[Any, Any] = {row.customer_id: row for row in rows.filter(customer__in=owners)}
    new, changed = [], []
    for owner in sorted(owners, key=str):
        row = held.get(owner)
        wanted = row or model(customer_id=owner, **defaults)
        own = [said[str(record.pk)] for record in records if record.customer_id == owner]
        differs = assign_values(wanted, {name: _first_filled(own, name) for name in fields})
        if row is None:
            new.append(wanted)
        elif differs:
            changed.append(wanted)
    create_rows(new, reason)
    update_rows(changed, fields, reason)


def _first_filled(rows: Sequence[Model], name: str) -> Any:
    values = [getattr(row, name) for row in rows]
    return next((value for value in values if value not in (None, "", [], {})), values[0])


def relationship_values(document: CrmCustomer) -> dict[str, Any]:
    """The document's values for the account details, by column; UNSET changes nothing."""
    given = {
        "crm_id": document.id,
        "start_date": document.start_date,
        "contract_annual_revenue": document.contract_annual_revenue,
        "reported_notes": document.notes,
        "reported_document_counts": document.document_counts,
    }
    if document.metadata is not UNSET:
        given["datasource_id"] = document.metadata.datasource_id if document.metadata else None
    return given


def company_values(document: CrmCustomer) -> dict[str, Any]:
    """The document's values for the company, by column; UNSET changes nothing."""
    return {name: getattr(document.company, name) for name in COMPANY_FIELDS}
