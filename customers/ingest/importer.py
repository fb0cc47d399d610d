"""What an app brings to import its document (`Importer`), and what an import says of each record."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from customers.ingest.matching import Identity
from customers.ingest.reader import BadRecord, Record
from customers.json_types import JsonDocument, Remark
from customers.models import Customer

D = TypeVar("D", bound=JsonDocument)


class ImportOutcome(StrEnum):
    """The result of importing one record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    ERASED = "erased"
    REFUSED = "refused"


@dataclass(slots=True)
class ImportCounts:
    """The number of records by outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    erased: int = 0
    refused: int = 0

    def add(self, outcome: ImportOutcome) -> None:
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)

    def __str__(self) -> str:
        counts = ((getattr(self, each.value), each) for each in ImportOutcome)
        return ", ".join(
            f"{count} {outcome}"
            for count, outcome in counts
            if count or outcome not in (ImportOutcome.STALE, ImportOutcome.ERASED)
        )


@dataclass(slots=True)
class Incoming(Generic[D]):
    """A record that is being imported. `customer` is set once it is matched; `is_new` if the record created it.

    `merged_origin` is the merged customer that the record was about: its document is only about rows that came with
    that one. None means that the record has always been the customer's own.
    """

    record: Record
    document: D
    remarks: list[Remark]
    identity: Identity
    digest: str
    customer: Customer = field(default_factory=Customer)
    is_new: bool = False
    merged_origin: Customer | None = None
    may_be_older: bool = False
    outcome: ImportOutcome = ImportOutcome.UNCHANGED

    @property
    def came_with_id(self) -> str | None:
        """The `came_with` of the rows that the document is about."""
        return None if self.merged_origin is None else str(self.merged_origin.pk)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of one record; `number` is its place in the file, `bad` is set if it was refused.

    `customer_id` is the customer that the record is of; empty if it was refused.
    """

    number: int
    outcome: ImportOutcome
    remarks: list[Remark] = field(default_factory=list)
    bad: BadRecord | None = None
    customer_id: str = field(default="", compare=False)


class Importer(Protocol[D]):
    """How one app imports its document."""

    source: str

    def parse(self, value: object) -> tuple[D, list[Remark]]:
        """The document, and remarks on what was changed in it; raises `Refused`."""

    def spelled(self, value: Any) -> Any:
        """The received `value` with its keys in the spelling of the document type."""

    def identify(self, document: D) -> Identity:
        """The identifiers of the document."""

    def shown(self, document: D) -> D:
        """What documents show of `document` once it is imported."""

    def claims(self, document: D) -> dict[str, Any]:
        """The document's values for the customer's columns, by name; None is an empty value.

        Columns that are absent from the document are left out.
        """

    def apply(self, batch: list[Incoming[D]], reason: str) -> None:
        """Write the other rows of the documents in bulk; their customers are saved already.

        Runs inside the batch's transaction. May raise `Refused` for a problem that only the rows show.
        """
