"""An invoice that only changes its customer is not looked at, on PostgreSQL, for what an issued one may not change."""

from django.db import migrations

_GUARDED = (
    "number, currency, total, created_at, issued_at, due_at, period_start, period_end, subscription_id, tax_rate,"
    " no_tax_reason, bill_to, plan_ids"
)


def _make(schema_editor, verbs):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER billing_invoice_stays ON billing_invoice")
        schema_editor.execute(
            f"CREATE TRIGGER billing_invoice_stays BEFORE {verbs} OR DELETE ON billing_invoice"
            " FOR EACH ROW EXECUTE FUNCTION billing_invoice_stays()"
        )


def only_guarded(apps, schema_editor):
    _make(schema_editor, f"UPDATE OF {_GUARDED}")


def all_columns(apps, schema_editor):
    _make(schema_editor, "UPDATE")


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_came_with_unchecked")]
    operations = [migrations.RunPython(only_guarded, all_columns)]
