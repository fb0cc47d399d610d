"""Gives rows that were there before their histories were kept a first entry, dated when they were made."""

from django.db import migrations

from customers.opening_history import open_histories

_MODELS = (
    "AutoTopup",
    "Balance",
    "Discount",
    "Entity",
    "Flag",
    "Grant",
    "License",
    "Referral",
    "Rollover",
    "SpendLimit",
    "TrialUsed",
    "UsageAlert",
)


def open_ours(apps, schema_editor):
    open_histories(apps, "billing", _MODELS)


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_histories")]
    operations = [migrations.RunPython(open_ours, migrations.RunPython.noop)]
