"""Why a record is refused, and the JSON path of the problem."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
_SHOWN_LENGTH = 300


class Refused(Exception):
    """A record that cannot be imported: `path` is the JSON path (`$` for the whole), `reason` a sentence.

    `is_secret` means that the record holds a card or account number, so its text must not get into a file or
    a log.
    """

    def __init__(self, path: str, reason: str, *, is_secret: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.is_secret = is_secret


class RemarkKind(StrEnum):
    """What a remark is about. The value names the kind in an import's summary."""

    #: A value that can't be read. It counts as empty, or its item was left out.
    UNREADABLE = "unreadable"
    #: A word that is not in a list of words, such as a status that we don't know.
    UNKNOWN_WORD = "unknown words"
    #: A value of another kind that can be read without doubt, such as a number in a text.
    CONVERTED = "converted"
    #: Anything else: contact data put into one form, doubts, repetitions, corrected figures.
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that an import changed or noticed in an accepted record, for people to read."""

    path: str
    text: str
    kind: RemarkKind = field(default=RemarkKind.NOTED, compare=False)


def within(path: str, *steps: str | int) -> str:
    """The JSON path at `steps` (keys and indexes) below `path`. Long keys are cut."""
    return path + "".join(map(_path_step, steps))


def _path_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    key = step[:_SHOWN_LENGTH]
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key)}]"
