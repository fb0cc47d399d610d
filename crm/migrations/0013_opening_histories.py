"""Gives rows that were there before their histories were kept a first entry, dated when they were made."""

from django.db import migrations

from customers.opening_history import open_histories


def open_ours(apps, schema_editor):
    open_histories(apps, "crm", ("Contact", "CustomField", "Domain", "MergedRecord"))


class Migration(migrations.Migration):
    dependencies = [("crm", "0012_histories")]
    operations = [migrations.RunPython(open_ours, migrations.RunPython.noop)]
