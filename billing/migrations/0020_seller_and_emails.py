"""The seller's details, which an invoice keeps from when it is issued, and emails with invoices.

`bill_from` is nullable, since SQLite would rebuild the table of invoices for another column and drop its triggers.
"""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


_STAYS = "billing_invoice_seller_stays"
_REFUSAL = "an issued invoice never changes: correct it by a credit note"


def _guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"""
            CREATE FUNCTION {_STAYS}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = '23514';
            END $$"""
        )
        schema_editor.execute(
            f"""
            CREATE TRIGGER {_STAYS} BEFORE UPDATE OF bill_from ON billing_invoice FOR EACH ROW
            WHEN (OLD.number <> '' AND OLD.bill_from IS DISTINCT FROM NEW.bill_from)
            EXECUTE FUNCTION {_STAYS}()"""
        )
        return
    schema_editor.execute(
        f"""
        CREATE TRIGGER {_STAYS} BEFORE UPDATE ON billing_invoice
        WHEN OLD.number <> '' AND OLD.bill_from IS NOT NEW.bill_from
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"""
    )


def _unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION {_STAYS} CASCADE")
    else:
        schema_editor.execute(f"DROP TRIGGER {_STAYS}")


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0019_take_kept_controls'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalinvoice',
            name='bill_from',
            field=models.JSONField(blank=True, editable=False, help_text="The seller's details when it was issued.", null=True),
        ),
        migrations.AddField(
            model_name='invoice',
            name='bill_from',
            field=models.JSONField(blank=True, editable=False, help_text="The seller's details when it was issued.", null=True),
        ),
        migrations.CreateModel(
            name='HistoricalSeller',
            fields=[
                ('id', models.PositiveSmallIntegerField(db_index=True, default=1, editable=False)),
                ('name', models.CharField(max_length=400, verbose_name='legal name')),
                ('line1', models.CharField(blank=True, max_length=1000, verbose_name='address')),
                ('line2', models.CharField(blank=True, max_length=1000, verbose_name='address, second line')),
                ('postal_code', models.CharField(blank=True, max_length=255)),
                ('city', models.CharField(blank=True, max_length=1000)),
                ('state', models.CharField(blank=True, max_length=1000, verbose_name='state or region')),
                ('country', models.CharField(blank=True, max_length=2)),
                ('tax_id', models.CharField(blank=True, help_text='The VAT or tax number, with its country prefix.', max_length=255, verbose_name='tax ID')),
                ('company_number', models.CharField(blank=True, help_text='The number in the company register.', max_length=255)),
                ('email', models.CharField(blank=True, help_text='Replies to invoices sent by email go to this address.', max_length=320)),
                ('payment_instructions', models.TextField(blank=True, help_text='Bank details and how to pay, printed on invoices that are due.', max_length=2000)),
                ('updated_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical seller',
                'verbose_name_plural': 'historical seller',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='InvoiceEmail',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='mail', primary_key=True, serialize=False)),
                ('attachment', models.CharField(help_text='The name of the attached file.')),
                ('recipients', models.JSONField(default=list)),
                ('subject', models.CharField()),
                ('text', models.TextField()),
                ('status', models.CharField(choices=[('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed')], default='sending', max_length=10)),
                ('error', models.CharField(blank=True, help_text='Why it failed.', verbose_name='reason')),
                ('sent_at', models.DateTimeField(default=customers.clock.now)),
                ('sent_by', models.CharField(blank=True)),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='billing.invoice')),
            ],
            options={
                'ordering': ['sent_at', 'id'],
                'verbose_name': 'sent email',
            },
        ),
        migrations.CreateModel(
            name='Seller',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=400, verbose_name='legal name')),
                ('line1', models.CharField(blank=True, max_length=1000, verbose_name='address')),
                ('line2', models.CharField(blank=True, max_length=1000, verbose_name='address, second line')),
                ('postal_code', models.CharField(blank=True, max_length=255)),
                ('city', models.CharField(blank=True, max_length=1000)),
                ('state', models.CharField(blank=True, max_length=1000, verbose_name='state or region')),
                ('country', models.CharField(blank=True, max_length=2)),
                ('tax_id', models.CharField(blank=True, help_text='The VAT or tax number, with its country prefix.', max_length=255, verbose_name='tax ID')),
                ('company_number', models.CharField(blank=True, help_text='The number in the company register.', max_length=255)),
                ('email', models.CharField(blank=True, help_text='Replies to invoices sent by email go to this address.', max_length=320)),
                ('payment_instructions', models.TextField(blank=True, help_text='Bank details and how to pay, printed on invoices that are due.', max_length=2000)),
                ('updated_at', models.DateTimeField(default=customers.clock.now, editable=False)),
            ],
            options={
                'verbose_name_plural': 'seller',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='seller_once')],
            },
        ),
        migrations.RunPython(_guard, _unguard),
    ]
