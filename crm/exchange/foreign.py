"""Recognize records and files of another kind, such as a Stripe card, a lockfile, or another document of ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from billing.document.schema import BillingCustomer
from crm.document.schema import CrmCustomer
from customers.document.schema import PaymentsCustomer
from customers.json_types import JsonDocument
from customers.json_types.keys import camel, keys_of
from customers.models import Source

#: The document of each source.
DOCUMENTS: Mapping[str, type[JsonDocument]] = {
    Source.PAYMENTS.value: PaymentsCustomer,
    Source.BILLING.value: BillingCustomer,
    Source.CRM.value: CrmCustomer,
}

_SHOWN_KEYS = 8
#: So many keys of another document alone make a record one of that kind.
_ENOUGH = 2
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_. ]{0,39}")
_SALESFORCE_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_LOCKFILE = frozenset({"lockfileVersion", "lockfile_version", "content-hash", "packages-dev"})
_MANIFEST = frozenset({"scripts", "dependencies", "devDependencies", "peerDependencies", "workspaces"})
#: Keys of files of other systems that no document of ours has.
_NAMED = {
    "$schema": "a JSON schema or a configuration file",
    "openapi": "an OpenAPI description",
    "swagger": "an OpenAPI description",
    "nbformat": "a notebook",
    "compilerOptions": "a configuration file",
    "admin_graphql_api_id": "an export of Shopify",
    "portal-id": "an export of HubSpot",
    "vid": "an export of HubSpot",
    "_source": "an export of Elasticsearch",
    "jsonrpc": "a JSON-RPC message",
}
#: Keys of rows of the catalog that no customer has; a row has at least as many of them.
_CATALOG = {
    "a plan": (frozenset({"items", "add_on", "auto_enable", "free_trial", "base_variant_id"}), 2),
    "a feature": (frozenset({"consumable", "event_names", "credit_schema"}), 1),
}
_LOG_LEVELS = frozenset({"level", "severity", "levelname", "loglevel", "log_level"})
_LOG_TEXTS = frozenset({"msg", "message", "event", "log"})
_LOG_TIMES = frozenset({"time", "timestamp", "ts", "@timestamp", "asctime", "datetime"})


def foreign_kind(value: Any, source: str) -> str:
    """What the record `value`, given as one of `source`, looks like instead: `a Stripe card`; empty if it is one."""
    if not isinstance(value, dict) or (len(value) > 1 and value.keys() <= keys_of(DOCUMENTS[source])):
        return ""
    return _stripe(value) or _known_export(value, source) or _other_document(value, source)


def advice(kind: str, source: str) -> str:
    """Why a record or file that looks like `kind` is refused, and what to do."""
    command = next((name for name in DOCUMENTS if kind == _document_of(name)), None)
    if kind in _CATALOG:
        todo = "Import it with `import_catalog`."
    elif command:
        todo = f"Import it with `import_customers {command}`."
    else:
        todo = f"Check that it was exported from the {source} platform."
    return f"This looks like {kind}, not like {_document_of(source)}. {todo}"


def _document_of(source: str) -> str:
    return f"a {source} document"


def _stripe(value: Mapping[str, Any]) -> str:
    kind = value.get("object")
    if not isinstance(kind, str) or not _WORD.fullmatch(kind):
        return ""
    if kind == "customer":
        return "a deleted Stripe customer" if value.get("deleted") is True else ""
    name = kind.replace("_", " ").replace(".", " ")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name} of Stripe"


def _known_export(value: Mapping[str, Any], source: str) -> str:
    keys = value.keys()
    attributes, properties = value.get("attributes"), value.get("properties")
    own = _own_keys(keys, source) - {"id", "name"}
    if isinstance(attributes, dict) and {"type", "url"} <= attributes.keys():
        return "an export of Salesforce"
    if "id" not in keys and isinstance(value.get("Id"), str) and _SALESFORCE_ID.fullmatch(value["Id"]):
        return "an export of Salesforce"
    named = next((kind for key, kind in _NAMED.items() if key in keys), "")
    if named:
        return named
    if isinstance(properties, dict) and own <= {"created_at", "updated_at"}:
        return "an export of HubSpot"
    if own:
        return ""
    if (
        not _LOCKFILE.isdisjoint(keys)
        or {"_meta", "default"} <= keys
        or {"name", "version", "dependencies"} <= keys
    ):
        return "a lockfile of packages"
    if {"name", "version"} <= keys and not _MANIFEST.isdisjoint(keys):
        return "a manifest of a package"
    if isinstance(value.get("error"), dict | str) or isinstance(value.get("errors"), list):
        return "an error message of a server"
    marks = [not each.isdisjoint(keys) for each in (_LOG_LEVELS, _LOG_TEXTS, _LOG_TIMES)]
    return "a log entry" if sum(marks) >= _ENOUGH else ""


#: What a row of a customer has in common with a customer.
_OF_ANY_ROW = {"id", "name", "status", "created_at", "updated_at", "custom_data", "env"}


def _other_document(value: Mapping[str, Any], source: str) -> str:
    keys = value.keys()
    own = _own_keys(keys, source)
    if (
        "id" in keys
        and isinstance(value.get("customer_id", value.get("customerId")), str)
        and "email" not in keys
        and own <= _OF_ANY_ROW
    ):
        return "a row of a customer (it has `customer_id`), such as an address or an invoice"
    if "id" in keys and "email" not in keys and own <= _OF_ANY_ROW | {"config", "metadata"}:
        for kind, (telling, fewest) in _CATALOG.items():
            if sum(key in keys or camel(key) in keys for key in telling) >= fewest:
                return kind
    theirs = {other: _own_keys(keys, other) for other in DOCUMENTS}
    other = max(theirs, key=lambda name: len(theirs[name]))
    is_company = other == Source.CRM and isinstance(value.get("company"), dict)
    if len(theirs[other]) < _ENOUGH and not is_company:
        theirs[other] = set()
    if own < theirs[other] and (len(theirs[other] - own) >= _ENOUGH or own <= {"id"} or is_company):
        return _document_of(other)
    if own <= {"id"}:
        within = _within(value, source)
        if within:
            return within
        shown = ", ".join(f"`{key}`" for key in [key for key in keys if key != "id"][:_SHOWN_KEYS])
        return f"a record with other keys ({shown})" if shown else "a record without any value but its ID"
    return ""


def _within(value: Mapping[str, Any], source: str) -> str:
    """What the records look like that lie in a list below a key that no envelope of ours has."""
    for key, each in value.items():
        if isinstance(each, list) and each and isinstance(each[0], dict) and _WORD.fullmatch(key):
            return _stripe(each[0]) or _known_export(each[0], source) or f"a list below the key `{key}`"
    return ""


def _own_keys(keys: Collection[str], source: str) -> set[str]:
    """The keys of the source's document that are among `keys`, which may be in camelCase."""
    return {key for key in keys_of(DOCUMENTS[source]) if key in keys or camel(key) in keys}
