"""Take erased people out of texts and documents, also out of a document that is imported later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from customers.ingest.erased import digest_of
from customers.ingest.matching import Identity
from customers.ingest.reader import Record
from customers.json_types import encode
from customers.models import ErasedRecord

#: What stands in a text where a name or an address was.
GONE = "Erased"
#: A person in a document that is an object of its own, not an item of a list.
_PERSON_KEYS = {"manager"}

_WORD = re.compile(r"[^\s,;:<>()\[\]{}\"“”|/]+")
_EDGES = ".!?'"
#: The most words of a name.
_MOST_WORDS = 5


class Words(Protocol):
    """The names, addresses, numbers and IDs of people."""

    def has(self, text: str) -> bool:
        """Whether the whole text is one of them."""

    def without(self, text: str) -> str:
        """The text with `Erased` for each of them."""


def without_people(value: Any, words: Words) -> Any:
    """A JSON value without the people: an item of a list that is or names one is left out, other texts lose the words."""
    if isinstance(value, str):
        return "" if words.has(value) else words.without(value)
    if isinstance(value, list):
        return [without_people(each, words) for each in value if not _is_person(each, words)]
    if isinstance(value, dict):
        return {
            words.without(key): None
            if key in _PERSON_KEYS and _is_person(each, words)
            else without_people(each, words)
            for key, each in value.items()
        }
    return value


def normal(text: str) -> str:
    """The spelling of a word in which its digest is kept."""
    return text.strip().strip(_EDGES).casefold()


def _is_person(value: Any, words: Words) -> bool:
    if isinstance(value, str):
        return words.has(value)
    if not isinstance(value, Mapping):
        return False
    return any(isinstance(each, str) and words.has(each) for each in value.values())


@dataclass(frozen=True, slots=True)
class ErasedPeople:
    """Digests of erased people, and of the records that must come without them; read once for an import."""

    salts: tuple[str, ...] = ()
    records: frozenset[str] = frozenset()
    values: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def known(cls) -> ErasedPeople:
        """Those of the database, in one query."""
        rows = ErasedRecord.objects.exclude(kind=ErasedRecord.Kind.RECORD)
        found: dict[str, set[str]] = {kind: set() for kind in ErasedRecord.Kind.values}
        salts = set()
        for kind, digest, salt in rows.values_list("kind", "digest", "erasure__salt").order_by():
            found[kind].add(digest)
            salts.add(salt)
        return cls(
            tuple(sorted(salts)),
            frozenset(found[ErasedRecord.Kind.KEPT_RECORD]),
            frozenset(found[ErasedRecord.Kind.VALUE]),
        )

    def cleaned(self, record: Record, identity: Identity) -> Record:
        """The record without erased people; the same object if there are none in it."""
        ids = (identity.source_id,) if identity.has_own_id else identity.stand_ins
        keys = (digest_of(salt, identity.source, identity.env, each) for salt in self.salts for each in ids)
        if self.records.isdisjoint(keys):
            return record
        value = without_people(record.value, self)
        return record if value == record.value else replace(record, text=encode(value).decode(), value=value)

    def has(self, text: str) -> bool:
        wanted = normal(text)
        return any(digest_of(salt, wanted) in self.values for salt in self.salts)

    def without(self, text: str) -> str:
        found = list(_WORD.finditer(text))
        parts, end, index = [], 0, 0
        while index < len(found):
            start = found[index].start()
            for last in range(min(index + _MOST_WORDS, len(found)) - 1, index - 1, -1):
                if self.has(text[start : found[last].end()]):
                    parts += [text[end:start], GONE]
                    end, index = found[last].end(), last
                    break
            index += 1
        return "".join([*parts, text[end:]])
