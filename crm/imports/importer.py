"""Import records of tables through the engine that every import goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import UNSET

from crm.document.importer import CrmImporter
from crm.imports.document import FileCustomer, parse_file_customer
from crm.imports.write_rows import write_rows
from customers.document.importer import PaymentsImporter
from customers.ingest.importer import Incoming
from customers.ingest.matching import Identity
from customers.json_types import Remark


class FileImporter:
    """Import the records of a table as those of a source of its own, which comes last in precedence.

    What it says beside the customer's columns is added as a user would add it: it fills what is empty, and changes what
    an earlier file of this source brought. The account manager of others is replaced only if `replaces_owners`.
    """

    def __init__(self, source: str, *, by: Any = None, replaces_owners: bool = False) -> None:
        self.source = source
        self._by = by
        self._replaces_owners = replaces_owners

    def parse(self, value: object) -> tuple[FileCustomer, list[Remark]]:
        return parse_file_customer(value)

    def spelled(self, value: Any) -> Any:
        return value

    def identify(self, document: FileCustomer) -> Identity:
        """By its key in the file; its people's first email address is a sign too."""
        payments = PaymentsImporter().identify(document.payments)
        crm = CrmImporter().identify(document.crm)
        people = document.crm.poc or []
        addresses = [str(person.metadata.email or "") for person in people if person.metadata]
        return replace(
            payments,
            source=self.source,
            source_id=document.id,
            has_own_id=True,
            external_id=document.external_id or None,
            stripe_id=document.stripe_id or None,
            email=payments.email or next(filter(None, addresses), ""),
            names=() if document.id.startswith(("name:", "email:", "domain:")) else (document.id,),
            signs=payments.signs | crm.signs,
        )

    def shown(self, document: FileCustomer) -> FileCustomer:
        return document

    def claims(self, document: FileCustomer) -> dict[str, Any]:
        """The columns that the file fills; an empty cell says nothing."""
        payments = document.payments
        said: dict[str, Any] = {
            "name": payments.name,
            "email": payments.email,
            "phone": payments.phone,
            "status": payments.status,
            "stripe_id": document.stripe_id,
            "external_id": document.external_id,
        }
        return {name: value for name, value in said.items() if value is not UNSET and value not in (None, "")}

    def apply(self, batch: list[Incoming[FileCustomer]], reason: str) -> None:
        write_rows(batch, self.source, reason, by=self._by, replaces_owners=self._replaces_owners)
