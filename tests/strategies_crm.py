"""Crm documents to try things on: hypothesis strategies for dicts that `json.dumps` can write.

They are as the view shows them: nothing empty is there, and keys are in snake_case. Every customer and every
person in a document has an id of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import strategies as st

from customers.readings.normalize import is_blank

Json = dict[str, Any]

PERSON_TYPES = ("FULL_TIME", "CONTRACTOR", "NON_EMPLOYEE", "FORMER_EMPLOYEE")

#: Something to see in each: a text of spaces alone is read as an empty one.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30).filter(
    lambda text: not is_blank(text)
)
names = texts
#: Signs alone stand for no ID.
identifiers = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-", min_size=1, max_size=16).filter(
    lambda text: not set(text) <= set("_-")
)
keys = st.text("abcdefghijklmnopqrstuvwxyzABCDEF_. -é", min_size=1, max_size=12)
emails = st.builds("{}@example.com".format, st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
phones = st.sampled_from(["+1 555 0100", "+12025550123", "555-0100 ext. 7"])
domains = st.builds("{}.example.com".format, st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8))
links = st.sampled_from(
    ["https://www.example.com/", "http://example.com/a?b=c&d=%20#e", "/people/7", "https://例え.example.com/"]
)
pictures = links | st.just("data:image/png;base64,iVBORw0KGgo=")
dates = st.dates().map(str)
positive_numbers = st.integers(0, 10**12) | st.integers(0, 10**9).map(lambda n: (n * 8 + 1) / 8)
numbers = positive_numbers | st.integers(-(10**12), -1)
free_form_objects = st.dictionaries(
    keys,
    st.recursive(
        st.none() | st.booleans() | numbers | st.text("aé “\\", max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)

companies = st.fixed_dictionaries(
    {"name": names},
    optional={
        "profile_url": links,
        "website_urls": st.lists(links, min_size=1, max_size=3),
        "logo_url": pictures,
        "location": texts,
        "phone": phones,
        "fax": phones,
        "industry": texts,
        "annual_revenue": positive_numbers,
        "number_of_employees": st.integers(0, 3_000_000),
        "stock_symbol": st.sampled_from(["EXMP", "NAH"]),
        "founded_date": dates,
        "about": texts,
    },
)
social_networks = st.fixed_dictionaries(
    {"name": st.sampled_from(["linkedin", "twitter"]), "profile_url": links},
    optional={"profile_name": texts, "icon_url": pictures},
)
custom_data_values = st.fixed_dictionaries(
    {},
    optional={
        "display_label": texts,
        "string_value": texts,
        "string_list_value": st.lists(texts, min_size=1, max_size=3),
        "number_value": numbers,
        "boolean_value": st.booleans(),
    },
)
customer_metadata = st.fixed_dictionaries(
    {},
    optional={
        "datasource_id": identifiers,
        "custom_data": st.dictionaries(keys, custom_data_values, min_size=1, max_size=3),
    },
).filter(bool)


def people(managers: int = 2, related: bool = True) -> st.SearchStrategy[Json]:
    """A person with at most so many managers above; `related` documents may be left out."""
    above = {"manager": people(managers - 1, related)} if managers else {}
    metadata = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(PERSON_TYPES),
            **dict.fromkeys(("first_name", "last_name", "title", "business_unit", "department"), texts),
            **dict.fromkeys(("location", "timezone", "bio", "pronoun", "preferred_name"), texts),
            "email": emails,
            "alias_emails": st.lists(emails, min_size=1, max_size=2),
            "phone": phones,
            "photo_url": pictures,
            "start_date": dates,
            "end_date": dates,
            "social_network": st.lists(social_networks, min_size=1, max_size=2),
            **above,
        },
    ).filter(bool)
    documents = {"related_documents": st.lists(free_form_objects, min_size=1, max_size=2)} if related else {}
    return st.fixed_dictionaries(
        {"name": texts, "obfuscated_id": st.just("")}, optional={"metadata": metadata, **documents}
    )


def _nested(levels: int, related: bool) -> st.SearchStrategy[Json]:
    merged = (
        {"merged_customers": st.lists(_nested(levels - 1, related), min_size=1, max_size=2)} if levels else {}
    )
    return st.fixed_dictionaries(
        {"id": st.just(""), "company": companies},
        optional={
            "domains": st.lists(domains, min_size=1, max_size=3, unique=True),
            "document_counts": st.dictionaries(keys, st.integers(0, 10**6), min_size=1, max_size=3),
            "poc": st.lists(people(related=related), min_size=1, max_size=2),
            "metadata": customer_metadata,
            "start_date": dates,
            "contract_annual_revenue": positive_numbers,
            "notes": texts,
            **merged,
        },
    )


@st.composite
def customers(draw: st.DrawFn, levels: int = 2, related: bool = True) -> Json:
    """A customer with at most so many levels of merged customers inside."""
    document = draw(_nested(levels, related))
    _number(document, draw(identifiers), count(1))
    return document


def files(max_size: int = 4) -> st.SearchStrategy[list[Json]]:
    """Customers of whom no two are the same, nor are any two of their people."""

    def with_ids(documents: list[Json]) -> list[Json]:
        for index, document in enumerate(documents):
            _number(document, f"{document['id']}.{index}", count(1))
        return documents

    return st.lists(customers(), max_size=max_size).map(with_ids)


def _number(customer: Json, root: str, numbers_left: Iterator[int]) -> None:
    """Give the customer the id `root`, and everybody inside one that is made of it."""
    customer["id"] = root
    for person in customer.get("poc", []):
        here: Json | None = person
        while here:
            here["obfuscated_id"] = f"{root}-person-{next(numbers_left)}"
            here = here.get("metadata", {}).get("manager")
    for merged in customer.get("merged_customers", []):
        _number(merged, f"{root}-{next(numbers_left)}", numbers_left)
