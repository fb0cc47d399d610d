"""Whatever stands in one field of a document, the record is taken, and every other field with it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing.document.schema import parse_customer as parse_billing
from crm.document.schema import parse_customer as parse_crm
from crm.document.schema import to_plain as crm_to_plain
from crm.exchange.foreign import DOCUMENTS
from crm.exchange.importers import IMPORTERS
from customers.document.schema import parse_customer as parse_payments
from customers.ingest.engine import import_records
from customers.ingest.reader import Record
from customers.json_types import Refused, Remark, to_plain, within
from customers.json_types.keys import unknown_keys
from customers.models import Customer
from tests.billing.payloads import CUSTOMER as BILLING
from tests.crm.document.test_schema import FULL as CRM
from tests.customers.document.test_schema import EXPORTED as PAYMENTS
from tests.strategies_billing import as_read

Json = dict[str, Any]
Path = tuple[str | int, ...]

#: What other systems write where something else belongs.
STRANGE: tuple[Any, ...] = (
    "",
    "   ",
    [],
    {},
    None,
    7,
    -1,
    1.5,
    "x",
    True,
    {"a": {"b": 1}},
    ["x"],
    "2024-02-30",
    "0000-00-00",
)
#: Each place gets every fifth of them, so that each value stands in every fifth place.
TURNS = 5
#: Every so many places are written to the database.
WRITTEN = 8
PARSERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Json]] = {
    "payments": (parse_payments, to_plain, PAYMENTS),
    "billing": (parse_billing, to_plain, BILLING),
    "crm": (parse_crm, crm_to_plain, CRM),
}
#: The keys of free-form objects.
FREE = {
    "payments": frozenset({"custom_data"}),
    "billing": frozenset({"metadata", "payment_method", "config"}),
    "crm": frozenset({"related_documents"}),
}
_ROW: Path = ("balances", "api_calls", "breakdown", 0)
_ROLLOVER: Path = ("balances", "api_calls", "rollovers", 0)
#: Fields without which money would be wrong, or nobody known: the record may be refused for them.
REFUSING: dict[str, set[Path]] = {
    "crm": {("id",)},
    "payments": set(),
    "billing": {
        *(("subscriptions", 0, "quantity"), ("purchases", 0, "quantity")),
        *(("balances", "api_calls", key) for key in ("granted", "usage", "breakdown", "rollovers")),
        *(_ROW, *((*_ROW, key) for key in ("included_grant", "prepaid_grant", "usage"))),
        *(_ROLLOVER, *((*_ROLLOVER, key) for key in ("balance", "expires_at"))),
    },
}


def places(value: Any, free: frozenset[str], at: Path = ()) -> Iterator[Path]:
    """The place of each value in a document, without what lies in the objects with the names `free`."""
    if at:
        yield at
    if at and at[-1] in free:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, free, (*at, step))


def leaves(value: Any, at: Path = ()) -> dict[Path, Any]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {path: leaf for step, item in items for path, leaf in leaves(item, (*at, step)).items()}
    return {at: value}


def replaced(document: Json, at: Path, value: Any) -> Json:
    copied = copy.deepcopy(document)
    place: Any = copied
    for step in at[:-1]:
        place = place[step]
    place[at[-1]] = value
    return copied


def dotted(at: Path) -> str:
    return within("$", *at)


def problem_of(source: str, before: dict[Path, Any], at: Path, value: Any) -> str:
    """What is wrong with how the document with `value` in this place is read; empty if nothing is."""
    parse, plain, document = PARSERS[source]
    received = as_read(replaced(document, at, value))
    try:
        customer, remarks = parse(received)
    except Refused as refused:
        return "" if at in REFUSING[source] else f"refused: {refused}"
    after = leaves(plain(customer))
    text = " ".join(f"{remark.path} {remark.text}" for remark in remarks)
    lost = [
        dotted(path)
        for path, leaf in before.items()
        if after.get(path, leaf if leaf in (None, [], {}) else ...) != leaf
        and path[: len(at)] != at
        and not any(dotted(path).startswith(each) for each in _named(remarks))
    ]
    if lost:
        return f"lost {lost}; {text}"
    is_taken = all(after.get(path, None) == leaf for path, leaf in leaves(value, at).items())
    is_named = any(
        remark.path.startswith(dotted(at)) or dotted(at).startswith(remark.path) for remark in remarks
    )
    is_unknown = bool(unknown_keys(DOCUMENTS[source], received))
    return "" if is_taken or is_named or is_unknown or not value else f"no remark; {text}"


def _named(remarks: list[Remark]) -> Iterator[str]:
    """The places that remarks say something about. A list that lost an item closes the gap."""
    for remark in remarks:
        yield remark.path
        if "left out" in remark.text:
            yield remark.path.rpartition("[")[0]
        yield from re.findall(r"(\$\S+) was left", remark.text)
        if "The person was left out." in remark.text or "The manager was left out." in remark.text:
            yield remark.path.removesuffix(".obfuscated_id")


@pytest.mark.parametrize("source", PARSERS)
def test_a_strange_value_costs_its_field_alone(source: str) -> None:
    parse, plain, document = PARSERS[source]
    before = leaves(plain(parse(as_read(document))[0]))
    found = [
        f"{dotted(at)} = {value!r}: {problem}"
        for turn, at in enumerate(places(document, FREE[source]))
        for value in STRANGE[turn % TURNS :: TURNS]
        if (problem := problem_of(source, before, at, value))
    ]
    assert not found, "\n".join(found)


@pytest.mark.django_db
@pytest.mark.parametrize("source", PARSERS)
def test_what_is_taken_can_be_written(source: str) -> None:
    document = PARSERS[source][2]
    chosen = [at for at in places(document, FREE[source]) if at != ("id",)][::WRITTEN]
    values = [replaced(document, at, [] if turn % 2 else "") for turn, at in enumerate(chosen)]
    records = [Record(number, json.dumps(value), as_read(value)) for number, value in enumerate(values)]

    reports = list(import_records(IMPORTERS[source](), records, allow_older=True))

    refused = {chosen[report.number]: report.bad for report in reports if report.bad is not None}
    assert {at: bad for at, bad in refused.items() if at not in REFUSING[source]} == {}
    assert Customer.objects.filter(merged_into=None).count() == 1
