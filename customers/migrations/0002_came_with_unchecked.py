"""PostgreSQL does not check a second time whose customer a row was before a merge."""

import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._postgresql_only import AlterOnPostgreSQL
from customers.migrations._together import Together

_MODELS = (
    "address",
    "business",
    "paymentmethod",
    "sourcerecord",
)


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_schema")]
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
