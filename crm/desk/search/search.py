"""Find customers, exact matches first, each with why it matched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crm.desk.search.lookups import May, SearchHit
from crm.desk.search.near import by_near_name
from crm.desk.search.term import read_term
from crm.desk.search.text_lookups import LOOKUPS
from customers.formats import user_name
from customers.models import Customer

#: Results shown; a longer term narrows them.
MOST = 20
_MOST_REASONS = 2


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A customer with why it matched. `merged_customer` is the name of the merged customer that matched, if one did."""

    customer: Customer
    words: str
    owner: str
    status: str
    merged_customer: str = ""


def find(text: str, may: May, most: int = MOST) -> list[SearchResult]:
    """Customers that match `text`, best first; a match of a merged customer gives its survivor.

    `text` is an identifier, a name, an email address, a domain, an address, a phone number in any notation, a tax or
    company number, a person, or an invoice number. Every word must match. Data that `may` doesn't allow the user to view
    finds nothing. One query per lookup, and at most two more.
    """
    term = read_term(text)
    if term is None or not may("customers.view_customer"):
        return []
    return _results((hit for lookup in LOOKUPS for hit in lookup(term, may)), most)


def find_near(text: str, may: May, most: int = MOST) -> list[SearchResult]:
    """Customers with a name that a typo turns into `text`, in at most three queries. Show them as a guess."""
    term = read_term(text)
    if term is None or not may("customers.view_customer"):
        return []
    return _results(by_near_name(term), most)


def _results(found_hits: Iterable[SearchHit], most: int) -> list[SearchResult]:
    hits: dict[str, list[SearchHit]] = {}
    for hit in found_hits:
        hits.setdefault(hit.customer_id, []).append(hit)
    best = sorted(hits, key=lambda key: min(hit.match for hit in hits[key]))[: 3 * most]
    rows = {
        str(customer.pk): customer
        for customer in Customer.objects.filter(pk__in=best).select_related(
            "merged_into__relationship__owner", "relationship__owner"
        )
    }
    ordered = sorted(
        (rows[key] for key in best if key in rows),
        key=lambda customer: (
            min(hit.match for hit in hits[str(customer.pk)]),
            (_survivor(customer)).archived_at is not None,
            str(customer).casefold(),
        ),
    )
    found: dict[str, SearchResult] = {}
    for customer in ordered:
        survivor = _survivor(customer)
        found.setdefault(str(survivor.pk), _found(survivor, customer, hits[str(customer.pk)]))
    return list(found.values())[:most]


def _survivor(customer: Customer) -> Customer:
    while customer.merged_into is not None:
        customer = customer.merged_into
    return customer


def _found(survivor: Customer, customer: Customer, hits: Sequence[SearchHit]) -> SearchResult:
    words = dict.fromkeys(hit.words for hit in sorted(hits, key=lambda hit: hit.match))
    relationship = getattr(survivor, "relationship", None)
    return SearchResult(
        customer=survivor,
        words=", ".join(list(words)[:_MOST_REASONS]),
        owner=user_name(relationship.owner) if relationship else "",
        status="Archived" if survivor.archived_at else survivor.get_status_display(),
        merged_customer="" if survivor is customer else str(customer),
    )
