"""Profiles and blocking keys of all customers in a temporary file, so that memory does not grow with them."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, msgpack

from crm.dedupe.duplicates.blocking_keys import LIMITS, KeyKind, blocking_keys_of, digest
from crm.dedupe.duplicates.profile import Profile
from customers.readings.names import Name, name_keys

S = TypeVar("S", bound=Struct)

_CACHE_KIB = 64_000
_REMEMBERED = 1 << 16
_SAMPLE = 2000
_DOUBT = 5
_LEAST_REPETITION = 0.05

_TABLES = """
CREATE TABLE cards (place INTEGER PRIMARY KEY, is_fresh INTEGER NOT NULL, profile BLOB NOT NULL);
CREATE TABLE marks (digest INTEGER, kind INTEGER, place INTEGER);
CREATE TABLE limits (kind INTEGER PRIMARY KEY, most INTEGER NOT NULL);
CREATE TABLE kept (score REAL NOT NULL, found BLOB NOT NULL);
"""
_COUNTS = """
CREATE INDEX marks_by_digest ON marks (digest, place);
CREATE TABLE crowds (digest INTEGER PRIMARY KEY, kind INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO crowds
    SELECT digest, min(kind), count(*) FROM marks GROUP BY digest HAVING count(*) > 1;
CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
"""
_PAIRS = """
INSERT OR IGNORE INTO pairs
    SELECT one.place, other.place
    FROM crowds
    JOIN limits ON limits.kind = crowds.kind AND crowds.size <= limits.most
    JOIN marks AS one ON one.digest = crowds.digest
    JOIN marks AS other ON other.digest = crowds.digest AND other.place > one.place
"""
_ONLY_FRESH = """
    WHERE one.place IN (SELECT place FROM cards WHERE is_fresh)
       OR other.place IN (SELECT place FROM cards WHERE is_fresh)
"""
_CANDIDATES = """
SELECT pairs.a, one.profile, other.profile
FROM pairs JOIN cards AS one ON one.place = pairs.a JOIN cards AS other ON other.place = pairs.b
ORDER BY pairs.a, pairs.b
"""


class CardIndex:
    """Add profiles, call `complete`, then read the candidates."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._totals: dict[str, int] = {}
        self._size = 0
        self.repetition = 1.0
        self._encode = msgpack.Encoder().encode
        self._decode = msgpack.Decoder(Profile).decode
        self._count = lru_cache(maxsize=_REMEMBERED)(self._counted)
        database.executescript(_TABLES)
        database.executemany("INSERT INTO limits VALUES (?, ?)", [*LIMITS.items()])

    def add(self, profiles: Iterable[Profile], fresh: set[str] | None = None) -> None:
        """Add `profiles`. With `fresh`, only those customers are compared with the others; without, all."""
        cards, marks = [], []
        for profile in profiles:
            self._size += 1
            self._totals[profile.env] = self._totals.get(profile.env, 0) + 1
            is_fresh = fresh is None or profile.id in fresh
            cards.append((self._size, is_fresh, self._encode(profile)))
            for mark, key in set(blocking_keys_of(profile)):
                env = "" if mark is KeyKind.NAMED_ELSEWHERE else profile.env
                marks.append((digest(mark, env, key), int(mark), self._size))
        self._database.executemany("INSERT INTO cards VALUES (?, ?, ?)", cards)
        self._database.executemany("INSERT INTO marks VALUES (?, ?, ?)", marks)

    def complete(self, *, only_fresh: bool = False) -> int:
        """Find the pairs to compare. Returns their number."""
        self._database.executescript(_COUNTS)
        self._database.execute(_PAIRS + (_ONLY_FRESH if only_fresh else ""))
        self.repetition = self._repetition()
        (count,) = self._database.execute("SELECT count(*) FROM pairs").fetchone()
        return int(count)

    def candidates(self) -> Iterator[tuple[Profile, Profile]]:
        """The pairs to compare, each once."""
        place, mine = 0, None
        for first, one, other in self._database.execute(_CANDIDATES):
            if mine is None or first != place:
                place, mine = first, self._decode(one)
            yield mine, self._decode(other)

    def keep(self, score: float, found: Struct) -> None:
        """Store something with its score."""
        self._database.execute("INSERT INTO kept VALUES (?, ?)", (score, self._encode(found)))

    def kept(self, kind: type[S], min_score: float) -> Iterator[S]:
        """What was stored, highest score first."""
        decode = msgpack.Decoder(kind).decode
        rows = self._database.execute(
            "SELECT found FROM kept WHERE score >= ? ORDER BY score DESC, rowid", (min_score,)
        )
        return (decode(row[0]) for row in rows)

    def total(self, env: str) -> int:
        """Customers of an environment."""
        return self._totals.get(env, 0)

    def count(self, mark: KeyKind, env: str, key: str) -> int:
        """Customers that share a key. 0 if fewer than two do."""
        return self._count(mark, env, key)

    def _repetition(self) -> float:
        """How often names recur in a town, relative to chance, from a sample of names.

        Names go with towns, so the chance is computed per town. Where two customers of one name in one town are rarer than chance, the
        data was kept free of duplicates, and a recurring name is likelier a duplicate. Frequent names count most, because
        rare ones that recur are mostly duplicates.
        """
        seen = expected = 0.0
        step = max(1, self._size // _SAMPLE)
        for (card,) in self._database.execute("SELECT profile FROM cards WHERE place % ? = 0", (step,)):
            profile = self._decode(card)
            for name in profile.names[:1]:
                key = name_keys(name)[0]
                city = next((f" {place.city}" for place in profile.places if place.city), "")
                by_chance = self._by_chance(name, profile.env, city)
                others = self.count(KeyKind.NAME_CITY if city else KeyKind.NAME, profile.env, key + city) - 1
                seen += by_chance * max(0, others)
                expected += by_chance**2
        return min(1.0, max(_LEAST_REPETITION, (seen + _DOUBT) / (expected + _DOUBT)))

    def _by_chance(self, name: Name, env: str, city: str) -> float:
        """The expected number of customers with a name, in a town or (without one) anywhere."""
        total = self.count(KeyKind.CITY, env, city.strip()) if city else self.total(env)
        expected = float(total)
        for word in name.sounds if total else ():
            mark, key = (KeyKind.WORD_IN_CITY, word + city) if city else (KeyKind.WORD, word)
            expected *= self.count(mark, env, key) / total
        return expected

    def _counted(self, mark: KeyKind, env: str, key: str) -> int:
        wanted = (digest(mark, env, key),)
        found = self._database.execute("SELECT size FROM crowds WHERE digest = ?", wanted).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def card_index() -> Iterator[CardIndex]:
    """An empty index in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
        database = sqlite3.connect(Path(folder) / "cards.sqlite3", isolation_level=None)
        try:
            database.executescript(
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
                f"PRAGMA temp_store = FILE; PRAGMA cache_size = -{_CACHE_KIB};"
            )
            yield CardIndex(database)
        finally:
            database.close()
