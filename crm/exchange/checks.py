"""Check the records of a file before they are imported: their kind, keys that are not understood, strictness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from crm.exchange.foreign import DOCUMENTS, advice, foreign_kind
from crm.exchange.foreign_text import A_TEXT, foreign_text
from customers.ingest.importer import Importer
from customers.ingest.reader import BadRecord, Record
from customers.json_types import Refused
from customers.json_types.keys import unknown_keys

#: A file is of another kind if all of its first records are.
_FIRST = 20


class ForeignFile(Exception):
    """A file that holds something else; the text says what it looks like and what to do."""


class FileCheck:
    """The checks of one file. `unknown` counts the keys that are not understood, by their place."""

    def __init__(self, importer: Importer[Any], *, is_strict: bool = False) -> None:
        self.unknown: Counter[str] = Counter()
        self._importer = importer
        self._is_strict = is_strict
        self._document = DOCUMENTS[importer.source]

    def records(self, records: Iterable[Record | BadRecord]) -> Iterator[Record | BadRecord]:
        """`records`, with those of another kind refused; if strict, also those that would get a remark.

        Raises `ForeignFile`, before any record, if the first ones are all of another kind.
        """
        rest = iter(records)
        first: list[Record | BadRecord] = []
        kinds: list[str] = []
        for record in rest:
            first.append(record)
            kinds.append(self._kind(record))
            if not kinds[-1] or len(first) == _FIRST:
                break
        if kinds and all(kinds):
            # Later lines of a file of another kind often look like any text.
            named = [kind for kind in kinds if kind != A_TEXT] or kinds
            kind = Counter(named).most_common(1)[0][0]
            raise ForeignFile(advice(kind, self._importer.source))
        return (self._checked(record) for record in chain(first, rest))

    def _kind(self, record: Record | BadRecord) -> str:
        if isinstance(record, BadRecord):
            return foreign_text(record.text)
        return foreign_kind(record.value, self._importer.source)

    def _checked(self, record: Record | BadRecord) -> Record | BadRecord:
        if isinstance(record, BadRecord):
            return record
        kind = self._kind(record)
        if kind:
            return BadRecord(record.number, "$", advice(kind, self._importer.source), record.text)
        unknown = unknown_keys(self._document, record.value)
        self.unknown.update(unknown)
        if self._is_strict:
            return self._strictly(record, unknown)
        return record

    def _strictly(self, record: Record, unknown: list[str]) -> Record | BadRecord:
        try:
            _, remarks = self._importer.parse(record.value)
        except Refused:
            # The import refuses it for the same reason, and knows which texts must not be kept.
            return record
        if remarks:
            return BadRecord(record.number, remarks[0].path, remarks[0].text, record.text)
        if unknown:
            return BadRecord(record.number, f"$.{unknown[0]}", "This key is not understood.", record.text)
        return record
