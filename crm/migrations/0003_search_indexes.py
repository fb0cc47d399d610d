"""Indexes by which PostgreSQL finds customers; where its role may not make them, it says what to do and goes on."""

import sys

from django.db import migrations

from crm.finding.indexes import drop_indexes, make_indexes


def make(apps, schema_editor):
    problem = make_indexes(schema_editor.connection)
    if problem:
        sys.stderr.write(f"\n{problem}\n")


def drop(apps, schema_editor):
    drop_indexes(schema_editor.connection)


class Migration(migrations.Migration):
    replaces = [("crm", "0014_finding")]
    dependencies = [("crm", "0002_four_roles")]
    operations = [migrations.RunPython(make, drop)]
