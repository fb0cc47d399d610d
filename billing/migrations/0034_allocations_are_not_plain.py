"""PostgreSQL: a use is not plain if the customer's balances are allocated to entities, whose shares hold it."""

from importlib import import_module

from django.db import migrations

_plain_use = import_module("billing.migrations.0028_scheduled_grants_are_not_plain")
_LAST = "AND bound.enabled IS NOT FALSE)"
_FUNCTION = _plain_use._FUNCTION.replace(
    _LAST,
    _LAST + """
        OR EXISTS (
            SELECT FROM billing_billingaccount AS account
            WHERE account.customer_id = used_by AND account.balance_allocations IS NOT NULL)""",
)


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0033_balance_allocations")]
    operations = [migrations.RunPython(install, _plain_use.install)]
