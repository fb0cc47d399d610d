"""The columns of an export, and the rows of some customers, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.models import Plan
from billing.rules.money import from_minor
from crm.custom_fields.types import ShownValue
from crm.custom_fields.values import definitions, stored_values
from crm.desk.facts.queries import amounts_of, facts_of
from crm.desk.segments.query import May
from crm.models import CurrencyFacts, CustomerFacts, CustomerTag, Domain, FieldDefinition
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.formats import local
from customers.models import Address, Customer, shown_once

Cell = str | int | Decimal | date | datetime | None

_BETWEEN = "; "


@dataclass(slots=True)
class RowFacts:
    """What the columns need of many customers, by customer ID."""

    domains: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    countries: dict[str, str] = field(default_factory=dict)
    known: dict[str, CustomerFacts] = field(default_factory=dict)
    amounts: dict[str, list[CurrencyFacts]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    custom: dict[str, dict[str, ShownValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its cell, and the permission that users need to see it."""

    name: str
    read: Callable[[Customer, RowFacts], Cell]
    permission: str = "customers.view_customer"


def columns_for(may: May | None = None) -> list[str]:
    """The headings of the columns that a user may see, in order; without `may` all of them.

    Each currency that plans use has an MRR column, and each custom field a column of its own.
    """
    columns = (*_columns(_currencies()), *_custom(definitions()))
    return [each.name for each in columns if may is None or may(each.permission)]


def rows_of(customer_ids: Sequence[str], headings: Sequence[str]) -> list[list[Cell]]:
    """A row for each customer, in order of their IDs. A fixed number of queries.

    A custom field that was renamed or removed since its heading was chosen has empty cells.
    """
    fields = definitions()
    found = {each.name: each for each in (*_custom(fields), *_columns(_mentioned(headings)))}
    columns = [found.get(name, _GONE) for name in headings]
    customers = (
        Customer.objects.filter(pk__in=customer_ids)
        .select_related("relationship__owner", "company")
        .order_by("pk")
    )
    facts = _facts([str(key) for key in customer_ids], fields)
    return [[column.read(customer, facts) for column in columns] for customer in customers]


def _columns(currencies: Sequence[str]) -> tuple[Column, ...]:
    return (
        Column("Id", lambda customer, facts: str(customer.pk)),
        Column("Name", lambda customer, facts: customer.name),
        Column("E-mail", lambda customer, facts: customer.email),
        Column("Phone", lambda customer, facts: customer.phone),
        Column("Status", lambda customer, facts: customer.get_status_display()),
        Column("Archived", lambda customer, facts: customer.archived_at),
        Column("Environment", lambda customer, facts: customer.env),
        Column("External id", lambda customer, facts: customer.external_id),
        Column("Stripe id", lambda customer, facts: customer.stripe_id),
        Column("Account manager", _owner, "crm.view_relationship"),
        Column("Tags", lambda customer, facts: _joined(facts.tags, customer), "crm.view_customertag"),
        Column("Company", lambda customer, facts: _of(customer, "company", "name"), "crm.view_company"),
        Column("Domains", lambda customer, facts: _joined(facts.domains, customer), "crm.view_domain"),
        Column(
            "Country", lambda customer, facts: facts.countries.get(str(customer.pk)), "customers.view_address"
        ),
        Column(
            "Plans",
            lambda customer, facts: _BETWEEN.join(_known(customer, facts).plans),
            "billing.view_subscription",
        ),
        *(_mrr(currency) for currency in currencies),
        Column(
            "Renews on",
            lambda customer, facts: _day(_known(customer, facts).renews_at),
            "billing.view_subscription",
        ),
        Column(
            "Contract per year",
            lambda customer, facts: _of(customer, "relationship", "contract_annual_revenue"),
            "crm.view_relationship",
        ),
        Column("Contract in", _contract_currency, "crm.view_relationship"),
        Column(
            "Health", lambda customer, facts: _known(customer, facts).health_score, "crm.view_healthscore"
        ),
        Column(
            "Last contact",
            lambda customer, facts: _known(customer, facts).last_contact_at,
            "crm.view_activity",
        ),
        Column("Created", lambda customer, facts: customer.created_at),
    )


def _mrr(currency: str) -> Column:
    def read(customer: Customer, facts: RowFacts) -> Cell:
        amounts = facts.amounts.get(str(customer.pk), ())
        mrr = next((each.mrr for each in amounts if each.currency == currency), 0)
        return from_minor(mrr, currency) if mrr else None

    return Column(f"MRR {currency}", read, "billing.view_subscription")


def _custom(fields: Sequence[FieldDefinition]) -> list[Column]:
    """A column of each custom field. Its heading says so where a column of the customer has the same."""
    taken = {each.name.lower() for each in _columns(())}

    def column(field: FieldDefinition) -> Column:
        def read(customer: Customer, facts: RowFacts) -> Cell:
            shown = facts.custom.get(str(customer.pk), {}).get(field.name)
            return None if shown is None else _cell_of(shown)

        is_taken = field.label.lower() in taken or field.label.startswith("MRR ")
        return Column(f"Custom field {field.label}" if is_taken else field.label, read, "crm.view_fieldvalue")

    return [column(each) for each in fields]


def _cell_of(shown: ShownValue) -> Cell:
    if isinstance(shown.typed, bool) or shown.typed is None:
        return shown.words
    return shown.typed


#: A column that there isn't anymore.
_GONE = Column("", lambda customer, facts: None)


def _known(customer: Customer, facts: RowFacts) -> CustomerFacts:
    return facts.known.get(str(customer.pk)) or CustomerFacts(plans=[])


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else local(moment).date()


def _owner(customer: Customer, facts: RowFacts) -> Cell:
    owner = _of(customer, "relationship", "owner")
    return owner.get_username() if owner else None


def _contract_currency(customer: Customer, facts: RowFacts) -> Cell:
    known = _of(customer, "relationship", "contract_annual_revenue") is not None
    return _of(customer, "relationship", "currency") if known else None


def _of(customer: Customer, relation: str, name: str) -> Any:
    row = getattr(customer, relation, None)
    return None if row is None else getattr(row, name)


def _joined(found: dict[str, list[str]], customer: Customer) -> str:
    return _BETWEEN.join(dict.fromkeys(found.get(str(customer.pk), ())))


def _currencies() -> list[str]:
    sold = Plan.objects.order_by().values_list("currency", flat=True).distinct()
    return sorted({value_of(DEFAULT_CURRENCY), *sold})


def _mentioned(headings: Sequence[str]) -> list[str]:
    return [name.removeprefix("MRR ") for name in headings if name.startswith("MRR ")]


def _facts(keys: Sequence[str], fields: Sequence[FieldDefinition]) -> RowFacts:
    facts = RowFacts(known=facts_of(keys), amounts=amounts_of(keys))
    if fields:
        facts.custom = stored_values(keys, fields)
    domains = Domain.objects.filter(customer_id__in=keys).order_by("position", "pk")
    for key, text in domains.values_list("customer_id", "name"):
        facts.domains[str(key)].append(text)
    addresses = Address.objects.filter(customer_id__in=keys, is_default=True)
    first = shown_once(addresses, lambda row: row.customer_id)
    facts.countries = {str(row.customer_id): row.country for row in first}
    tags = CustomerTag.objects.filter(customer_id__in=keys).order_by("tag__name")
    for key, text in tags.values_list("customer_id", "tag__name"):
        facts.tags[str(key)].append(text)
    return facts
