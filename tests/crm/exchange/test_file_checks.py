"""What a file says beyond its records: another kind of file, keys that are not understood, more pages; strict imports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm.exchange.foreign import foreign_kind
from crm.exchange.foreign_text import foreign_text
from customers.models import Customer
from tests.crm.exchange.test_import_customers import run
from tests.crm.import_documents import document

pytestmark = pytest.mark.django_db

PAYMENTS = {"id": "p1", "name": "Jane Doe", "email": "jane@example.com", "phone": "+12025550123"}
BILLING: dict[str, Any] = {
    "id": "b1",
    "name": "Jane",
    "email": None,
    "env": "live",
    "stripe_id": None,
    "subscriptions": [],
}
CRM = {"id": "c1", "company": {"name": "Acme"}, "poc": [{"name": "A", "obfuscated_id": "u1"}]}
LOCKFILE = {"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {}}
HUBSPOT = {
    "id": "512",
    "properties": {"email": "jane@example.com"},
    "createdAt": "2024-01-01T00:00:00Z",
    "updatedAt": "2024-01-01T00:00:00Z",
    "archived": False,
}
SALESFORCE = {
    "attributes": {"type": "Account", "url": "/services/data/v60.0/sobjects/Account/001"},
    "Id": "0015000000abcdeAAA",
    "Name": "Acme",
}
PLAN = {"id": "pro", "name": "Pro", "version": 1, "add_on": False, "items": [], "env": "live", "metadata": {}}
FEATURE = {"id": "messages", "name": "Messages", "type": "metered", "consumable": True, "archived": False}
LOG = {"level": "info", "ts": 1700000000, "msg": "started", "id": "x"}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], str]:
    """Writes a value, or a text as it is, into a file of the working directory, and answers its name."""
    monkeypatch.chdir(tmp_path)

    def write(content: Any) -> str:
        text = content if isinstance(content, str) else json.dumps(content)
        Path("file.json").write_text(text, encoding="utf-8")
        return "file.json"

    return write


@pytest.mark.parametrize(
    ("source", "record", "kind"),
    [
        ("payments", CRM, "a crm document"),
        ("payments", {"id": "c1", "company": {"name": "Acme"}, "name": "x"}, ""),
        ("payments", BILLING, "a billing document"),
        ("billing", CRM, "a crm document"),
        ("billing", {**CRM, "metadata": {"datasource_id": "1"}}, "a crm document"),
        ("billing", {**PAYMENTS, "status": "active"}, "a payments document"),
        ("crm", BILLING, "a billing document"),
        ("crm", PAYMENTS, "a payments document"),
        (
            "payments",
            {"object": "card", "id": "card_1", "brand": "Visa", "last4": "4242"},
            "a card of Stripe",
        ),
        ("payments", {"object": "invoice", "id": "in_1", "status": "paid"}, "an invoice of Stripe"),
        ("billing", {"object": "checkout.session", "id": "cs_1"}, "a checkout session of Stripe"),
        ("payments", {"object": "customer", "id": "cus_1", "deleted": True}, "a deleted Stripe customer"),
        ("payments", {"object": "customer", "id": "cus_1", "email": "jane@example.com"}, ""),
        *((source, LOCKFILE, "a lockfile of packages") for source in ("payments", "billing", "crm")),
        *((source, HUBSPOT, "an export of HubSpot") for source in ("payments", "billing", "crm")),
        *((source, SALESFORCE, "an export of Salesforce") for source in ("payments", "billing", "crm")),
        *((source, LOG, "a log entry") for source in ("payments", "billing", "crm")),
        ("payments", {"name": "shop", "version": "1.0.0", "scripts": {}}, "a manifest of a package"),
        ("payments", {"error": {"message": "No such customer"}}, "an error message of a server"),
        ("payments", {"contacts": [{"vid": 1, "properties": {}}], "has-more": True}, "an export of HubSpot"),
        ("payments", {"users": [{"id": 1, "name": "A"}]}, "a list below the key `users`"),
        ("payments", {"openapi": "3.1.0", "info": {}}, "an OpenAPI description"),
        *((source, PLAN, "a plan") for source in ("payments", "billing", "crm")),
        ("billing", {"id": "pro", "name": "Pro", "addOn": False, "autoEnable": True}, "a plan"),
        ("billing", FEATURE, "a feature"),
        ("payments", {"id": "p1", "name": "Jane", "items": 3, "version": 2}, ""),
        (
            "payments",
            {"id": "inv_1", "customer_id": "cus_1", "status": "open"},
            "a row of a customer (it has `customer_id`), such as an address or an invoice",
        ),
        ("payments", {"metadata": {}, "nbformat": 4, "cells": []}, "a notebook"),
        ("crm", {"id": "1"}, "a record without any value but its ID"),
        ("crm", {"id": "1", "colour": "red"}, "a record with other keys (`colour`)"),
        ("payments", PAYMENTS, ""),
        ("payments", {"id": "p1", "fullName": "Jane", "createdAt": "2024-01-01T00:00:00Z"}, ""),
        ("payments", {"id": "p1", "email": "jane@example.com", "metadata": {}, "livemode": True}, ""),
        ("billing", BILLING, ""),
        ("billing", {"id": "b1", "sendEmailReceipts": True, "balances": {}}, ""),
        ("billing", {"customerId": "b1", "name": "x", "createdAt": 1}, ""),
        ("crm", CRM, ""),
        ("crm", {"id": "c1", "notes": "x", "object": 5}, ""),
    ],
)
def test_a_record_of_another_kind_is_named(source: str, record: Any, kind: str) -> None:
    assert foreign_kind(record, source) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2026-01-01T00:00:00Z INFO started", "a log file"),
        ("[2026-01-01 00:00:00] started", "a log file"),
        ("Jan  1 00:00:00 host app[1]: started", "a log file"),
        ("192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] GET /", "a log file"),
        ("id,name,email", "a CSV file"),
        ("<!DOCTYPE html>", "an HTML file"),
        ("<!-- cached --><html>", "XML or HTML"),
        ("I0101 00:00:00.000000       1 main.go:1] started", "a log file"),
        ('time=2026-01-01T00:00:00Z level=info msg="started"', "a log file"),
        ("2001:db8::1 - - [01/Jan/2026:00:00:00 +0000] GET /", "a log file"),
        ("# yarn lockfile v1", "a lockfile of packages"),
        ("lockfileVersion: '6.0'", "a lockfile of packages"),
        ("[[package]]", "a lockfile of packages"),
        ('"Id","Name"', "a CSV file"),
        ("PK\x03\x04\x14", "a ZIP archive or an Excel workbook"),
        ("\x80\x04\x95\x10\x00", "binary data"),
        ("version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS, not the file itself"),
        ("HTTP/1.1 200 OK", "a response of a web server with its headers"),
        ("// customers", "JSON with comments"),
        ("callback([1]);", "JavaScript with JSON in it"),
        ("INSERT INTO customers VALUES (1, 'a');", "SQL"),
        ("customers:", "YAML"),
        ("[tool.x]", "a configuration file"),
        ("null", "a single value"),
        ("[null]", ""),
        ("Dear team", "a text"),
        ("BEGIN:VCARD", "a file of contacts (vCard)"),
        ("dn: cn=Nia Okoro,dc=example", "an export of a directory (LDIF)"),
        ("MZ Trading,nia@mz.example", "a CSV file"),
        ('{"id": NaN}', ""),
        ("[1, 2", ""),
    ],
)
def test_a_text_that_is_not_json_is_named(text: str, kind: str) -> None:
    assert foreign_text(text) == kind


@pytest.mark.parametrize(
    ("source", "content", "kind"),
    [
        (
            "payments",
            [CRM],
            "a crm document, not like a payments document. Import it with `import_customers crm`.",
        ),
        ("crm", LOCKFILE, "a lockfile of packages"),
        ("payments", {"results": [HUBSPOT], "paging": {"next": {"after": "2"}}}, "an export of HubSpot"),
        ("billing", "id,name,email\n1,Jane,jane@example.com\n", "a CSV file"),
        ("crm", "2026-01-01T00:00:00Z INFO started\n2026-01-01T00:00:01Z INFO done\n", "a log file"),
        ("crm", "\n".join(json.dumps({**LOG, "id": str(number)}) for number in range(30)), "a log entry"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(
    write: Callable[[Any], str], source: str, content: Any, kind: str
) -> None:
    out, err = run(source, write(content), status=1)

    assert out == ""
    line, summary = err.splitlines()
    assert line.startswith(f"file.json: This looks like {kind}")
    assert line.endswith("Nothing was imported.")
    assert summary == "Refused 1 file."
    assert not Customer.objects.exists()


def test_a_record_of_another_kind_among_good_ones_is_refused_alone(write: Callable[[Any], str]) -> None:
    deleted = {"object": "customer", "id": "cus_1", "deleted": True}

    out, err = run("payments", write([deleted, PAYMENTS]), status=1)

    assert out == "file.json: 1 created, 0 updated, 0 unchanged, 1 refused\n"
    assert "record 1: $: This looks like a deleted Stripe customer, not like a payments document." in err


def test_keys_that_are_not_understood_are_named_once_a_file(write: Callable[[Any], str]) -> None:
    records: list[dict[str, Any]] = [
        {**BILLING, "id": str(number), "processors": {}, "balances": {}, "subscriptions": [{"scope": 1}, {}]}
        for number in range(3)
    ]
    records[0]["config"] = {"a": {"b": 1}}

    out, err = run("billing", write(records))

    assert out.splitlines()[-1] == (
        "file.json: 3 keys not understood: `processors` (3), `subscriptions[].scope` (3), `config` (1)."
        " Received documents keep them."
    )
    assert "processors" not in err


def test_known_keys_in_camel_case_are_understood(write: Callable[[Any], str]) -> None:
    record = {"id": "a", "sendEmailReceipts": True, "billingControls": {"spendLimits": [{"featureId": "f"}]}}

    assert run("billing", write([record])) == (
        "file.json: 1 created, 0 updated, 0 unchanged, 0 refused\n",
        "",
    )


@pytest.mark.parametrize(
    "envelope",
    [
        {"has_more": True, "data": [PAYMENTS]},
        {"data": [PAYMENTS], "hasMore": True},
        {"list": [PAYMENTS], "next_cursor": "abc"},
    ],
)
def test_an_envelope_that_says_has_more_is_taken_and_said(
    write: Callable[[Any], str], envelope: dict[str, Any]
) -> None:
    out, _ = run("payments", write(envelope))

    assert out.splitlines() == [
        "file.json: 1 created, 0 updated, 0 unchanged, 0 refused",
        "file.json: The file says that more pages follow. Fetch and import them too.",
    ]


@pytest.mark.parametrize("ends", [{"has_more": False, "next_cursor": "abc"}, {"next_cursor": None}, {}])
def test_the_last_page_says_nothing(write: Callable[[Any], str], ends: dict[str, Any]) -> None:
    out, _ = run("payments", write({"data": [PAYMENTS], **ends}))

    assert out == "file.json: 1 created, 0 updated, 0 unchanged, 0 refused\n"


def test_remarks_are_counted_by_kind(write: Callable[[Any], str]) -> None:
    record = document(
        start_date="",
        company={"name": "A", "number_of_employees": "12000", "website_urls": ["www.a.example"]},
        poc=[{"name": "x", "obfuscated_id": "1", "metadata": {"type": "TEMP"}}],
    )

    out, err = run("crm", write([record]))

    assert out.splitlines()[1] == "file.json: 4 remarks: 1 unreadable, 1 unknown words, 1 converted, 1 noted"
    assert len(err.splitlines()) == 4


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"start_date": ""}, "$.start_date"),
        ({"domains": ["www.a.example"]}, "$.domains[0]"),
        ({"x": 1}, "$.x"),
    ],
)
def test_strict_refuses_what_would_be_a_remark(
    write: Callable[[Any], str], change: dict[str, Any], path: str
) -> None:
    name = write([document(id="a"), document(id="b", **change)])

    out, err = run("crm", name, "--strict", "--errors", "errors.ndjson", status=1)

    assert out.splitlines()[0] == "file.json: 1 created, 0 updated, 0 unchanged, 1 refused"
    assert f"record 2: {path}: " in err
    assert json.loads(Path("errors.ndjson").read_text(encoding="utf-8"))["path"] == path


def test_strict_keeps_card_numbers_out_of_the_errors_file(write: Callable[[Any], str]) -> None:
    name = write([PAYMENTS, {"id": "p2", "custom_data": {"card_number": "4242424242424242"}}])

    run("payments", name, "--strict", "--errors", "errors.ndjson", status=1)

    assert "4242424242424242" not in Path("errors.ndjson").read_text(encoding="utf-8")


def test_an_older_state_is_counted_and_taken_on_request(write: Callable[[Any], str]) -> None:
    run("payments", write([{**PAYMENTS, "name": "New", "updated_at": "2025-06-01T00:00:00Z"}]))
    name = write([{**PAYMENTS, "name": "Old", "updated_at": "2025-01-01T00:00:00Z"}])

    out, err = run("payments", name)

    assert out.splitlines()[0] == "file.json: 0 created, 0 updated, 0 unchanged, 1 stale, 0 refused"
    assert "--allow-older" in err
    assert Customer.objects.get().name == "New"
    assert (
        run("payments", name, "--allow-older")[0]
        == "file.json: 0 created, 1 updated, 0 unchanged, 0 refused\n"
    )
    assert Customer.objects.get().name == "Old"


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("payments", {"id": "1", "customer_id": "x", "name": "Acme", "phone": "+1 555 0100"}),
        ("billing", {"id": "1", "customer_id": "x", "name": "Acme", "subscriptions": []}),
        ("crm", {"id": "1", "customer_id": "x", "company": {"name": "Acme"}, "domains": []}),
    ],
)
def test_a_document_of_ours_may_have_a_customer_id(source: str, document: dict[str, Any]) -> None:
    assert foreign_kind(document, source) == ""
