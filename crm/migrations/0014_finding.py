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

    dependencies = [
        ('crm', '0013_opening_histories'),
        ('customers', '0004_held_fast'),
        ('billing', '0011_find_by_stripe_id'),
    ]

    operations = [
        migrations.RunPython(make, drop),
    ]
