"""What the three sources say of a customer, in groups of named values. Empty values and empty groups are left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Any

from django.db.models import Exists

from billing.formats import unit_price
from billing.models import (
    AutoTopup,
    BillingAccount,
    OverageAllowed,
    SpendLimit,
    UsageAlert,
    UsageLimit,
)
from crm.custom_fields.types import ShownValue
from crm.custom_fields.values import definitions, values_of
from crm.desk.pages.overview.section import Section, SectionLine, first_rows
from crm.desk.sheets.custom_field import EditField, value_in_words
from crm.desk.sheets.field_value import value_url
from crm.models import Company, CustomField, FieldDefinition, Relationship
from customers.formats import EMPTY, day, free_form_text, number, opens_a_page, page_of, percent, preformatted
from customers.json_types import is_plain_link
from customers.models import Customer, SourceRecord
from customers.readings.phones import in_groups
from customers.sheets import act_url

_FACTS = "crm/desk/overview/facts.html"
_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A named value; `url` makes it a link, `edit_url` opens the sheet that changes it."""

    label: str
    value: str
    url: str = ""
    edit_url: str = ""
    #: What is wrong with the value.
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a source sent that has no place of its own, as JSON."""

    title: str
    text: Any


def company_section(customer: Customer) -> Section | None:
    """What the CRM says of the company."""
    company: Company | None = getattr(customer, "company", None)
    if company is None:
        return None
    relationship: Relationship | None = getattr(customer, "relationship", None)
    currency = relationship.currency if relationship else ""
    return _facts(
        "company",
        "Company",
        _fact("Name", company.name),
        _fact("About", company.about),
        _fact("Industry", company.industry),
        _fact("Employees", company.number_of_employees and number(company.number_of_employees)),
        _fact("Annual revenue", company.annual_revenue and unit_price(company.annual_revenue, currency)),
        _fact("Founded", company.founded_date and day(company.founded_date)),
        _fact("Stock symbol", company.stock_symbol),
        _fact("Location", company.location),
        *(_link("Website", url) for url in company.website_urls if isinstance(url, str)),
        _link("Profile", company.profile_url),
        _fact("Phone", in_groups(company.phone)),
        _fact("Fax", company.fax),
    )


def account_section(customer: Customer) -> Section | None:
    """The account details, with the notes and the counts of documents in the CRM."""
    row: Relationship | None = getattr(customer, "relationship", None)
    if row is None:
        return None
    return _facts(
        "account",
        "Account details",
        _fact("Customer since", row.start_date and day(row.start_date)),
        _fact(
            "Annual contract value",
            row.contract_annual_revenue and unit_price(row.contract_annual_revenue, row.currency),
        ),
        _fact("Notes in the CRM", row.reported_notes),
        _fact(
            "Documents in the CRM",
            row.reported_document_counts and free_form_text(row.reported_document_counts),
        ),
        _fact("ID shown in the CRM", row.datasource_id),
    )


def custom_fields_section(
    customer: Customer, *, may_see_crm: bool, may_edit_crm: bool, may_enter: bool
) -> Section | None:
    """The custom fields, and the custom data of the CRM that no field is defined for. At most six queries.

    Values of ours and of the CRM have the sheet that changes them.
    """
    fields = definitions()
    values = values_of([str(customer.pk)], fields)[str(customer.pk)]
    rows = first_rows(CustomField.objects.filter(customer=customer).order_by("position", "pk"), _MOST_FIELDS)
    of_crm: dict[str, CustomField] = {}
    # The customer's own rows come first, then those of merged customers.
    for row in sorted(rows if may_see_crm else (), key=lambda row: row.came_with_id is not None):
        of_crm.setdefault(row.key, row)
    facts = []
    for field in fields:
        row = of_crm.pop(field.key, None) if field.origin == FieldDefinition.Origin.CRM else None
        edit_url = act_url(EditField.name, row) if row is not None and may_edit_crm else ""
        if field.origin == FieldDefinition.Origin.OURS and may_enter:
            edit_url = value_url(customer, field)
        shown = values.get(field.name)
        # A field without a value is shown where one can be entered.
        if shown is not None or edit_url:
            facts.append(_value_fact(field, shown, edit_url))
    facts += [
        Fact(
            label=str(row),
            value=value_in_words(row) or EMPTY,
            edit_url=act_url(EditField.name, row) if may_edit_crm else "",
        )
        for row in of_crm.values()
    ]
    return _facts("fields", "Custom fields", *facts)


def _value_fact(field: FieldDefinition, shown: ShownValue | None, edit_url: str) -> Fact:
    is_misfit = shown is not None and not shown.fits
    return Fact(
        label=str(field),
        value=shown.words if shown else EMPTY,
        url=shown.url if shown else "",
        edit_url=edit_url,
        remark=f"Not a value of the type {field.get_type_display().lower()}" if is_misfit else "",
    )


def billing_details_section(customer: Customer) -> Section | None:
    """How invoices of each billing account are made."""
    rows = (
        BillingAccount.objects.filter(customer=customer)
        .select_related("came_with")
        .order_by("created_at", "pk")
    )
    facts: list[Fact | None] = []
    for row in first_rows(rows):
        prefix = f"{row.came_with}: " if row.came_with else ""
        terms = row.payment_terms_days
        facts += [
            _fact(f"{prefix}Payment terms", "" if terms is None else f"{terms} days"),
            _fact(f"{prefix}Tax", "" if row.tax_rate is None else percent(row.tax_rate / 100)),
            _fact(f"{prefix}Reason for no tax", row.no_tax_reason),
            _fact(f"{prefix}Receipts by email", "Yes" if row.send_email_receipts else ""),
        ]
    return _facts("billing-details", "Billing details", *facts)


def limits_section(customer: Customer) -> Section | None:
    """Limits, alerts and automatic top-ups: a query for which there are, and one for each of these kinds."""
    lines: list[SectionLine] = []
    kinds: tuple[tuple[Any, str, Callable[[Any], str], bool], ...] = (
        (UsageLimit, "Usage limit", lambda row: f"{number(row.limit)} per {row.interval}", True),
        (SpendLimit, "Overage limit", lambda row: row.words, False),
        (
            OverageAllowed,
            "Overage",
            lambda row: {True: "allowed", False: "stopped"}.get(row.enabled, "as in the plan"),
            True,
        ),
        (UsageAlert, "Alert", lambda row: row.words, True),
        (
            AutoTopup,
            "Automatic top-up",
            lambda row: f"{number(row.quantity)} below {number(row.threshold)}",
            False,
        ),
    )
    own = [Exists(model._default_manager.filter(customer=customer)) for model, *_ in kinds]
    [there] = Customer.objects.filter(pk=customer.pk).values_list(*own)
    for model, title, words, is_on in compress(kinds, there):
        related = [field.name for field in model._meta.fields if field.name in ("feature", "entity")]
        rows = (
            model._default_manager.filter(customer=customer)
            .select_related(*related)
            .order_by("position", "pk")
        )
        for row in first_rows(rows):
            # What is unknown is on for some and off for others, and an overage control has no switch.
            is_off = (
                model is not OverageAllowed
                and row.enabled is not True
                and not (row.enabled is None and is_on)
            )
            entity = getattr(row, "entity", None)
            lines.append(
                SectionLine(
                    text=f"{title}: {row.feature or 'all features'}",
                    url=page_of(row),
                    details=tuple(filter(None, (str(entity) if entity else "", "Off" if is_off else ""))),
                    value=words(row),
                )
            )
    if not lines:
        return None
    return Section(key="limits", title="Limits and alerts", lines=tuple(lines))


def received_of(
    customer: Customer, records: Iterable[SourceRecord], *, may_see_payloads: bool
) -> list[Received]:
    """What was received and has no field here: custom data, and the keys of each source that mean nothing here."""
    found = []
    if customer.custom_data:
        found.append(Received(title="Custom data", text=preformatted(_json(customer.custom_data))))
    if may_see_payloads:
        found += [
            Received(
                title=f"{record.get_source_display()} {record.source_id}: other values",
                text=preformatted(record.not_understood),
            )
            for record in records
            if record.not_understood
        ]
    return found


def _facts(key: str, title: str, *facts: Fact | None) -> Section | None:
    lines = tuple(fact for fact in facts if fact is not None)
    return Section(key=key, title=title, lines=lines, template=_FACTS) if lines else None


def _fact(label: str, value: Any) -> Fact | None:
    return Fact(label=label, value=str(value)) if value not in (None, "", 0) else None


def _link(label: str, url: str) -> Fact | None:
    if not url:
        return None
    is_safe = opens_a_page(url) and is_plain_link(url)
    return Fact(label=label, value=url, url=url if is_safe else "")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
