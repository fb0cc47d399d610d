"""Reversals of payments, which are written once as payments are."""

import django.db.models.deletion
from django.db import migrations, models

import customers.clock
import customers.typed_ids

_TABLE = "billing_paymentreversal"


def _guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {_TABLE}_written_once BEFORE UPDATE OR DELETE ON {_TABLE}"
            " FOR EACH ROW EXECUTE FUNCTION billing_written_once()"
        )
        return
    for verb in ("update", "delete"):
        schema_editor.execute(
            f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE}"
            f" BEGIN SELECT RAISE(ABORT, '{_TABLE} is written once: correct it by another row'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_grants_follow_their_balance")]
    operations = [
        migrations.CreateModel(
            name="PaymentReversal",
            fields=[
                (
                    "id",
                    customers.typed_ids.TypedIdField(
                        editable=False, prefix="pmtrev", primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField()),
                ("reversed_at", models.DateTimeField(default=customers.clock.now)),
                ("reversed_by", models.CharField(blank=True)),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversal",
                        to="billing.payment",
                    ),
                ),
            ],
            options={"ordering": ["reversed_at", "id"]},
        ),
        # Its triggers fall with the table.
        migrations.RunPython(_guard, migrations.RunPython.noop),
    ]
