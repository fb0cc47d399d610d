"""The search indexes on PostgreSQL. Without them the search finds the same, slowly."""

from __future__ import annotations

from typing import Any

from django.db import Error as DatabaseProblem
from django.db import transaction

#: (name, table, expression) of each trigram index. The expressions are those of `crm.desk.search.patterns`.
_TEXTS = (
    ("customer_name_letters", "customers_customer", 'UPPER("name"::text)'),
    ("customer_email_letters", "customers_customer", 'UPPER("email"::text)'),
    ("customer_phone_digits", "customers_customer", "REGEXP_REPLACE(\"phone\", '[^0-9]', '', 'g')"),
    ("business_name_letters", "customers_business", 'UPPER("name"::text)'),
    ("business_contacts_letters", "customers_business", 'UPPER("contacts"::text)'),
    ("company_name_letters", "crm_company", 'UPPER("name"::text)'),
    ("company_phone_digits", "crm_company", "REGEXP_REPLACE(\"phone\", '[^0-9]', '', 'g')"),
    ("domain_name_letters", "crm_domain", 'UPPER("name"::text)'),
    ("person_name_letters", "crm_person", 'UPPER("name"::text)'),
    ("person_email_letters", "crm_person", 'UPPER("email"::text)'),
    ("person_aliases_letters", "crm_person", 'UPPER("alias_emails"::text)'),
    ("person_phone_digits", "crm_person", "REGEXP_REPLACE(\"phone\", '[^0-9]', '', 'g')"),
)
_BEGINNING = ("customer_name_beginning", "customers_customer", 'LEFT(UPPER("name"), 100)')

MISSING = (
    "Couldn't create PostgreSQL's extension pg_trgm ({problem}), so the search stays slow."
    " Ask a database administrator to run CREATE EXTENSION pg_trgm; in this database, then run the"
    " command index_search."
)


def make_indexes(connection: Any) -> str:
    """Create the missing indexes on PostgreSQL; return what prevents it, or an empty text."""
    if connection.vendor != "postgresql":
        return ""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        name, table, expression = _BEGINNING
        cursor.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" (({expression}) text_pattern_ops)')
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseProblem as problem:
        return MISSING.format(problem=str(problem).strip().partition("\n")[0])
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for name, table, expression in _TEXTS:
            cursor.execute(
                f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" USING gin (({expression}) gin_trgm_ops)'
            )
    return ""
