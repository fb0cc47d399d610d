"""PostgreSQL does not check a second time whose customer a row was before a merge."""

import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._postgresql_only import AlterOnPostgreSQL
from customers.migrations._together import Together

_MODELS = (
    "activity",
    "company",
    "contact",
    "customertag",
    "customfield",
    "document",
    "domain",
    "healthscore",
    "mergedrecord",
    "note",
    "relationship",
    "task",
    "worklistdecision",
)


class Migration(migrations.Migration):
    dependencies = [("crm", "0003_search_indexes"), ("customers", "0002_came_with_unchecked")]
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
