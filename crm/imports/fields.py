"""The fields that columns of a table can become, and how their headings are recognized."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from crm.custom_fields.types import read_entered
from crm.models import FieldDefinition
from customers.readings.folding import folded

#: Columns with these fields are not part of the customer.
IGNORE, KEY = "", "key"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name, its label and group on the page, what its cells hold, and headings that mean it."""

    name: str
    label: str
    group: str
    holds: str = "text"
    headings: str = ""
    #: The text to store for a cell of a custom field. Raises `BadFieldValue`.
    stored: Callable[[str], str] | None = None


#: Texts, separated by bars, are headings in small letters without marks.
_ALL = (
    Field(
        KEY,
        "Key of this source",
        "Record",
        headings="id|record id|customer id|account id|badge|key|nr|kundennummer|customer number|client id|uuid|external key|no",
    ),
    Field("stripe_id", "Stripe ID", "Record", headings="stripe id|stripe customer id|customer stripe id"),
    Field("external_id", "External ID", "Record", headings="external id|externe id"),
    Field(
        "name",
        "Customer name",
        "Customer",
        headings="customer name|customer|kunde|kundenname|client|client name|cliente|display name",
    ),
    Field(
        "email",
        "Customer email",
        "Customer",
        "email",
        "customer email|billing email|rechnungs e mail|invoice email|company email|main email",
    ),
    Field("phone", "Customer phone", "Customer", "phone", "customer phone|billing phone"),
    Field("status", "Status", "Customer", "status", "customer status"),
    Field(
        "address.line1",
        "Address line 1",
        "Address",
        headings="street|strasse|straße|address|address line 1|address line1|address 1|line1|billing street|billing address|street address|adresse|anschrift|rue|calle|billing address line 1|strasse und hausnummer|address street|full address",
    ),
    Field(
        "address.line2",
        "Address line 2",
        "Address",
        headings="address line 2|address line2|address 2|line2|billing address line 2|street address 2",
    ),
    Field(
        "address.city",
        "City",
        "Address",
        headings="city|stadt|ort|town|ville|ciudad|billing city|city town|locality|address city",
    ),
    Field(
        "address.state",
        "State or region",
        "Address",
        headings="state|region|province|bundesland|state region|county|billing state|state province|billing state province|address state",
    ),
    Field(
        "address.postal_code",
        "Postal code",
        "Address",
        headings="zip|zip code|postal code|postcode|plz|postleitzahl|code postal|codigo postal|billing zip postal code|billing zip|billing postal code|zip postal code|address zip",
    ),
    Field(
        "address.country",
        "Country",
        "Address",
        "country",
        "country|land|country region|pays|pais|billing country|country code|nation|country name|address country",
    ),
    Field(
        "business.tax_identifier",
        "Tax ID",
        "Address",
        headings="vat|vat id|vat number|tax id|tax number|ust idnr|ust id|ustid|umsatzsteuer id|tax identifier|tva|nif|tax reg no|tax registration number",
    ),
    Field(
        "business.company_number",
        "Company number",
        "Address",
        headings="company number|registration number|handelsregister|register number|company registration number",
    ),
    Field(
        "company.name",
        "Company name",
        "Company",
        headings="company|company name|firma|firmenname|organization|organisation|organization name|account|account name|unternehmen|societe|entreprise|empresa|business name|associated company|associated company primary|employer",
    ),
    Field(
        "company.website",
        "Website",
        "Company",
        "link",
        "website|website url|web|url|homepage|webseite|site web|company website|web site",
    ),
    Field(
        "domains",
        "Domains",
        "Company",
        "list",
        "domain|domains|company domain|company domain name|domain name",
    ),
    Field("company.industry", "Industry", "Company", headings="industry|branche|sector|sektor|secteur"),
    Field(
        "company.employees",
        "Employees",
        "Company",
        "integer",
        "employees|number of employees|mitarbeiter|mitarbeiterzahl|headcount|company size|no of employees|numberofemployees",
    ),
    Field(
        "company.annual_revenue",
        "Annual revenue",
        "Company",
        "amount",
        "annual revenue|revenue|umsatz|jahresumsatz|turnover|chiffre d affaires|annualrevenue",
    ),
    Field(
        "company.phone",
        "Company phone",
        "Company",
        "phone",
        "company phone|account phone|main phone|zentrale|organization phone",
    ),
    Field(
        "company.location",
        "Company location",
        "Company",
        headings="location|primary location|hq|headquarters|standort",
    ),
    Field(
        "company.about",
        "About the company",
        "Company",
        headings="about|about us|description|beschreibung|company description",
    ),
    Field(
        "company.founded_date",
        "Founded",
        "Company",
        "founding",
        "founded|founded date|year founded|gegrundet|foundation date",
    ),
    Field(
        "person.name",
        "Person name",
        "Person",
        headings="full name|contact|contact name|ansprechpartner|kontakt|person|person name|primary contact|contact person|contact full name|nombre completo",
    ),
    Field(
        "person.first_name",
        "First name",
        "Person",
        headings="first name|firstname|vorname|given name|prenom|nombre|contact first name",
    ),
    Field(
        "person.last_name",
        "Last name",
        "Person",
        headings="last name|lastname|nachname|surname|family name|nom|apellidos|contact last name",
    ),
    Field(
        "person.email",
        "Person email",
        "Person",
        "email",
        "contact email|email address|work email|business email|person email|primary email",
    ),
    Field(
        "person.phone",
        "Person phone",
        "Person",
        "phone",
        "contact phone|mobile|mobile phone|mobil|handy|direct phone|mobile phone number|cell|cell phone|person phone",
    ),
    Field("person.title", "Job title", "Person", headings="title|job title|position|funktion|role|rolle|job"),
    Field("person.department", "Department", "Person", headings="department|abteilung|dept"),
    Field(
        "owner",
        "Account manager",
        "Account",
        "user",
        "owner|account manager|betreuer|account owner|company owner|contact owner|kundenbetreuer|sales rep|assigned to|organization owner|person owner|sales owner",
    ),
    Field("tags", "Tags", "Account", "list", "tags|tag|labels|label|categories|kategorien|schlagworte"),
    Field(
        "note",
        "Note",
        "Account",
        headings="note|notes|notiz|notizen|comment|comments|bemerkung|remarks|kommentar|memo",
    ),
    Field(
        "task",
        "Task",
        "Account",
        headings="task|to do|todo|next step|next steps|follow up|aufgabe|nachster schritt|wiedervorlage",
    ),
    Field(
        "start_date",
        "Customer since",
        "Account",
        "day",
        "customer since|start date|kunde seit|became a customer date|contract start|client since",
    ),
    Field(
        "contract_annual_revenue",
        "Annual contract value",
        "Account",
        "amount",
        "acv|arr|annual contract value|contract value|vertragswert",
    ),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _ALL}
