"""PostgreSQL does not check a second time whose customer a row was before a merge."""

import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._postgresql_only import AlterOnPostgreSQL
from customers.migrations._together import Together

_MODELS = (
    "autotopup",
    "balance",
    "billingaccount",
    "discount",
    "entity",
    "flag",
    "grant",
    "invoice",
    "license",
    "purchase",
    "referral",
    "rollover",
    "spendlimit",
    "subscription",
    "trialused",
    "usagealert",
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_trials_and_past_due"), ("customers", "0002_came_with_unchecked")]
    operations = [
        Together(
            [
            AlterOnPostgreSQL(
                name,
                "came_with",
                models.ForeignKey(
                    blank=True,
                    db_constraint=False,
                    db_index=False,
                    editable=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.customer",
                ),
            )
            for name in _MODELS
            ]
        )
    ]
