"""The lookups by words, phone numbers, and tax and company numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Case, F, Model, Q, QuerySet, TextField, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Length

from billing.models import Entity
from crm.desk.search.lookups import EXACT_LOOKUPS, TAKEN, Lookup, May, SearchHit, may_view
from crm.desk.search.patterns import (
    JsonTexts,
    JsonValue,
    SearchText,
    contains_digits,
    contains_number,
    has_words,
    is_postal_code,
    search_text,
    starts_with,
)
from crm.desk.search.term import SearchTerm, Spelling
from crm.models import Company, Contact, Domain, MergedRecord
from customers.models import Address, Business, Customer, PaymentMethod, SourceRecord
from customers.readings.folding import compact

#: A lookup sorts this many matching rows, and takes the ones with the shortest texts.
SCANNED = 500

_ADDRESS = ("line1", "line2", "city", "state", "postal_code")
_CLAIMED = ("name", "email")
_PERSON_NAMES = ("name", "preferred_name", "last_name")


def by_beginning(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    strict = starts_with("name", term.spellings)
    rows = Customer.objects.filter(strict | starts_with("name", term.loose)).order_by()
    yield from _shortest(term, rows, {"name": "Name"}, key="pk", strict=strict)


def by_name(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Words in the name or the email address. Only this lookup also finds short words at the beginning of a word."""
    columns = {"name": "Name", "email": "Email"}
    yield from _in_texts(
        term, Customer, search_text(*columns), columns, key="pk", of="Name and email", even_short=True
    )


