"""Indexes by which PostgreSQL finds customers; where its role may not make them, it says what to do and goes on."""

import sys

from django.db import Error as DatabaseProblem
from django.db import migrations, transaction

# Name, table and expression of each trigram index, as they were when this migration was written.
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
    "Searching customers is slow without PostgreSQL's extension pg_trgm, which this role may not create ({problem})."
    " Ask a role that may to run CREATE EXTENSION pg_trgm; in this database, then run `manage.py index_search`."
)


def make(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        name, table, expression = _BEGINNING
        cursor.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" (({expression}) text_pattern_ops)')
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseProblem as problem:
        sys.stderr.write(f"\n{MISSING.format(problem=str(problem).strip().partition(chr(10))[0])}\n")
        return
    with connection.cursor() as cursor:
        for name, table, expression in _TEXTS:
            cursor.execute(
                f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" USING gin (({expression}) gin_trgm_ops)'
            )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for name, _, _ in (*_TEXTS, _BEGINNING):
                cursor.execute(f'DROP INDEX IF EXISTS "{name}"')


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_four_roles")]
    operations = [migrations.RunPython(make, drop)]
