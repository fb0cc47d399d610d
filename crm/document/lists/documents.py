"""The documents of lists: companies and people of the CRM document with the customers that they belong to."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from crm.document.schema import CrmCompany, CrmPerson, Texts, trim
from customers.document.customer_rows import CustomerSummary
from customers.json_types import JsonDocument, to_plain
from customers.json_types.keys import Case, with_keys

D = TypeVar("D", bound=JsonDocument)


class ListedCompany(CrmCompany, kw_only=True):
    """The company of a customer. `id` and `customer_id` are typed IDs."""

    id: str
    customer_id: str
    domains: Texts = UNSET
    customer: CustomerSummary | UnsetType = UNSET


class ContactRole(JsonDocument, kw_only=True):
    """A customer that a person is a contact of."""

    customer_id: str
    role: str | UnsetType = UNSET
    customer: CustomerSummary | UnsetType = UNSET


class ListedPerson(CrmPerson, kw_only=True):
    """A person, and the customers that they are a contact of. `id` is the typed ID."""

    id: str
    contact_of: list[ContactRole] | UnsetType = UNSET


def in_case(document: D, case: Case) -> Any:
    """`document` as dicts, lists and scalars, without what is empty, its keys in `case`."""
    plain = to_plain(trim(document))
    return plain if case == "snake" else with_keys(type(document), plain, case)