def by_claim(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The name and the email address from any source, even if those of another source are shown."""
    if may_view(may, SourceRecord):
        text = search_text(*(JsonValue("claims", name, "value") for name in _CLAIMED))
        columns = {"claims__name__value": "Other name", "claims__email__value": "Other email"}
        shown = [f"customer__{name}" for name in _CLAIMED]
        yield from _in_texts(term, SourceRecord, text, columns, unless=shown)


def by_merged_record(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Names, domains and email addresses in the document of a customer that the CRM merged into another."""
    if not may_view(may, MergedRecord):
        return
    condition = _with_words(search_text("document"), (*term.spellings, *term.loose))
    rows = MergedRecord.objects.filter(condition).order_by()
    for customer_id, document in rows.values_list("survivor_id", "document")[:TAKEN]:
        for text in _texts_of_document(json.loads(document)):
            match = term.match(text)
            if match is not None:
                yield SearchHit(str(customer_id), match, f"Merged record {text}")


def by_domain(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, Domain):
        yield from _in_texts(term, Domain, search_text("name"), {"name": "Domain"})


def by_company(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The company's name, location and websites."""
    if may_view(may, Company):
        columns = {"name": "Company", "location": "Location", "website_urls": "Website"}
        text = search_text("name", "location", JsonTexts(F("website_urls")))
        yield from _in_texts(term, Company, text, columns, of="Company")


def by_entity(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, Entity):
        yield from _in_texts(term, Entity, search_text("name"), {"name": "Entity"})


def by_business(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The name of a business profile, or its contacts."""
    if may_view(may, Business):
        columns = {"name": "Business profile", "contacts": "Contact"}
        yield from _in_texts(term, Business, search_text("name", JsonTexts(F("contacts"))), columns)


def by_number(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The tax or company number of a business profile, in any punctuation."""
    if not may_view(may, Business) or not term.numbers:
        return
    columns = {"tax_identifier": "Tax ID", "company_number": "Company number"}
    condition = Q()
    for column in columns:
        for number in term.numbers:
            condition |= contains_number(column, number)
    rows = Business.objects.filter(condition).order_by()
    for customer_id, *values in rows.values_list("customer_id", *columns)[:TAKEN]:
        for kind, value in zip(columns.values(), values, strict=True):
            match = term.match_number(value)
            if match is not None:
                yield SearchHit(str(customer_id), match, f"{kind} {value}")


def by_address(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Street, city, state and postal code, together or one of them."""
    if may_view(may, Address):
        condition = _with_words(search_text(*_ADDRESS), (*term.spellings, *term.loose))
        code = compact(term.text)
        if any(map(str.isdigit, code)):
            condition |= is_postal_code("postal_code", code)
        rows = Address.objects.filter(condition).order_by()
        for customer_id, *values in rows.values_list("customer_id", *_ADDRESS)[:TAKEN]:
            parts = [part for part in values if part]
            matches = (*map(term.match, (*parts, " ".join(parts))), term.match_postal_code(values[-1]))
            match = min((each for each in matches if each is not None), default=None)
            if match is not None:
                yield SearchHit(str(customer_id), match, f"Address {', '.join(parts)}")


def by_person(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, Contact) and may("crm.view_person"):
        columns = [f"person__{name}" for name in _PERSON_NAMES]
        yield from _in_texts(
            term, Contact, search_text(*columns), dict.fromkeys(columns, "Contact"), of="Contact"
        )


def by_mailbox(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """A contact's email address, or another one of theirs."""
    if may_view(may, Contact) and may("crm.view_person"):
        text = search_text("person__email", JsonTexts(F("person__alias_emails")))
        columns = dict.fromkeys(("person__email", "person__alias_emails"), "Contact's email")
        yield from _in_texts(term, Contact, text, columns)


def by_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    yield from _in_phones(term, Customer, "phone", "Phone", key="pk")


def by_claimed_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The phone number from any source, even if that of another source is shown."""
    if may_view(may, SourceRecord):
        column = "claims__phone__value"
        text = JsonValue("claims", "phone", "value")
        yield from _in_phones(
            term, SourceRecord, column, "Other phone", text=text, unless=["customer__phone"]
        )


def by_company_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, Company):
        yield from _in_phones(term, Company, "phone", "Company's phone")


def by_person_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, Contact) and may("crm.view_person"):
        yield from _in_phones(term, Contact, "person__phone", "Contact's phone")


def by_mobile_money(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may_view(may, PaymentMethod):
        yield from _in_phones(term, PaymentMethod, "phone", "Mobile money")


LOOKUPS: tuple[Lookup, ...] = (
    *EXACT_LOOKUPS,
    by_beginning,
    by_name,
    by_claim,
    by_domain,
    by_company,
    by_entity,
    by_business,
    by_number,
    by_address,
    by_person,
    by_mailbox,
    by_merged_record,
    by_phone,
    by_claimed_phone,
    by_company_phone,
    by_person_phone,
    by_mobile_money,
)


def _with_words(text: SearchText, spellings: Iterable[Spelling], *, even_short: bool = False) -> Q:
    """Rows with all long words of one of `spellings`; no rows if none has a long word."""
    condition = Q(pk__in=())
    for spelling in spellings:
        words = has_words(text, spelling, even_short=even_short)
        if words is not None:
            condition |= words
    return condition


def _in_texts(
    term: SearchTerm,
    model: type[Model],
    text: SearchText,
    columns: dict[str, str],
    *,
    key: str = "customer_id",
    of: str = "",
    unless: Iterable[str] = (),
    even_short: bool = False,
) -> Iterator[SearchHit]:
    """The customers of the rows whose `text` has the words, and that match in one of `columns`.

    `columns` maps columns to their labels. With `of`, a label, also rows that match in all columns together. Texts
    that one of the columns `unless` has too are left out.
    """
    strict = _with_words(text, term.spellings, even_short=even_short)
    rows = model._default_manager.filter(strict | _with_words(text, term.loose)).order_by()
    yield from _shortest(term, rows, columns, key=key, of=of, unless=unless, strict=strict)


def _shortest(
    term: SearchTerm,
    rows: QuerySet[Any],
    columns: dict[str, str],
    *,
    key: str = "customer_id",
    of: str = "",
    unless: Iterable[str] = (),
    strict: Q,
) -> Iterator[SearchHit]:
    # The unordered inner query stops early for a word that most rows have; the outer one puts short texts first.
    few = rows.model._default_manager.filter(pk__in=rows.values("pk")[:SCANNED])
    order: list[Any] = [Length(Cast(F(next(iter(columns))), TextField())), "pk"]
    if term.loose:
        order.insert(0, Case(When(strict, then=0), default=1))
    for customer_id, *values in few.order_by(*order).values_list(key, *columns, *unless)[:TAKEN]:
        others = values[len(columns) :]
        texts = [
            (kind, text)
            for kind, value in zip(columns.values(), values[: len(columns)], strict=True)
            for text in _texts(value)
            if text not in others
        ]
        hits = [(match, kind, text) for kind, text in texts if (match := term.match(text)) is not None]
        if of and not hits:
            together = [text for _, text in texts if text]
            match = term.match(" ".join(together))
            hits = [(match, of, ", ".join(together))] if match is not None else []
        for match, kind, text in hits:
            yield SearchHit(str(customer_id), match, kind if kind == "Name" else f"{kind} {text}")


def _in_phones(
    term: SearchTerm,
    model: type[Model],
    column: str,
    kind: str,
    *,
    key: str = "customer_id",
    text: Combinable | None = None,
    unless: Iterable[str] = (),
) -> Iterator[SearchHit]:
    if not term.digits:
        return
    rows = model._default_manager.filter(contains_digits(text or column, term.digits)).order_by()
    for customer_id, value, *others in rows.values_list(key, column, *unless)[:TAKEN]:
        match = term.match_phone(value)
        if match is not None and value not in others:
            yield SearchHit(str(customer_id), match, f"{kind} {value}")


def _texts(value: Any) -> Iterator[str]:
    """The texts in a column of text or JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _texts_of_document(document: dict[str, Any]) -> Iterator[str]:
    """What a CRM document calls the company and its contacts."""
    yield document["company"]["name"]
    yield from document.get("domains") or ()
    for person in document.get("poc") or ():
        yield person["name"]
        metadata = person.get("metadata") or {}
        yield from _texts([metadata.get("email"), metadata.get("alias_emails")])