#: A column that becomes custom data of the CRM, under its heading.
CUSTOM = "custom"
#: What the names of custom fields that users enter begin with here.
OWN = "custom."
_HOLDS = {FieldDefinition.Type.NUMBER: "number", FieldDefinition.Type.DATE: "day"}


def known_fields() -> Mapping[str, Field]:
    """All fields, with the custom fields that users enter. One query."""
    own = FieldDefinition.objects.filter(origin=FieldDefinition.Origin.OURS)
    return {
        **FIELDS,
        **{
            OWN + each.name: Field(
                OWN + each.name,
                each.label,
                "Custom fields",
                _HOLDS.get(FieldDefinition.Type(each.type), "text"),
                stored=partial(read_entered, each),
            )
            for each in own
        },
    }


_BY_HEADING = {heading: field.name for field in _ALL for heading in field.headings.split("|") if heading}

#: Headings of a customer in a list of customers, of a person in a list of people.
_NAMES = frozenset({"name", "nom", "bezeichnung"})
_EMAILS = frozenset(
    {"email", "e mail", "mail", "emails", "e mail adresse", "email address", "correo", "courriel"}
)
_PHONES = frozenset(
    {
        "phone",
        "tel",
        "telephone",
        "telefon",
        "phone number",
        "telefonnummer",
        "phone numbers",
        "telefono",
        "tel nr",
    }
)
_PEOPLE = frozenset({"person.name", "person.first_name", "person.last_name"})


def heading_key(heading: str) -> str:
    """A heading as it is compared: small letters without marks and punctuation."""
    plain = "".join(character if character.isalnum() else " " for character in folded(heading))
    return " ".join(plain.split())


def field_named(heading: str) -> str:
    """The field that a heading means by itself; empty if none."""
    return _BY_HEADING.get(heading_key(heading), "")


def guess_by_headings(headings: Sequence[str]) -> dict[str, str]:
    """The field of each column by its heading, each field once; columns that are not recognized are left out.

    "Name", "Email" and "Phone" are of the person if the file also has a company or the parts of a person's name.
    """
    found: dict[str, str] = {}
    for heading in headings:
        name = "" if heading_key(heading) in _NAMES | _EMAILS | _PHONES else field_named(heading)
        if name and name not in found.values():
            found[heading] = name
    taken = set(found.values())
    of_person = bool(taken & {"company.name", "person.first_name", "person.last_name"})
    has_parts = bool(taken & {"person.first_name", "person.last_name"})
    for heading in headings:
        key = heading_key(heading)
        if key in _NAMES and heading not in found:
            name = ("company.name" if has_parts else "person.name") if of_person else "name"
        elif key in _EMAILS:
            name = "person.email" if of_person else "email"
        elif key in _PHONES:
            has_person = bool(set(found.values()) & _PEOPLE) or of_person
            name = "person.phone" if has_person else "phone"
        else:
            continue
        if name not in found.values():
            found[heading] = name
    return found
