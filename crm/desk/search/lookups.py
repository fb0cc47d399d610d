"""The lookups of the search: each is one indexed query with a limited number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast, Length
from django.utils.text import capfirst

from billing.models import Invoice
from crm.desk.search.patterns import contains, contains_digits, starts_with
from crm.desk.search.term import MatchRank, SearchTerm
from crm.models import Company, Contact, Domain, Relationship
from customers.models import Business, Customer, Environment, Source, SourceRecord
from customers.typed_ids import TypedIdField, to_uuid

#: A lookup sorts this many matching rows, and takes the ones with the shortest texts.
SCANNED, TAKEN = 1000, 50

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A matching customer: its ID, the rank, and what matched, in words."""

    customer_id: str
    match: MatchRank
    words: str


Lookup = Callable[[SearchTerm, May], Iterator[SearchHit]]


def by_identifier(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Our ID, the external ID, the Stripe ID."""
    # The indexes on these columns begin with `env`.
    any_env = Q(env__in=Environment.values)
    condition = any_env & (Q(external_id=term.text) | Q(stripe_id=term.text))
    key = to_uuid(term.text.lower(), ("cus",))
    if key is not None:
        condition |= Q(pk=key)
    found = Customer.objects.filter(condition).order_by()
    for pk, external, stripe in found.values_list("pk", "external_id", "stripe_id")[:TAKEN]:
        kinds = (("External ID", external), ("Stripe ID", stripe))
        yield _exact(pk, next((f"{kind} {value}" for kind, value in kinds if value == term.text), "ID"))


def by_row(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID of one of the customer's rows, such as an invoice or a subscription."""
    for relation in Customer._meta.related_objects:
        model = relation.related_model
        key = model._meta.pk
        if relation.field.name == "customer" and isinstance(key, TypedIdField):
            found = to_uuid(term.text.lower(), (key.prefix, *key.also))
            if found is not None and may(f"{model._meta.app_label}.view_{model._meta.model_name}"):
                rows = model._default_manager.filter(pk=found)
                for customer_id in rows.values_list("customer_id", flat=True):
                    yield _exact(customer_id, f"{capfirst(str(model._meta.verbose_name))} ID")
                return


def by_record(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID of a source record."""
    found = SourceRecord.objects.filter(source_id=term.text).order_by()
    for customer_id, source in found.values_list("customer_id", "source")[:TAKEN]:
        yield _exact(customer_id, f"ID {term.text} in {dict(Source.choices).get(source, source)}")


def by_crm_id(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    found = Relationship.objects.filter(crm_id=term.text).order_by()
    for customer_id in found.values_list("customer_id", flat=True)[:TAKEN]:
        yield _exact(customer_id, f"CRM ID {term.text}")


def by_invoice(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The number of an invoice, or its Stripe ID."""
    if not may("billing.view_invoice"):
        return
    numbered = Q(number=term.text.upper()) & ~Q(number="")
    found = Invoice.objects.filter(numbered | (Q(stripe_id=term.text) & ~Q(stripe_id=""))).order_by()
    for customer_id, number, stripe in found.values_list("customer_id", "number", "stripe_id")[:TAKEN]:
        yield _exact(customer_id, f"Invoice {number or stripe}")


def by_beginning(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    condition = starts_with("name", " ".join(term.words))
    found = Customer.objects.filter(condition).order_by()
    yield from _in_texts(term, found, {"name": "Name"}, key="pk")


def by_name(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Words in the name or the email address."""
    yield from _in_texts(
        term, _with_words(Customer, term, "name", "email"), {"name": "Name", "email": "Email"}, key="pk"
    )


def by_domain(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_domain"):
        yield from _in_texts(term, _with_words(Domain, term, "name"), {"name": "Domain"})


def by_company(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_company"):
        yield from _in_texts(term, _with_words(Company, term, "name"), {"name": "Company"})


def by_business(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The name of a business profile, or its contacts."""
    if may("customers.view_business"):
        rows = _with_words(Business, term, "name", "contacts")
        yield from _in_texts(term, rows, {"name": "Business profile", "contacts": "Contact"})


def by_person(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_contact") and may("crm.view_person"):
        yield from _in_texts(term, _with_words(Contact, term, "person__name"), {"person__name": "Contact"})


def by_mailbox(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_contact") and may("crm.view_person"):
        yield from _in_texts(
            term, _with_words(Contact, term, "person__email"), {"person__email": "Contact's email"}
        )


def by_other_mailbox(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """A person's alias addresses, in a query of their own: with three columns at once PostgreSQL skips the indexes."""
    if "@" in term.text and may("crm.view_contact") and may("crm.view_person"):
        column = "person__alias_emails"
        yield from _in_texts(term, _with_words(Contact, term, column), {column: "Contact's email"})


def by_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    yield from _in_phones(term, Customer, "phone", "Phone", key="pk")


def by_company_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_company"):
        yield from _in_phones(term, Company, "phone", "Company's phone")


def by_person_phone(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    if may("crm.view_contact") and may("crm.view_person"):
        yield from _in_phones(term, Contact, "person__phone", "Contact's phone")


LOOKUPS: tuple[Lookup, ...] = (
    by_identifier,
    by_row,
    by_record,
    by_crm_id,
    by_invoice,
    by_beginning,
    by_name,
    by_domain,
    by_company,
    by_business,
    by_person,
    by_mailbox,
    by_other_mailbox,
    by_phone,
    by_company_phone,
    by_person_phone,
)


def _exact(customer_id: object, words: str) -> SearchHit:
    return SearchHit(str(customer_id), MatchRank.EXACT, words)


def _with_words(model: type[Model], term: SearchTerm, *columns: str) -> QuerySet[Any]:
    """Rows with all long words of the term in one of `columns`; no rows if it has no long word."""
    if not term.long_words:
        return model._default_manager.none()
    condition = Q()
    for column in columns:
        here = Q()
        for word in term.long_words:
            here &= contains(column, word)
        condition |= here
    return model._default_manager.filter(condition).order_by()


def _in_texts(
    term: SearchTerm, rows: QuerySet[Any], columns: dict[str, str], *, key: str = "customer_id"
) -> Iterator[SearchHit]:
    """The customers of the `rows` that match in one of `columns`, which maps columns to their labels."""
    # The unordered inner query stops early for a word that most rows have; the outer one puts short texts first.
    few = rows.model._default_manager.filter(pk__in=rows.values("pk")[:SCANNED])
    first = Cast(F(next(iter(columns))), TextField())
    shortest = few.order_by(Length(first), "pk")
    for customer_id, *values in shortest.values_list(key, *columns)[:TAKEN]:
        for kind, value in zip(columns.values(), values, strict=True):
            for text in _texts(value):
                match = term.match(text)
                if match is not None:
                    yield SearchHit(str(customer_id), match, kind if kind == "Name" else f"{kind} {text}")


def _in_phones(
    term: SearchTerm, model: type[Model], column: str, kind: str, *, key: str = "customer_id"
) -> Iterator[SearchHit]:
    if not term.digits:
        return
    rows = model._default_manager.filter(contains_digits(column, term.digits)).order_by()
    for customer_id, value in rows.values_list(key, column)[:TAKEN]:
        match = term.match_phone(value)
        if match is not None:
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
