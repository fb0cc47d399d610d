"""The scalar types and helpers that the three customer documents share.

A document type is a tree of `msgspec.Struct`s. This package defines how numbers, instants, dates and links
look in JSON, how a problem names its place, and how a document becomes bytes. It depends on no particular
document and no database.
"""

from customers.json_types.documents import (
    JsonDocument,
    each_object,
    encode,
    json_schema,
    optional_keys,
    parse,
    to_plain,
)
from customers.json_types.not_understood import Kept, each_kept, give_back, kept_since, not_understood
from customers.json_types.problems import missing_key, too_long
from customers.json_types.refusals import Refused, Remark, RemarkKind, within
from customers.json_types.scalars import (
    DECIMALS,
    LARGEST,
    AnyEpochMs,
    EpochMs,
    IsoDate,
    IsoInstant,
    Link,
    Number,
    Scalar,
    free_form,
    is_plain_link,
    plain_number,
    read_number,
    to_epoch_ms,
    to_iso,
)
from customers.json_types.tolerant import Reading, parse_tolerantly, shown

__all__ = [
    "DECIMALS",
    "LARGEST",
    "AnyEpochMs",
    "EpochMs",
    "IsoDate",
    "IsoInstant",
    "JsonDocument",
    "Kept",
    "Link",
    "Number",
    "Reading",
    "Refused",
    "Remark",
    "RemarkKind",
    "Scalar",
    "each_kept",
    "each_object",
    "encode",
    "free_form",
    "give_back",
    "is_plain_link",
    "json_schema",
    "kept_since",
    "missing_key",
    "not_understood",
    "optional_keys",
    "parse",
    "parse_tolerantly",
    "plain_number",
    "read_number",
    "shown",
    "to_epoch_ms",
    "to_iso",
    "to_plain",
    "too_long",
    "within",
]
