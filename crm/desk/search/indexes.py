"""The search indexes on PostgreSQL. Without them, the search finds the same, but slowly.

A migration creates them, from a copy of this module. A change here takes effect with the command `index_search` or with
another migration: each index stores a digest of its definition as a comment, and is rebuilt if the digest differs.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import Error as DatabaseProblem
from django.db import transaction

from customers.readings.sql_functions import FUNCTION, create_function


def _text(*parts: str) -> str:
    joined = " || ' ' || ".join(parts)
    return f"{FUNCTION}({joined})"


def _digits(column: str) -> str:
    return f"REGEXP_REPLACE({column}, '[^0-9]', '', 'g')"


def _compact(column: str) -> str:
    return f"REGEXP_REPLACE({FUNCTION}({column}), '[^a-z0-9]', '', 'g')"


def _beginning(text: str, letters: int) -> str:
    return f"LEFT({text}, {letters})"


def _json_texts(column: str) -> str:
    return f"TRANSLATE({column}::text, '\"', ' ')"


def _claim(name: str) -> str:
    return f"COALESCE(\"claims\" #>> '{{{name},value}}', '')"


_NAME, _POSTAL_CODE = '"name"', '"postal_code"'

#: (name, table, expression) of each trigram index. The expressions are those of `crm.desk.search.patterns`.
_TRIGRAMS = (
    ("customer_search", "customers_customer", _text('"name"', '"email"')),
    ("customer_phone_digits", "customers_customer", _digits('"phone"')),
    ("source_record_search", "customers_sourcerecord", _text(_claim("name"), _claim("email"))),
    ("source_record_phone_digits", "customers_sourcerecord", _digits(_claim("phone"))),
    ("business_search", "customers_business", _text('"name"', _json_texts('"contacts"'))),
    ("business_tax_number", "customers_business", _compact('"tax_identifier"')),
    ("business_company_number", "customers_business", _compact('"company_number"')),
    (
        "address_search",
        "customers_address",
        _text('"line1"', '"line2"', '"city"', '"state"', '"postal_code"'),
    ),
    ("payment_method_phone_digits", "customers_paymentmethod", _digits('"phone"')),
    ("company_search", "crm_company", _text('"name"', '"location"', _json_texts('"website_urls"'))),
    ("entity_search", "billing_entity", _text('"name"')),
    ("company_phone_digits", "crm_company", _digits('"phone"')),
    ("domain_search", "crm_domain", _text('"name"')),
    ("person_search", "crm_person", _text('"name"', '"preferred_name"', '"last_name"')),
    ("person_email_search", "crm_person", _text('"email"', _json_texts('"alias_emails"'))),
    ("person_phone_digits", "crm_person", _digits('"phone"')),
    ("merged_record_search", "crm_mergedrecord", _text('"document"')),
)
#: For columns that are searched for a whole value, or for how it begins.
_PLAIN = (
    (
        "customer_search_beginning",
        "customers_customer",
        f"({_beginning(_text(_NAME), 100)}) text_pattern_ops",
    ),
    ("customer_by_fingerprint", "customers_customer", '"fingerprint"'),
    ("address_postal_code", "customers_address", f"({_beginning(_compact(_POSTAL_CODE), 40)})"),
    ("address_by_source_id", "customers_address", '"source_id"'),
    ("business_by_source_id", "customers_business", '"source_id"'),
    ("payment_method_by_source_id", "customers_paymentmethod", '"source_id"'),
    ("subscription_by_its_id", "billing_subscription", '"subscription_id"'),
    ("entity_by_its_id", "billing_entity", '"entity_id"'),
    ("relationship_by_datasource_id", "crm_relationship", '"datasource_id"'),
)
#: Indexes of earlier versions.
_FORMER = (
    "customer_name_letters",
    "customer_email_letters",
    "customer_name_beginning",
    "business_name_letters",
    "business_contacts_letters",
    "company_name_letters",
    "domain_name_letters",
    "person_name_letters",
    "person_email_letters",
    "person_aliases_letters",
)

MISSING = (
    "Couldn't create PostgreSQL's extension pg_trgm ({problem}), so the search stays slow."
    " Ask a database administrator to run CREATE EXTENSION pg_trgm; in this database, then run the"
    " command index_search."
)


def make_indexes(connection: Any) -> str:
    """Create the function and the missing indexes on PostgreSQL; return what prevents it, or an empty text."""
    if connection.vendor != "postgresql":
        return ""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(create_function())
        for name in _FORMER:
            cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
        for name, table, expression in _PLAIN:
            _make(cursor, name, f'"{table}" ({expression})')
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseProblem as problem:
        return MISSING.format(problem=str(problem).strip().partition("\n")[0])
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for name, table, expression in _TRIGRAMS:
            _make(cursor, name, f'"{table}" USING gin (({expression}) gin_trgm_ops)')
    return ""


def _make(cursor: Any, name: str, definition: str) -> None:
    # An index whose function has changed holds what the former function returned.
    is_folded = FUNCTION in definition
    digest = hashlib.sha256(f"{definition}{create_function() if is_folded else ''}".encode()).hexdigest()
    cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [f'"{name}"'])
    (made,) = cursor.fetchone()
    if made != digest:
        cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
        cursor.execute(f'CREATE INDEX "{name}" ON {definition}')
        cursor.execute(f"COMMENT ON INDEX \"{name}\" IS '{digest}'")
