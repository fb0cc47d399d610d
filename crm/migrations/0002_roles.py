"""The four roles, as groups."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("customers", "billing", "crm", "auth", "mfa", "axes")

WRITTEN_BY_IMPORTS = {
    "billing.balance",
    "billing.grant",
    "billing.invoice",
    "billing.invoiceline",
    "billing.license",
    "billing.rollover",
    "billing.trialused",
}
ACCOUNTS = {
    "crm.company",
    "crm.contact",
    "crm.customfield",
    "crm.document",
    "crm.domain",
    "crm.note",
    "crm.person",
    "crm.relationship",
    "customers.address",
    "customers.business",
    "customers.customer",
    "customers.paymentmethod",
}
REMOVED_BY_ACCOUNT_MANAGERS = {"crm.contact", "crm.customfield", "crm.document", "crm.domain"}
REMOVED_BY_BILLING = {"billing.creditcost", "billing.planitem"}
ADMINISTRATION = {"auth.group", "auth.user", "axes.accessattempt", "mfa.authenticator"}


def make_roles(apps, schema_editor):
    database = schema_editor.connection.alias
    _make_permissions(apps, database)
    records = _models(apps)
    readable = records - {"customers.apitoken"}
    billing = {label for label in records if label.startswith("billing.")} - WRITTEN_BY_IMPORTS
    roles = {
        "Viewer": {"view": readable},
        "Account manager": {
            "view": readable,
            "add": ACCOUNTS,
            "change": ACCOUNTS,
            "delete": REMOVED_BY_ACCOUNT_MANAGERS,
        },
        "Billing operations": {
            "view": readable,
            "add": billing,
            "change": billing,
            "delete": REMOVED_BY_BILLING,
        },
        "Administrator": dict.fromkeys(("view", "add", "change", "delete"), records | ADMINISTRATION),
    }
    permission = apps.get_model("auth", "Permission").objects.using(database)
    known = {
        (f"{row.content_type.app_label}.{row.content_type.model}", row.codename): row
        for row in permission.select_related("content_type")
    }
    for name, allowed in roles.items():
        group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=name)
        group.permissions.set(
            known[label, f"{verb}_{label.partition('.')[2]}"] for verb, labels in allowed.items() for label in labels
        )


def remove_roles(apps, schema_editor):
    names = ("Viewer", "Account manager", "Billing operations", "Administrator")
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=names).delete()


def _make_permissions(apps, database):
    # They would come with post_migrate, after the roles that need them.
    for label in APPS:
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=database)
        config.models_module = None


def _models(apps):
    return {
        model._meta.label_lower
        for label in ("customers", "billing", "crm")
        for model in apps.get_app_config(label).get_models(include_auto_created=False)
        if not model._meta.model_name.startswith("historical")
    }


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0001_initial"),
        ("billing", "0001_initial"),
        ("customers", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("axes", "__first__"),
        ("mfa", "__first__"),
    ]

    operations = [migrations.RunPython(make_roles, remove_roles)]
