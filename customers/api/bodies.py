"""Request bodies: small JSON objects, read by the strict reader."""

from __future__ import annotations

from typing import TypeVar

from django.http import HttpRequest

from customers.api.http import Problem
from customers.ingest.reader import read_value
from customers.json_types import JsonDocument, Refused, parse

#: In bytes.
BODY_LIMIT = 64 * 1024

_SHOWN = 100

D = TypeVar("D", bound=JsonDocument)


def read_body(request: HttpRequest, kind: type[D]) -> D:
    """The body as a `kind`; a missing body is read as an empty object. Its content type does not matter.

    Raises `Problem`: 413 for a body above `BODY_LIMIT`, 400 for a body that does not fit `kind` or has
    unknown keys.
    """
    if request.headers.get("Transfer-Encoding"):
        raise Problem(400, "length_required", "Send the body in one piece, with a Content-Length header.")
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > BODY_LIMIT:
        raise Problem(413, "body_too_large", f"The body is too large. Send at most {BODY_LIMIT} bytes.")
    try:
        value = read_value(request.body) if request.body.strip() else {}
        if isinstance(value, dict):
            _refuse_unknown(value, kind)
        return parse(kind, value)
    except Refused as refused:
        place = refused.path.removeprefix("$").removeprefix(".") or None
        raise Problem(400, "invalid_body", f"{refused.path}: {refused.reason}", place) from None


def _refuse_unknown(value: dict[str, object], kind: type[JsonDocument]) -> None:
    for key in value.keys() - set(kind.__struct_fields__):
        raise Problem(
            400,
            "unknown_key",
            f"Unknown key “{key[:_SHOWN]}”. Possible keys: {', '.join(kind.__struct_fields__)}.",
            key[:_SHOWN],
        )
