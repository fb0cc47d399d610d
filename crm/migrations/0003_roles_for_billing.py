"""Who may see and work on invoices, payments, credit notes, balances and their ledger."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
BILLING = ("Billing operations", "Administrator")
DECIDING = ("Account manager", *BILLING)
READ = {"view_payment", "view_creditnote", "view_invoiceseries", "view_posting", "view_ledgerentry"}
BILLED = {"change_invoice", "add_payment", "add_creditnote"}
# What account managers decide: plans and balances.
DECIDED = {"change_balance", "add_subscription", "change_subscription"}


def grant(apps, schema_editor):
    database = schema_editor.connection.alias
    config = apps.get_app_config("billing")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=database)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for names, codenames in ((READERS, READ), (BILLING, BILLED), (DECIDING, DECIDED)):
        wanted = list(permissions.filter(content_type__app_label="billing", codename__in=codenames))
        for group in groups.filter(name__in=names):
            group.permissions.add(*wanted)


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_roles"), ("billing", "0006_invoice_line_discount")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
