"""Documents made at random from the public clients' own models, which are the list of fields that may arrive.

The generator walks the annotations of the installed clients' pydantic models. So it knows every field of theirs and
nothing of our document types.
"""

from __future__ import annotations

import json
import random
import types
import typing
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
from typing_extensions import TypeAliasType

_WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "iris",
    "juniper",
    "kelp",
    "lumen",
    "maple",
    "nectar",
    "onyx",
]
#: A moment in milliseconds that every clock knows.
_FROM, _UNTIL = 1_600_000_000_000, 1_900_000_000_000


class ClientDocuments:
    """Makes documents of one pydantic model. `chance` is how likely an optional key is there.

    `unknown` is how likely an object gets a key that nobody knows, and an open enumeration a word that nobody knows.
    """

    def __init__(self, seed: int, *, chance: float = 0.6, unknown: float = 0.15) -> None:
        self.random = random.Random(seed)
        self.seed, self.chance, self.unknown = seed, chance, unknown
        self._count = 0

    def document(self, model: type[pydantic.BaseModel], depth: int = 0) -> dict[str, Any]:
        """An object of `model`, with the keys that it has on the wire."""
        made: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            if not field.is_required() and (depth > 6 or self.random.random() > self.chance):
                continue
            made[field.alias or name] = self._value(name, field.annotation, depth + 1)
        if self.random.random() < self.unknown:
            made[f"tomorrow_{self._word()}"] = self.random.choice(
                [self._word(), 7, 1.5, True, None, ["a", 1], {"deep": {"er": [1, {"x": None}]}}]
            )
        return made

    def _value(self, name: str, kind: Any, depth: int) -> Any:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        origin, args = get_origin(kind), get_args(kind)
        if isinstance(origin, TypeAliasType):
            return self._value(name, origin.__value__[args], depth)
        if origin is typing.Annotated:
            return self._value(name, args[0], depth)
        if origin in (Union, types.UnionType):
            return self._of_union(name, list(args), depth)
        if origin is Literal:
            return self.random.choice(args)
        if origin in (list, typing.List):  # noqa: UP006 - what the models say
            return [self._value(name, args[0], depth) for _ in range(self.random.choice((0, 1, 1, 2)))]
        if origin in (dict, typing.Dict):  # noqa: UP006 - what the models say
            keys = {self._name() for _ in range(self.random.choice((0, 1, 2)))}
            return {key: self._keyed(key, args[1], depth) for key in sorted(keys)}
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            return self.document(kind, depth)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self.random.choice(list(kind)).value
        return self._scalar(name, kind)

    def _keyed(self, key: str, kind: Any, depth: int) -> Any:
        """A member of an object with free keys; its `feature_id` is its key."""
        made = self._value("value", kind, depth)
        if isinstance(made, dict) and "feature_id" in made:
            made["feature_id"] = key
            if isinstance(made.get("feature"), dict):
                made["feature"]["id"] = key
        return made

    def _of_union(self, name: str, args: list[Any], depth: int) -> Any:
        plain = [each for each in args if each is not type(None) and getattr(each, "__name__", "") != "Unset"]
        if len(plain) < len(args) and self.random.random() < 0.2:
            return None
        open_words = [each for each in plain if getattr(each, "__name__", "") == "UnrecognizedStr"]
        known = [each for each in plain if each not in open_words]
        if open_words and self.random.random() < self.unknown:
            return f"tomorrows_{self._word()}"
        return self._value(name, self.random.choice(known or plain), depth)

    def _scalar(self, name: str, kind: Any) -> Any:
        if kind is Any:
            return {"note": self._word()}
        if kind is bool:
            return self.random.random() < 0.5
        if kind == datetime:
            moment = datetime.fromtimestamp(self.random.randrange(_FROM, _UNTIL, 1000) / 1000, UTC)
            return moment.isoformat().replace("+00:00", "Z")
        if kind is date:
            return (date(2020, 1, 1) + timedelta(days=self.random.randrange(2000))).isoformat()
        if kind in (int, float) or name == "created_at":
            if name.endswith(("_at", "start", "end")) or name in ("start", "end"):
                return self.random.randrange(_FROM, _UNTIL)
            whole = self.random.randrange(0, 5000)
            return whole if kind is int or self.random.random() < 0.6 else whole + 0.25
        return self._text(name)

    def _text(self, name: str) -> str:
        if name == "currency":
            return self.random.choice(("usd", "eur", "jpy"))
        if "email" in name:
            return f"{self._name()}@example.com"
        if name.endswith(("_url", "_urls")) or name == "url":
            return f"https://example.com/{self._name()}"
        if name == "id" or name.endswith("_id"):
            return self._name()
        return f"{self._word()} {self._word()}"

    def _word(self) -> str:
        return self.random.choice(_WORDS)

    def _name(self) -> str:
        self._count += 1
        return f"{self._word()}_{self.seed}_{self._count}"


def values_of(document: Any, path: str = "$") -> dict[str, Any]:
    """Every scalar of a document, by its path. An empty list or object counts as a value."""
    if isinstance(document, dict) and document:
        return {
            at: each for key in document for at, each in values_of(document[key], f"{path}.{key}").items()
        }
    if isinstance(document, list) and document:
        return {
            at: each
            for number, item in enumerate(document)
            for at, each in values_of(item, f"{path}[{number}]").items()
        }
    return {path: document}


def lost(sent: Any, back: Any) -> dict[str, Any]:
    """The values of `sent` that `back` does not have in their place. Null, empty and absent are the same."""
    ours = values_of(json.loads(json.dumps(back)))
    empty: tuple[Any, ...] = (None, "", [], {})
    return {
        path: value
        for path, value in values_of(sent).items()
        if value not in empty and ours.get(path) != value
    }
