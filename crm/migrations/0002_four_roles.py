"""The four roles, as groups, and what each may do."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("customers", "billing", "crm", "auth", "mfa", "axes")
ROLES = ("Viewer", "Account manager", "Billing operations", "Administrator")

#: What belongs to other rows, and is seen with them or not at all; and tokens, which open the interface.
UNSEEN = {"crm.exportpart", "crm.revenuemonth", "customers.apitoken"}
#: What the desk computes, and what only its own verbs write.
COMPUTED = {
    "crm.deskrefresh",
    "crm.duplicatecluster",
    "crm.duplicatepair",
    "crm.healthscore",
    "crm.mention",
    "crm.merge",
    "crm.worklistdecision",
    "crm.worklistentry",
    "crm.worklistreason",
}
DECIDED = {"crm.duplicatecluster", "crm.duplicatepair", "crm.worklistdecision"}
ADMINISTRATION = {"auth.group", "auth.user", "axes.accessattempt", "customers.apitoken", "mfa.authenticator"}

ACCOUNTS = {
    "crm.activity",
    "crm.company",
    "crm.contact",
    "crm.customertag",
    "crm.customfield",
    "crm.document",
    "crm.domain",
    "crm.note",
    "crm.person",
    "crm.relationship",
    "crm.segment",
    "crm.tag",
    "crm.task",
    "customers.address",
    "customers.business",
    "customers.customer",
    "customers.paymentmethod",
}
REMOVED_BY_ACCOUNT_MANAGERS = {"crm.contact", "crm.customertag", "crm.customfield", "crm.document", "crm.domain"}
KEPT_BY_THEIR_OWNERS = {"crm.activity", "crm.export", "crm.segment", "crm.task"}

WRITTEN_BY_IMPORTS = {
    "billing.balance",
    "billing.grant",
    "billing.invoice",
    "billing.invoiceline",
    "billing.license",
    "billing.rollover",
    "billing.trialused",
}
REMOVED_BY_BILLING = {"billing.creditcost", "billing.planitem"}


def make_roles(apps, schema_editor):
    database = schema_editor.connection.alias
    _make_permissions(apps, database)
    readable = _models(apps) - UNSEEN
    billing = {label for label in readable if label.startswith("billing.")} - WRITTEN_BY_IMPORTS
    added = (readable - COMPUTED) | ADMINISTRATION
    allowed = {
        "Viewer": {"view": readable},
        "Account manager": {
            "view": readable,
            "add": ACCOUNTS | {"crm.export", "billing.subscription"},
            "change": ACCOUNTS | DECIDED | {"billing.balance", "billing.subscription"},
            "delete": REMOVED_BY_ACCOUNT_MANAGERS,
        },
        "Billing operations": {
            "view": readable,
            "add": billing,
            "change": billing | {"billing.balance", "billing.invoice"},
            "delete": REMOVED_BY_BILLING,
        },
        "Administrator": {
            "view": readable | ADMINISTRATION,
            "add": added,
            "change": (added - {"crm.export"}) | DECIDED,
            "delete": added - KEPT_BY_THEIR_OWNERS,
        },
    }
    known = {
        (f"{row.content_type.app_label}.{row.content_type.model}", row.codename): row
        for row in apps.get_model("auth", "Permission").objects.using(database).select_related("content_type")
    }
    groups = apps.get_model("auth", "Group").objects.using(database)
    for role in ROLES:
        group, _ = groups.get_or_create(name=role)
        wanted = [
            (label, f"{verb}_{label.partition('.')[2]}")
            for verb, labels in allowed[role].items()
            for label in labels
        ]
        # Models of later migrations of other apps may be here already, and have fewer permissions.
        group.permissions.add(*(known[permission] for permission in wanted if permission in known))
        if role in ("Account manager", "Administrator"):
            group.permissions.add(known["crm.merge", "merge_customers"])


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=ROLES).delete()


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
        # Models that came in later versions may have no permissions.
        if not model._meta.model_name.startswith("historical") and model._meta.default_permissions
    }


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0001_schema"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("axes", "__first__"),
        ("mfa", "__first__"),
    ]
    operations = [migrations.RunPython(make_roles, remove_roles)]
