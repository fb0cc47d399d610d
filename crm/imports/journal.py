"""What an import wrote: kept so that it can be reverted, and put into words for the preview and the result."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import DateField, DecimalField, Model
from django.utils.text import capfirst

from customers.bulk import FormerRows
from customers.formats import day, number, user_name
from customers.ingest.precedence import CLAIMED
from customers.models import Customer
from customers.row_snapshots import take_snapshot

Entry = dict[str, Any]
#: By the key of a customer: lists of a field, its old and its new value.
Changes = dict[str, list[list[str]]]

#: Models that the page shows changes of, with the columns that it names.
_SHOWN: Mapping[str, Collection[str]] = {
    "customers.Customer": [name for name in CLAIMED if name not in ("created_at", "updated_at")],
    "customers.Address": ("line1", "line2", "city", "state", "postal_code", "country"),
    "customers.Business": ("name", "tax_identifier", "company_number"),
    "crm.Company": (
        *("name", "website_urls", "phone", "industry", "annual_revenue", "number_of_employees"),
        *("location", "about", "founded_date"),
    ),
    "crm.Relationship": ("owner_id", "start_date", "contract_annual_revenue"),
}
#: A new row of these models counts as one change.
_ADDED = {
    "customers.Address": "Address",
    "customers.Business": "Business profile",
    "crm.Contact": "Contact",
    "crm.Domain": "Domain",
    "crm.CustomField": "Custom field",
    "crm.FieldValue": "Custom field",
    "crm.CustomerTag": "Tag",
    "crm.Note": "Note",
    "crm.Task": "Task",
}
_LONGEST = 200


class WrittenRows:
    """The rows that a batch wrote, as they were and as they are."""

    def __init__(self, former: FormerRows) -> None:
        self.former = former
        self.current: dict[tuple[str, str], Model] = {}
        keys: dict[str, list[str]] = defaultdict(list)
        for label, key in former:
            keys[label].append(key)
        for label, own in keys.items():
            self.current |= {(label, str(row.pk)): row for row in _rows(label, own)}

    def entries(self) -> list[Entry]:
        """What a revert needs of each row, in the order of writing. `of` is its customer, if it belongs to one."""
        owners = self._owners()
        found: list[Entry] = []
        for (label, key), before in self.former.items():
            row = self.current.get((label, key))
            if row is None:
                if before is not None:
                    of = str(before.get("customer_id") or "")
                    found.append({"model": label, "key": key, "of": of, "gone": before})
                continue
            of = owners.get((label, key), "")
            after = take_snapshot(row)["columns"]
            if before is None:
                found.append({"model": label, "key": key, "of": of, "new": digest_of(after)})
            elif changed := {
                name: [before[name], value] for name, value in after.items() if before.get(name) != value
            }:
                found.append({"model": label, "key": key, "of": of, "changed": changed})
        return found

    def _owners(self) -> dict[tuple[str, str], str]:
        """The customer of each row: its own column, or that of the row that it is a part of."""
        found: dict[tuple[str, str], str] = {}
        parts: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (label, key), row in self.current.items():
            if isinstance(row, Customer):
                found[label, key] = key
            elif owner := getattr(row, "customer_id", None):
                found[label, key] = str(owner)
                if person := getattr(row, "person_id", None):
                    found.setdefault(("crm.Person", str(person)), str(owner))
            elif path := _way_to_customer(type(row)):
                parts[label, path].append(key)
        for (label, path), keys in parts.items():
            rows: Any = apps.get_model(label)._base_manager.filter(pk__in=keys)
            found |= {(label, str(key)): str(owner) for key, owner in rows.values_list("pk", path)}
        return found

    def changes(self) -> Changes:
        """What changed of each customer, in words."""
        found: Changes = defaultdict(list)
        for (label, key), row in self.current.items():
            owner = str(row.pk) if isinstance(row, Customer) else str(getattr(row, "customer_id", "") or "")
            if not owner:
                continue
            before = self.former[label, key]
            if before is None and label in _ADDED:
                found[owner].append([_ADDED[label], "", _name_of(row)])
                continue
            if label not in _SHOWN:
                continue
            columns = take_snapshot(row)["columns"]
            for name in _SHOWN[label]:
                old, new = (_shown(row, name, each) for each in ((before or {}).get(name), columns.get(name)))
                if old != new and not (before is None and (not new or name == "status")):
                    found[owner].append([_label(row, name), old, new])
        _name_owners(found)
        return found


def with_owners(entries: list[Entry]) -> list[Entry]:
    """`entries`, each with the customer that it is `of`: earlier versions didn't keep that."""
    lacking = {(entry["model"], entry["key"]): None for entry in entries if "of" not in entry}
    if not lacking:
        return entries
    owners = WrittenRows(dict(lacking))._owners()
    return [{"of": _owner_of(entry, owners), **entry} for entry in entries]


def _owner_of(entry: Entry, owners: Mapping[tuple[str, str], str]) -> str:
    gone = entry.get("gone") or {}
    return owners.get((entry["model"], entry["key"]), str(gone.get("customer_id") or ""))


OWNER = "Account manager"


@cache
def _way_to_customer(model: type[Model]) -> str:
    """The lookup of the customer of a part, such as a line of an invoice; empty if rows of the model have none."""
    for column in model._meta.concrete_fields:
        related: Any = column.related_model
        if related is not None and any(
            each.attname == "customer_id" for each in related._meta.concrete_fields
        ):
            return f"{column.name}__customer_id"
    return ""


def _label(row: Model, name: str) -> str:
    if name == "owner_id":
        return OWNER
    column: Any = row._meta.get_field(name)
    label = str(column.verbose_name)
    prefix = "" if isinstance(row, Customer) or label != "name" else f"{row._meta.verbose_name} "
    return str(capfirst(f"{prefix}{label}"))


def _shown(row: Model, name: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    column = next(each for each in row._meta.concrete_fields if each.attname == name)
    if isinstance(column, DecimalField):
        return number(Decimal(str(value)))
    if isinstance(column, DateField):
        return day(date.fromisoformat(str(value)[:10]))
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)[:_LONGEST]
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:_LONGEST]


def _name_of(row: Any) -> str:
    return str(getattr(row, "tag", row))[:_LONGEST]


def _name_owners(changes: Changes) -> None:
    owners = [each for own in changes.values() for each in own if each[0] == OWNER]
    keys = {key for each in owners for key in each[1:] if key}
    if not keys:
        return
    users = get_user_model()._default_manager.filter(pk__in=keys)
    names = {str(user.pk): user_name(user) for user in users}
    for each in owners:
        each[1:] = [names.get(key, key) for key in each[1:]]


#: The columns that a merge or a link moves, and the number of ledger entries of a grant: no change of a row by a person.
_MOVED = frozenset({"customer_id", "came_with_id", "position", "entries"})


def digest_of(columns: Mapping[str, Any]) -> str:
    """A digest of a row's columns, to notice a change since."""
    plain = {name: value for name, value in columns.items() if name not in _MOVED}
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rows(label: str, keys: Sequence[str]) -> Any:
    model = apps.get_model(label)
    rows: Any = model._base_manager.filter(pk__in=keys)
    related = {"crm.Contact": "person", "crm.CustomerTag": "tag"}.get(label)
    return rows.select_related(related) if related else rows
