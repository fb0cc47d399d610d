"""The document of a record that came in a table: a payments and a CRM document together, and what users add."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from crm.document.schema import CrmCustomer
from crm.document.schema import parse_customer as parse_crm
from customers import limits
from customers.document.schema import PaymentsCustomer
from customers.document.schema import parse_customer as parse_payments
from customers.json_types import JsonDocument, Refused, Remark, parse_tolerantly

Text: TypeAlias = str | UnsetType | None


class FileCustomer(JsonDocument, kw_only=True):
    """A customer, as rows of a table describe it. An absent key says nothing."""

    id: str
    payments: PaymentsCustomer
    crm: CrmCustomer
    stripe_id: Text = UNSET
    external_id: Text = UNSET
    owner: Text = UNSET
    tags: list[str] | UnsetType | None = UNSET
    notes: list[str] | UnsetType | None = UNSET
    tasks: list[str] | UnsetType | None = UNSET
    #: The custom fields that users enter, by name.
    fields: dict[str, str] | UnsetType | None = UNSET


_LIMITS = {"id": limits.IDENTIFIER, "stripe_id": limits.IDENTIFIER, "external_id": limits.IDENTIFIER}


def parse_file_customer(value: object) -> tuple[FileCustomer, list[Remark]]:
    """Parse a record of a table with the rules of the two documents. Raises `Refused`."""
    if not isinstance(value, dict):
        raise Refused("$", "A record must be a JSON object.")
    payments, remarks = _parsed(parse_payments, value, "payments")
    crm, more = _parsed(parse_crm, value, "crm")
    reading = parse_tolerantly(FileCustomer, value)
    document = reading.document
    document.payments, document.crm = payments, crm
    limits.refuse_oversized(document, _LIMITS)
    return document, [*remarks, *more]


def _parsed(parse: Any, value: dict[str, Any], part: str) -> tuple[Any, list[Remark]]:
    try:
        document, remarks = parse({**value[part], "id": value["id"]})
    except Refused as refused:
        raise Refused(f"$.{part}{refused.path[1:]}", refused.reason, is_secret=refused.is_secret) from None
    return document, [Remark(f"$.{part}{each.path[1:]}", each.text, each.kind) for each in remarks]
