"""Exports of other systems, recognized by their headings. The headings are those that their documentation lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """An export: its title, the headings that tell it, and the field of each column."""

    title: str
    source: str
    told_by: frozenset[str]
    fields: Mapping[str, str]


def _preset(title: str, source: str, told_by: str, **groups: str) -> Preset:
    """`groups` are fields with `__` for a dot, each with the headings that become it, separated by bars."""
    fields = {
        heading: name.replace("__", ".")
        for name, headings in groups.items()
        for heading in headings.split("|")
    }
    return Preset(title, source, frozenset(told_by.split("|")), fields)


PRESETS = (
    _preset(
        "Stripe customers",
        "stripe-customers",
        "id|Email|Created (UTC)|Delinquent",
        stripe_id="id",
        name="Name|Customer Name",
        email="Email",
        note="Description",
        address__line1="Card Address Line1|Address Line1",
        address__line2="Card Address Line2|Address Line2",
        address__city="Card Address City|Address City",
        address__state="Card Address State|Address State",
        address__postal_code="Card Address Zip|Address Postal Code",
        address__country="Card Address Country|Address Country",
        business__tax_identifier="Business Vat ID",
    ),
    _preset(
        "HubSpot companies",
        "hubspot-companies",
        "Record ID|Company name|Company owner",
        key="Record ID",
        company__name="Company name",
        domains="Company Domain Name",
        company__phone="Phone Number",
        company__industry="Industry",
        company__employees="Number of Employees",
        company__annual_revenue="Annual Revenue",
        company__website="Website URL",
        company__about="Description|About Us",
        address__line1="Street Address",
        address__line2="Street Address 2",
        address__city="City",
        address__state="State/Region",
        address__postal_code="Postal Code",
        address__country="Country/Region",
        owner="Company owner",
    ),
    _preset(
        "HubSpot contacts",
        "hubspot-contacts",
        "Record ID|First Name|Last Name|Contact owner",
        person__first_name="First Name",
        person__last_name="Last Name",
        person__email="Email",
        person__phone="Phone Number|Mobile Phone Number",
        person__title="Job Title",
        company__name="Associated Company|Company Name|Associated Company (Primary)",
        owner="Contact owner",
        address__country="Country/Region",
        address__city="City",
    ),
    _preset(
        "Salesforce accounts",
        "salesforce-accounts",
        "Id|Name|BillingCity|BillingCountry",
        key="Id",
        company__name="Name",
        address__line1="BillingStreet",
        address__city="BillingCity",
        address__state="BillingState",
        address__postal_code="BillingPostalCode",
        address__country="BillingCountry",
        company__phone="Phone",
        company__website="Website",
        company__industry="Industry",
        company__annual_revenue="AnnualRevenue",
        company__employees="NumberOfEmployees",
        company__about="Description",
    ),
    _preset(
        "Salesforce accounts",
        "salesforce-accounts",
        "Account ID|Account Name|Account Owner",
        key="Account ID",
        company__name="Account Name",
        owner="Account Owner",
        address__line1="Billing Street|Billing Address Line 1",
        address__city="Billing City",
        address__state="Billing State/Province",
        address__postal_code="Billing Zip/Postal Code",
        address__country="Billing Country",
        company__phone="Phone",
        company__website="Website",
        company__industry="Industry",
        company__annual_revenue="Annual Revenue",
        company__employees="Employees",
    ),
    _preset(
        "Salesforce contacts",
        "salesforce-contacts",
        "Id|AccountId|FirstName|LastName",
        key="AccountId",
        person__first_name="FirstName",
        person__last_name="LastName",
        person__email="Email",
        person__phone="Phone|MobilePhone",
        person__title="Title",
        person__department="Department",
        address__line1="MailingStreet",
        address__city="MailingCity",
        address__state="MailingState",
        address__postal_code="MailingPostalCode",
        address__country="MailingCountry",
    ),
    _preset(
        "Attio companies",
        "attio-companies",
        "Record ID|Company|Domains",
        key="Record ID",
        company__name="Company|Name",
        domains="Domains",
        company__about="Description",
        tags="Categories",
        company__location="Primary location",
        company__annual_revenue="Estimated ARR",
    ),
    _preset(
        "Pipedrive organizations",
        "pipedrive-organizations",
        "Organization - ID|Organization - Name",
        key="Organization - ID",
        company__name="Organization - Name",
        owner="Organization - Owner",
        address__line1="Organization - Address",
        tags="Organization - Label|Organization - Labels",
        company__website="Organization - Website",
        company__industry="Organization - Industry",
        company__employees="Organization - Number of employees|Organization - Employee count",
        company__annual_revenue="Organization - Annual revenue",
    ),
    _preset(
        "Pipedrive people",
        "pipedrive-people",
        "Person - ID|Person - Name",
        person__name="Person - Name",
        company__name="Person - Organization",
        person__email="Person - Email|Person - Email - Work",
        person__phone="Person - Phone|Person - Phone - Work",
        owner="Person - Owner",
        tags="Person - Label|Person - Labels",
        person__title="Person - Job title",
    ),
    _preset(
        "QuickBooks customers",
        "quickbooks-customers",
        "Customer|Company|Open Balance",
        name="Customer|Customer full name",
        company__name="Company|Company name",
        email="Email",
        phone="Phone|Phone numbers",
        address__line1="Street Address|Bill address|Billing Street",
        address__city="City|Billing City",
        address__state="State|Billing State",
        address__postal_code="Zip|Billing ZIP",
        address__country="Country|Billing Country",
        note="Notes|Note",
    ),
    _preset(
        "QuickBooks customers",
        "quickbooks-customers",
        "Customer full name|Company name|Bill address",
        name="Customer full name",
        company__name="Company name",
        email="Email",
        phone="Phone numbers|Phone",
        address__line1="Bill address",
    ),
)


def recognize(headings: Sequence[str]) -> Preset | None:
    """The export that has these headings, the one with the most of them; None if there is none."""
    have = set(headings)
    known = [preset for preset in PRESETS if preset.told_by <= have]
    return max(known, key=lambda preset: len(have & preset.fields.keys()), default=None)


def fields_of(preset: Preset, headings: Sequence[str]) -> dict[str, str]:
    """The field of each column that the preset knows, each field once."""
    found: dict[str, str] = {}
    for heading in headings:
        name = preset.fields.get(heading)
        if name and name not in found.values():
            found[heading] = name
    return found
