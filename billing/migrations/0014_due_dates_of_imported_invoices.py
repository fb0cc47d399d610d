"""Imported open invoices without a due date get the one that an import gives them now, by their customer's terms.

Imports leave a document that did not change alone, so a new one would not do it.
"""

from datetime import timedelta

from django.conf import settings
from django.db import migrations

_BATCH = 500


def give_due_dates(apps, schema_editor):
    invoices = apps.get_model("billing", "Invoice").objects.filter(
        imported=True, number="", status="open", due_at=None, total__gt=0
    )
    accounts = apps.get_model("billing", "BillingAccount").objects.exclude(payment_terms_days=None)
    days = {
        (customer, came_with): count
        for customer, came_with, count in accounts.values_list(
            "customer_id", "came_with_id", "payment_terms_days"
        )
    }
    default = getattr(settings, "INVOICE_DUE_DAYS", 45)
    pending = []
    for invoice in invoices.only("pk", "customer_id", "came_with_id", "created_at").iterator(_BATCH):
        count = days.get((invoice.customer_id, invoice.came_with_id), default)
        invoice.due_at = invoice.created_at + timedelta(days=count)
        pending.append(invoice)
    for start in range(0, len(pending), _BATCH):
        invoices.model.objects.bulk_update(pending[start : start + _BATCH], ["due_at"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_late_usage")]
    operations = [migrations.RunPython(give_due_dates, migrations.RunPython.noop)]
