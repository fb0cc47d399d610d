"""The lookups of the search: each is one indexed query with a limited number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Model, Q
from django.utils.text import capfirst

from billing.models import CreditNote, Entity, Invoice, Subscription, TrialUsed
from crm.desk.search.term import MatchRank, SearchTerm
from crm.models import Contact, Person, Relationship
from customers.models import Address, Business, Customer, Environment, PaymentMethod, SourceRecord
from customers.typed_ids import TypedIdField, to_uuid

#: A lookup takes at most this many matching rows.
TAKEN = 50

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A matching customer: its ID, the rank, and what matched, in words."""

    customer_id: str
    match: MatchRank
    words: str


Lookup = Callable[[SearchTerm, May], Iterator[SearchHit]]


def may_view(may: May, model: type[Model]) -> bool:
    return may(f"{model._meta.app_label}.view_{model._meta.model_name}")


def exact(customer_id: object, words: str) -> SearchHit:
    return SearchHit(str(customer_id), MatchRank.EXACT, words)


def by_identifier(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """Our ID, the external ID, the Stripe ID, the fingerprint."""
    # The indexes on these columns begin with `env`.
    ids = term.identifiers
    condition = Q(env__in=Environment.values) & (Q(external_id__in=ids) | Q(stripe_id__in=ids))
    condition |= Q(fingerprint__in=ids)
    key = to_uuid(term.text.lower(), ("cus",))
    if key is not None:
        condition |= Q(pk=key)
    found = Customer.objects.filter(condition).order_by()
    for pk, *values in found.values_list("pk", "external_id", "stripe_id", "fingerprint")[:TAKEN]:
        kinds = zip(("External ID", "Stripe ID", "Fingerprint"), values, strict=True)
        yield exact(pk, next((f"{kind} {value}" for kind, value in kinds if value in ids), "ID"))


def by_row(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID of one of the customer's rows, such as an invoice or a subscription."""
    for relation in Customer._meta.related_objects:
        model = relation.related_model
        key = model._meta.pk
        if relation.field.name == "customer" and isinstance(key, TypedIdField):
            found = to_uuid(term.text.lower(), (key.prefix, *key.also))
            if found is not None and may_view(may, model):
                rows = model._default_manager.filter(pk=found)
                for customer_id in rows.values_list("customer_id", flat=True):
                    yield exact(customer_id, f"{capfirst(str(model._meta.verbose_name))} ID")
                return


def by_record(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID of a source record."""
    found = SourceRecord.objects.filter(source_id__in=term.identifiers).order_by()
    for customer_id, source, key in found.values_list("customer_id", "source", "source_id")[:TAKEN]:
        yield exact(customer_id, f"ID {key} in {SourceRecord(source=source).source_name}")


def by_crm_id(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID in the CRM document, or the one that CRM users see."""
    ids = term.identifiers
    found = Relationship.objects.filter(Q(crm_id__in=ids) | Q(datasource_id__in=ids)).order_by()
    for customer_id, key, datasource in found.values_list("customer_id", "crm_id", "datasource_id")[:TAKEN]:
        yield exact(customer_id, f"CRM ID {key if key in ids else datasource}")


def by_invoice(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The number of an invoice, or its Stripe ID."""
    if not may_view(may, Invoice):
        return
    numbered = Q(number=term.text.upper()) & ~Q(number="")
    found = Invoice.objects.filter(numbered | (Q(stripe_id=term.text) & ~Q(stripe_id=""))).order_by()
    for customer_id, number, stripe in found.values_list("customer_id", "number", "stripe_id")[:TAKEN]:
        yield exact(customer_id, f"Invoice {number or stripe}")


def _by_column(model: type[Model], column: str, words: str, customer: str = "customer_id") -> Lookup:
    """The lookup of an identifier that a source, or a person, gave to a row of a customer."""

    def look_up(term: SearchTerm, may: May) -> Iterator[SearchHit]:
        if may_view(may, model):
            found = model._default_manager.filter(**{f"{column}__in": term.identifiers}).order_by()
            for customer_id, value in found.values_list(customer, column)[:TAKEN]:
                yield exact(customer_id, f"{words} {value}")

    return look_up


def by_person_id(term: SearchTerm, may: May) -> Iterator[SearchHit]:
    """The ID of a contact's person: ours, or the one in the CRM."""
    if may_view(may, Contact) and may_view(may, Person):
        condition = Q(person__obfuscated_id__in=term.identifiers)
        key = to_uuid(term.text.lower(), ("per",))
        found = Contact.objects.filter(condition if key is None else Q(person=key)).order_by()
        for customer_id, value in found.values_list("customer_id", "person__obfuscated_id")[:TAKEN]:
            yield exact(customer_id, "Contact's ID" if key is not None else f"Contact's CRM ID {value}")


#: The lookups of identifiers.
EXACT_LOOKUPS: tuple[Lookup, ...] = (
    by_identifier,
    by_row,
    by_record,
    by_crm_id,
    by_invoice,
    by_person_id,
    _by_column(CreditNote, "number", "Credit note", "invoice__customer_id"),
    _by_column(Subscription, "subscription_id", "Subscription ID"),
    _by_column(Entity, "entity_id", "Entity ID"),
    _by_column(TrialUsed, "fingerprint", "Trial's fingerprint"),
    _by_column(Address, "source_id", "Address ID"),
    _by_column(Business, "source_id", "Business profile ID"),
    _by_column(PaymentMethod, "source_id", "Payment method ID"),
)
