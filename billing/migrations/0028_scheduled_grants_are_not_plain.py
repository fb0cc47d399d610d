"""PostgreSQL: a use is not plain while a grant of its balance waits to start, because it has to start first."""

from importlib import import_module

from django.db import migrations

_plain_use = import_module("billing.migrations.0018_usage_limits_are_not_plain")
_LAST = "COALESCE(subscription.started_at, purchase.started_at, owned.created_at) > used_at AS is_due"
_FUNCTION = _plain_use._FUNCTION.replace(
    _LAST, _LAST.removesuffix(" AS is_due") + "\n                   OR owned.scheduled_amount IS NOT NULL AS is_due"
)


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0027_scheduled_grants_and_proration")]
    operations = [migrations.RunPython(install, _plain_use.install)]
