"""Rewritten labels, help texts and messages, and a prefix for payments: the tables stay as they are.

Only the state changes, since SQLite would rebuild every table for it and drop its triggers.
"""

import billing.models.figures
import customers.clock
import customers.typed_ids
import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._state_only import StateOnly


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_invoices_that_move'),
        ('customers', '0002_came_with_unchecked'),
    ]

    operations = [
        StateOnly(
            state_operations=[
                migrations.AlterModelOptions(
                    name='historicaltrialused',
                    options={'get_latest_by': ('history_date', 'history_id'), 'ordering': ('-history_date', '-history_id'), 'verbose_name': 'historical used trial', 'verbose_name_plural': 'historical trial history'},
                ),
                migrations.AlterModelOptions(
                    name='ledgerentry',
                    options={'ordering': ['posting_id', 'number'], 'verbose_name': 'ledger line'},
                ),
                migrations.AlterModelOptions(
                    name='posting',
                    options={'ordering': ['-occurred_at', '-id'], 'verbose_name': 'ledger entry', 'verbose_name_plural': 'ledger entries'},
                ),
                migrations.AlterModelOptions(
                    name='trialused',
                    options={'ordering': ['position', 'id'], 'verbose_name': 'used trial', 'verbose_name_plural': 'trial history'},
                ),
                migrations.AlterField(
                    model_name='autotopup',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='Off when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='autotopup',
                    name='limit',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most purchases in one interval.', max_digits=25, null=True, verbose_name='purchase limit'),
                ),
                migrations.AlterField(
                    model_name='autotopup',
                    name='quantity',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The amount bought each time.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='autotopup',
                    name='threshold',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The balance below which more is bought.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='balance',
                    name='max_purchase',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most overage. Leave blank for no limit.', max_digits=25, null=True, verbose_name='overage limit'),
                ),
                migrations.AlterField(
                    model_name='balance',
                    name='overage_allowed',
                    field=models.BooleanField(default=False, help_text='Usage is accepted after the balance reaches 0.'),
                ),
                migrations.AlterField(
                    model_name='balance',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='metadata',
                    field=models.JSONField(blank=True, default=dict, help_text='Notes of the billing platform: a JSON object.'),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='no_tax_reason',
                    field=models.CharField(blank=True, help_text='Printed on invoices without tax, such as “reverse charge”.', verbose_name='reason for no tax'),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='payment_method',
                    field=models.JSONField(blank=True, help_text='As the billing platform describes it.', null=True),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='payment_terms_days',
                    field=models.PositiveIntegerField(blank=True, help_text='Days until an invoice is due. Leave blank for the default terms.', null=True, verbose_name='payment terms (days)'),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='send_email_receipts',
                    field=models.BooleanField(default=False, verbose_name='send email receipts'),
                ),
                migrations.AlterField(
                    model_name='billingaccount',
                    name='tax_rate',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='A percentage on every invoice, such as 19. Leave blank for no tax.', max_digits=25, null=True),
                ),
                migrations.AlterField(
                    model_name='creditcost',
                    name='credit_cost',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='Credits per unit.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='creditnote',
                    name='number',
                    field=models.CharField(help_text='Assigned when it is issued.', max_length=40, unique=True),
                ),
                migrations.AlterField(
                    model_name='creditnote',
                    name='tax',
                    field=models.BigIntegerField(default=0, help_text='The part of the total that is tax.'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='discount_id',
                    field=models.CharField(max_length=255, verbose_name='discount ID'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='discount_value',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text="A percentage, or an amount in the discount's currency.", max_digits=25, verbose_name='value'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='duration_type',
                    field=models.CharField(choices=[('one_off', 'Once'), ('months', 'Months'), ('forever', 'Forever')], max_length=10, verbose_name='duration'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='duration_value',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='number of months'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='spent',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, editable=False, help_text="Used by invoices, in the discount's currency.", max_digits=25),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='subscription_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='subscription ID'),
                ),
                migrations.AlterField(
                    model_name='discount',
                    name='total_discount_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='total discount'),
                ),
                migrations.AlterField(
                    model_name='entity',
                    name='customer_external_id',
                    field=models.CharField(blank=True, editable=False, max_length=255, null=True, verbose_name="customer's external ID"),
                ),
                migrations.AlterField(
                    model_name='entity',
                    name='entity_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='entity ID'),
                ),
                migrations.AlterField(
                    model_name='entity',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='entity',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='archived',
                    field=models.BooleanField(default=False, help_text='No longer sold. Existing balances stay.'),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='consumable',
                    field=models.BooleanField(default=True, help_text='Used up and granted again, like API calls. Off for what is held, like seats or storage.'),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='display_plural',
                    field=models.CharField(blank=True, null=True, verbose_name='plural unit'),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='display_singular',
                    field=models.CharField(blank=True, null=True, verbose_name='singular unit'),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='event_names',
                    field=models.JSONField(blank=True, help_text='Events that count as usage of this feature: a list of names.', null=True),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='feature_id',
                    field=models.CharField(help_text='The ID in documents, such as api_calls.', max_length=255, unique=True, verbose_name='feature ID'),
                ),
                migrations.AlterField(
                    model_name='feature',
                    name='is_stub',
                    field=models.BooleanField(default=False, help_text='Only its ID is known so far. Complete it, or import its description.', verbose_name='stub'),
                ),
                migrations.AlterField(
                    model_name='flag',
                    name='flag_id',
                    field=models.CharField(help_text='The ID in the billing document.', max_length=255, verbose_name='flag ID'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='adjusted',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, help_text='The part of the included amount added by adjustments. The next reset removes it.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='anchor_day',
                    field=models.PositiveSmallIntegerField(blank=True, editable=False, help_text='The day of the month on which it resets. Shorter months use their last day.', null=True),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='billing_method',
                    field=models.CharField(blank=True, choices=[('prepaid', 'Prepaid'), ('usage_based', 'Usage-based')], help_text='Blank if the grant has no price.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='ended_at',
                    field=models.DateTimeField(blank=True, help_text='When it stopped counting toward the balance.', null=True),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='entries',
                    field=models.PositiveBigIntegerField(default=0, editable=False, help_text='The number of ledger lines.'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='grant_id',
                    field=models.CharField(blank=True, help_text='The ID in the billing document.', max_length=255, verbose_name='grant ID'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='included_grant',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, max_digits=25, verbose_name='included'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='max_purchase',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='overage limit'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='plan',
                    field=models.ForeignKey(blank=True, help_text='Blank for a standalone grant.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='billing.plan'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='prepaid_grant',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, max_digits=25, verbose_name='prepaid'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='price_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='price'),
                ),
                migrations.AlterField(
                    model_name='grant',
                    name='reset_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], help_text='Blank if it never resets.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalautotopup',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='Off when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalautotopup',
                    name='limit',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most purchases in one interval.', max_digits=25, null=True, verbose_name='purchase limit'),
                ),
                migrations.AlterField(
                    model_name='historicalautotopup',
                    name='quantity',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The amount bought each time.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='historicalautotopup',
                    name='threshold',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The balance below which more is bought.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='historicalbalance',
                    name='max_purchase',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most overage. Leave blank for no limit.', max_digits=25, null=True, verbose_name='overage limit'),
                ),
                migrations.AlterField(
                    model_name='historicalbalance',
                    name='overage_allowed',
                    field=models.BooleanField(default=False, help_text='Usage is accepted after the balance reaches 0.'),
                ),
                migrations.AlterField(
                    model_name='historicalbalance',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='metadata',
                    field=models.JSONField(blank=True, default=dict, help_text='Notes of the billing platform: a JSON object.'),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='no_tax_reason',
                    field=models.CharField(blank=True, help_text='Printed on invoices without tax, such as “reverse charge”.', verbose_name='reason for no tax'),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='payment_method',
                    field=models.JSONField(blank=True, help_text='As the billing platform describes it.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='payment_terms_days',
                    field=models.PositiveIntegerField(blank=True, help_text='Days until an invoice is due. Leave blank for the default terms.', null=True, verbose_name='payment terms (days)'),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='send_email_receipts',
                    field=models.BooleanField(default=False, verbose_name='send email receipts'),
                ),
                migrations.AlterField(
                    model_name='historicalbillingaccount',
                    name='tax_rate',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='A percentage on every invoice, such as 19. Leave blank for no tax.', max_digits=25, null=True),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='discount_id',
                    field=models.CharField(max_length=255, verbose_name='discount ID'),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='discount_value',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text="A percentage, or an amount in the discount's currency.", max_digits=25, verbose_name='value'),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='duration_type',
                    field=models.CharField(choices=[('one_off', 'Once'), ('months', 'Months'), ('forever', 'Forever')], max_length=10, verbose_name='duration'),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='duration_value',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='number of months'),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='spent',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, editable=False, help_text="Used by invoices, in the discount's currency.", max_digits=25),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='subscription_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='subscription ID'),
                ),
                migrations.AlterField(
                    model_name='historicaldiscount',
                    name='total_discount_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='total discount'),
                ),
                migrations.AlterField(
                    model_name='historicalentity',
                    name='customer_external_id',
                    field=models.CharField(blank=True, editable=False, max_length=255, null=True, verbose_name="customer's external ID"),
                ),
                migrations.AlterField(
                    model_name='historicalentity',
                    name='entity_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='entity ID'),
                ),
                migrations.AlterField(
                    model_name='historicalentity',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='historicalentity',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='archived',
                    field=models.BooleanField(default=False, help_text='No longer sold. Existing balances stay.'),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='consumable',
                    field=models.BooleanField(default=True, help_text='Used up and granted again, like API calls. Off for what is held, like seats or storage.'),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='display_plural',
                    field=models.CharField(blank=True, null=True, verbose_name='plural unit'),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='display_singular',
                    field=models.CharField(blank=True, null=True, verbose_name='singular unit'),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='event_names',
                    field=models.JSONField(blank=True, help_text='Events that count as usage of this feature: a list of names.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='feature_id',
                    field=models.CharField(db_index=True, help_text='The ID in documents, such as api_calls.', max_length=255, verbose_name='feature ID'),
                ),
                migrations.AlterField(
                    model_name='historicalfeature',
                    name='is_stub',
                    field=models.BooleanField(default=False, help_text='Only its ID is known so far. Complete it, or import its description.', verbose_name='stub'),
                ),
                migrations.AlterField(
                    model_name='historicalflag',
                    name='flag_id',
                    field=models.CharField(help_text='The ID in the billing document.', max_length=255, verbose_name='flag ID'),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='anchor_day',
                    field=models.PositiveSmallIntegerField(blank=True, editable=False, help_text='The day of the month on which it resets. Shorter months use their last day.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='billing_method',
                    field=models.CharField(blank=True, choices=[('prepaid', 'Prepaid'), ('usage_based', 'Usage-based')], help_text='Blank if the grant has no price.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='ended_at',
                    field=models.DateTimeField(blank=True, help_text='When it stopped counting toward the balance.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='grant_id',
                    field=models.CharField(blank=True, help_text='The ID in the billing document.', max_length=255, verbose_name='grant ID'),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='max_purchase',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='overage limit'),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='plan',
                    field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Blank for a standalone grant.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.plan'),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='price_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='price'),
                ),
                migrations.AlterField(
                    model_name='historicalgrant',
                    name='reset_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], help_text='Blank if it never resets.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='bill_to',
                    field=models.JSONField(blank=True, default=dict, help_text='Name, address and tax ID when it was issued.'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='closed_at',
                    field=models.DateTimeField(blank=True, help_text='When it was paid in full, voided or marked uncollectible.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='credited',
                    field=models.BigIntegerField(default=0, help_text='Credited by credit notes, in minor units.'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='currency',
                    field=models.CharField(help_text='An ISO 4217 code, such as USD.', max_length=3),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='hosted_invoice_url',
                    field=models.CharField(blank=True, null=True, verbose_name='hosted invoice URL'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='number',
                    field=models.CharField(blank=True, editable=False, help_text='Assigned when the invoice is issued.', max_length=40),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='paid',
                    field=models.BigIntegerField(default=0, help_text='Paid so far, in minor units.'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='plan_ids',
                    field=models.JSONField(blank=True, default=list, help_text='The plans billed.', verbose_name='plan IDs'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='status',
                    field=models.CharField(help_text='As received: draft, open, paid, void or uncollectible.', max_length=50),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='stripe_id',
                    field=models.CharField(blank=True, max_length=255, verbose_name='Stripe ID'),
                ),
                migrations.AlterField(
                    model_name='historicalinvoice',
                    name='tax_rate',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='A percentage.', max_digits=25, null=True),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='add_on',
                    field=models.BooleanField(default=False, help_text='Sold in addition to another plan.', verbose_name='add-on'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='archived',
                    field=models.BooleanField(default=False, help_text='No longer sold. Customers who have it keep it.'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='auto_enable',
                    field=models.BooleanField(default=False, help_text='Attached to every new customer.', verbose_name='auto-enabled'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='base_variant_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='base variant ID'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='currency',
                    field=models.CharField(help_text='An ISO 4217 code, such as USD.', max_length=3),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='group',
                    field=models.CharField(blank=True, help_text='A customer has at most one plan of a group at a time.', max_length=255, null=True),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='is_stub',
                    field=models.BooleanField(default=False, help_text='Only its ID is known so far. Complete it, or import its description.', verbose_name='stub'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='plan_id',
                    field=models.CharField(help_text='The ID in documents, such as pro.', max_length=255, verbose_name='plan ID'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='price_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The base price. Leave blank for none.', max_digits=25, null=True, verbose_name='price'),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='price_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalplan',
                    name='trial_once_per_fingerprint',
                    field=models.BooleanField(default=False, help_text='Refuse the trial if another customer with the same fingerprint had it.', verbose_name='trial once per fingerprint'),
                ),
                migrations.AlterField(
                    model_name='historicalpurchase',
                    name='expires_at',
                    field=models.DateTimeField(blank=True, help_text='Leave blank if it never expires.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalpurchase',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalreferral',
                    name='program_id',
                    field=models.CharField(max_length=255, verbose_name='program ID'),
                ),
                migrations.AlterField(
                    model_name='historicalreferral',
                    name='referred_email',
                    field=models.CharField(blank=True, null=True, verbose_name="referred customer's email"),
                ),
                migrations.AlterField(
                    model_name='historicalreferral',
                    name='referred_id',
                    field=models.CharField(max_length=255, verbose_name="referred customer's ID"),
                ),
                migrations.AlterField(
                    model_name='historicalreferral',
                    name='referred_name',
                    field=models.CharField(blank=True, null=True, verbose_name="referred customer's name"),
                ),
                migrations.AlterField(
                    model_name='historicalrollover',
                    name='ended_at',
                    field=models.DateTimeField(blank=True, help_text='When it stopped counting toward the balance.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalrollover',
                    name='expires_at',
                    field=models.DateTimeField(blank=True, help_text='Blank if it never expires.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalspendlimit',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='Off when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='add_on',
                    field=models.BooleanField(default=False, help_text='Sold in addition to another plan.', verbose_name='add-on'),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='anchor_day',
                    field=models.PositiveSmallIntegerField(blank=True, editable=False, help_text='The day of the month on which it renews. Shorter months use their last day.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='auto_enable',
                    field=models.BooleanField(default=False, verbose_name='auto-enabled'),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='billed_here',
                    field=models.BooleanField(default=False, editable=False, help_text='Invoiced here, not by the billing platform.'),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='canceled_at',
                    field=models.DateTimeField(blank=True, help_text='When the cancellation was requested.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='follows',
                    field=models.ForeignKey(blank=True, db_constraint=False, editable=False, help_text='The subscription that this one replaces.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.subscription', verbose_name='replaces'),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='past_due',
                    field=models.BooleanField(default=False, help_text="One of its invoices wasn't paid in time."),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='prepaid_quantities',
                    field=models.JSONField(blank=True, default=dict, editable=False, help_text='Prepaid units by feature ID.'),
                ),
                migrations.AlterField(
                    model_name='historicalsubscription',
                    name='subscription_id',
                    field=models.CharField(help_text='The ID in the billing document.', max_length=255, verbose_name='subscription ID'),
                ),
                migrations.AlterField(
                    model_name='historicaltrialused',
                    name='customer_external_id',
                    field=models.CharField(help_text='The customer who had the trial, in the billing document.', max_length=255, verbose_name="customer's external ID"),
                ),
                migrations.AlterField(
                    model_name='historicalusagealert',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='On when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalusagealert',
                    name='threshold_type',
                    field=models.CharField(choices=[('usage', 'Units used'), ('usage_percentage', 'Percentage used')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='bill_to',
                    field=models.JSONField(blank=True, default=dict, help_text='Name, address and tax ID when it was issued.'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='closed_at',
                    field=models.DateTimeField(blank=True, help_text='When it was paid in full, voided or marked uncollectible.', null=True),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='credited',
                    field=models.BigIntegerField(default=0, help_text='Credited by credit notes, in minor units.'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='currency',
                    field=models.CharField(help_text='An ISO 4217 code, such as USD.', max_length=3),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='hosted_invoice_url',
                    field=models.CharField(blank=True, null=True, verbose_name='hosted invoice URL'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='number',
                    field=models.CharField(blank=True, editable=False, help_text='Assigned when the invoice is issued.', max_length=40),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='paid',
                    field=models.BigIntegerField(default=0, help_text='Paid so far, in minor units.'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='plan_ids',
                    field=models.JSONField(blank=True, default=list, help_text='The plans billed.', verbose_name='plan IDs'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='status',
                    field=models.CharField(help_text='As received: draft, open, paid, void or uncollectible.', max_length=50),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='stripe_id',
                    field=models.CharField(blank=True, max_length=255, verbose_name='Stripe ID'),
                ),
                migrations.AlterField(
                    model_name='invoice',
                    name='tax_rate',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='A percentage.', max_digits=25, null=True),
                ),
                migrations.AlterField(
                    model_name='invoiceline',
                    name='discount_key',
                    field=customers.typed_ids.TypedIdField(blank=True, editable=False, help_text='The discount behind the line.', null=True, prefix='disc'),
                ),
                migrations.AlterField(
                    model_name='invoiceline',
                    name='kind',
                    field=models.CharField(choices=[('base', 'Base price'), ('prepaid', 'Prepaid'), ('usage', 'Overage'), ('proration', 'Proration'), ('credit', 'Credit'), ('discount', 'Discount'), ('tax', 'Tax')], default='base', max_length=10),
                ),
                migrations.AlterField(
                    model_name='ledgerentry',
                    name='after',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The figure after the change.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='ledgerentry',
                    name='amount',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='Negative for a deduction.', max_digits=25, verbose_name='change'),
                ),
                migrations.AlterField(
                    model_name='ledgerentry',
                    name='figure',
                    field=models.CharField(choices=[('included_grant', 'Included'), ('prepaid_grant', 'Prepaid'), ('usage', 'Used'), ('granted', 'Carried over'), ('left', 'Remaining of what was carried over')], max_length=14),
                ),
                migrations.AlterField(
                    model_name='ledgerentry',
                    name='posting',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='billing.posting', verbose_name='ledger entry'),
                ),
                migrations.AlterField(
                    model_name='payment',
                    name='id',
                    field=customers.typed_ids.TypedIdField(also=('pay',), editable=False, prefix='pmt', primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='payment',
                    name='reference',
                    field=models.CharField(blank=True, help_text='For example, the bank reference.'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='add_on',
                    field=models.BooleanField(default=False, help_text='Sold in addition to another plan.', verbose_name='add-on'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='archived',
                    field=models.BooleanField(default=False, help_text='No longer sold. Customers who have it keep it.'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='auto_enable',
                    field=models.BooleanField(default=False, help_text='Attached to every new customer.', verbose_name='auto-enabled'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='base_variant_id',
                    field=models.CharField(blank=True, max_length=255, null=True, verbose_name='base variant ID'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='currency',
                    field=models.CharField(help_text='An ISO 4217 code, such as USD.', max_length=3),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='group',
                    field=models.CharField(blank=True, help_text='A customer has at most one plan of a group at a time.', max_length=255, null=True),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='is_stub',
                    field=models.BooleanField(default=False, help_text='Only its ID is known so far. Complete it, or import its description.', verbose_name='stub'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='plan_id',
                    field=models.CharField(help_text='The ID in documents, such as pro.', max_length=255, verbose_name='plan ID'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='price_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The base price. Leave blank for none.', max_digits=25, null=True, verbose_name='price'),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='price_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='plan',
                    name='trial_once_per_fingerprint',
                    field=models.BooleanField(default=False, help_text='Refuse the trial if another customer with the same fingerprint had it.', verbose_name='trial once per fingerprint'),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='billing_method',
                    field=models.CharField(blank=True, choices=[('prepaid', 'Prepaid'), ('usage_based', 'Usage-based')], help_text='Leave blank if the item has no price of its own.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='billing_units',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='Units that one price buys.', max_digits=25, null=True, verbose_name='pack size'),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='included',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, help_text='The amount granted per unit of the plan.', max_digits=25),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='max_purchase',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most that can be bought. Leave blank for no limit.', max_digits=25, null=True, verbose_name='purchase limit'),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='price_amount',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text="The price of one pack, in the plan's currency.", max_digits=25, null=True, verbose_name='price'),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='price_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='price_tiers',
                    field=models.JSONField(blank=True, help_text='Tiers in place of one price: a list of objects with to, amount and flat_amount.', null=True),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='reset_interval',
                    field=models.CharField(blank=True, choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], help_text='How often usage returns to 0. Leave blank for never.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='rollover_expiry_unit',
                    field=models.CharField(blank=True, choices=[('month', 'Months'), ('forever', 'Forever')], help_text='Leave blank if nothing is carried over.', max_length=10),
                ),
                migrations.AlterField(
                    model_name='planitem',
                    name='rollover_max',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='The most that is carried over. Leave blank for all of it.', max_digits=25, null=True, verbose_name='rollover limit'),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='amount',
                    field=billing.models.figures.FigureField(decimal_places=10, help_text='The amount requested, in units of the feature.', max_digits=25, null=True),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='answer',
                    field=models.JSONField(null=True, verbose_name='response'),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='digest',
                    field=models.CharField(blank=True, help_text='SHA-256 of the request sent with the key.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='done_by',
                    field=models.CharField(help_text='A user, a command or an import.'),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='occurred_at',
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name='posting',
                    name='recorded_at',
                    field=models.DateTimeField(default=customers.clock.now, help_text='When it was recorded here.'),
                ),
                migrations.AlterField(
                    model_name='purchase',
                    name='expires_at',
                    field=models.DateTimeField(blank=True, help_text='Leave blank if it never expires.', null=True),
                ),
                migrations.AlterField(
                    model_name='purchase',
                    name='removed_at',
                    field=models.DateTimeField(blank=True, help_text='When the billing platform stopped listing it.', null=True),
                ),
                migrations.AlterField(
                    model_name='referral',
                    name='program_id',
                    field=models.CharField(max_length=255, verbose_name='program ID'),
                ),
                migrations.AlterField(
                    model_name='referral',
                    name='referred_email',
                    field=models.CharField(blank=True, null=True, verbose_name="referred customer's email"),
                ),
                migrations.AlterField(
                    model_name='referral',
                    name='referred_id',
                    field=models.CharField(max_length=255, verbose_name="referred customer's ID"),
                ),
                migrations.AlterField(
                    model_name='referral',
                    name='referred_name',
                    field=models.CharField(blank=True, null=True, verbose_name="referred customer's name"),
                ),
                migrations.AlterField(
                    model_name='rollover',
                    name='ended_at',
                    field=models.DateTimeField(blank=True, help_text='When it stopped counting toward the balance.', null=True),
                ),
                migrations.AlterField(
                    model_name='rollover',
                    name='entries',
                    field=models.PositiveBigIntegerField(default=0, editable=False, help_text='The number of ledger lines.'),
                ),
                migrations.AlterField(
                    model_name='rollover',
                    name='expires_at',
                    field=models.DateTimeField(blank=True, help_text='Blank if it never expires.', null=True),
                ),
                migrations.AlterField(
                    model_name='rollover',
                    name='granted',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, max_digits=25, verbose_name='carried over'),
                ),
                migrations.AlterField(
                    model_name='rollover',
                    name='left',
                    field=billing.models.figures.FigureField(decimal_places=10, default=0, max_digits=25, verbose_name='remaining'),
                ),
                migrations.AlterField(
                    model_name='spendlimit',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='Off when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='add_on',
                    field=models.BooleanField(default=False, help_text='Sold in addition to another plan.', verbose_name='add-on'),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='anchor_day',
                    field=models.PositiveSmallIntegerField(blank=True, editable=False, help_text='The day of the month on which it renews. Shorter months use their last day.', null=True),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='auto_enable',
                    field=models.BooleanField(default=False, verbose_name='auto-enabled'),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='billed_here',
                    field=models.BooleanField(default=False, editable=False, help_text='Invoiced here, not by the billing platform.'),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='canceled_at',
                    field=models.DateTimeField(blank=True, help_text='When the cancellation was requested.', null=True),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='follows',
                    field=models.ForeignKey(blank=True, editable=False, help_text='The subscription that this one replaces.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followed_by', to='billing.subscription', verbose_name='replaces'),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='past_due',
                    field=models.BooleanField(default=False, help_text="One of its invoices wasn't paid in time."),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='prepaid_quantities',
                    field=models.JSONField(blank=True, default=dict, editable=False, help_text='Prepaid units by feature ID.'),
                ),
                migrations.AlterField(
                    model_name='subscription',
                    name='subscription_id',
                    field=models.CharField(help_text='The ID in the billing document.', max_length=255, verbose_name='subscription ID'),
                ),
                migrations.AlterField(
                    model_name='trialused',
                    name='customer_external_id',
                    field=models.CharField(help_text='The customer who had the trial, in the billing document.', max_length=255, verbose_name="customer's external ID"),
                ),
                migrations.AlterField(
                    model_name='usagealert',
                    name='enabled',
                    field=models.BooleanField(blank=True, help_text='On when unknown.', null=True),
                ),
                migrations.AlterField(
                    model_name='usagealert',
                    name='threshold_type',
                    field=models.CharField(choices=[('usage', 'Units used'), ('usage_percentage', 'Percentage used')], max_length=20),
                ),
                migrations.AlterConstraint(
                    model_name='balance',
                    name='balance_once_per_feature',
                    constraint=models.UniqueConstraint(fields=('customer', 'feature'), name='balance_once_per_feature', violation_error_message='The customer already has a balance of this feature.'),
                ),
                migrations.AlterConstraint(
                    model_name='billingaccount',
                    name='account_tax_rate_in_range',
                    constraint=models.CheckConstraint(condition=models.Q(('tax_rate', None), models.Q(('tax_rate__gte', 0), ('tax_rate__lte', 100)), _connector='OR'), name='account_tax_rate_in_range', violation_error_message='Enter a tax rate from 0 to 100.'),
                ),
                migrations.AlterConstraint(
                    model_name='billingaccount',
                    name='account_payment_terms_in_range',
                    constraint=models.CheckConstraint(condition=models.Q(('payment_terms_days', None), ('payment_terms_days__lte', 3650), _connector='OR'), name='account_payment_terms_in_range', violation_error_message='Enter at most 3,650 days.'),
                ),
                migrations.AlterConstraint(
                    model_name='creditcost',
                    name='credit_cost_once_per_feature',
                    constraint=models.UniqueConstraint(fields=('credit_system', 'metered_feature'), name='credit_cost_once_per_feature', violation_error_message='This credit system already has a cost for that feature.'),
                ),
                migrations.AlterConstraint(
                    model_name='creditnote',
                    name='credit_note_above_zero',
                    constraint=models.CheckConstraint(condition=models.Q(('total__gt', 0)), name='credit_note_above_zero', violation_error_message='Enter an amount above 0.'),
                ),
                migrations.AlterConstraint(
                    model_name='entity',
                    name='entity_id_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'entity_id'), name='entity_id_once_per_customer', violation_error_message='The customer already has an entity with this ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='entity',
                    name='entity_id_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'entity_id'), name='entity_id_once_per_customer_came_with', violation_error_message='The customer already has an entity with this ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='flag',
                    name='flag_once_per_feature',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'feature'), name='flag_once_per_feature', violation_error_message='The customer already has a flag for this feature.'),
                ),
                migrations.AlterConstraint(
                    model_name='invoice',
                    name='invoice_stripe_id_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(models.Q(('stripe_id', ''), _negated=True), ('came_with', None)), fields=('customer', 'stripe_id'), name='invoice_stripe_id_once_per_customer', violation_error_message='The customer already has an invoice with this Stripe ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='invoice',
                    name='invoice_stripe_id_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(condition=models.Q(('stripe_id', ''), _negated=True), fields=('came_with', 'stripe_id'), name='invoice_stripe_id_once_per_customer_came_with', violation_error_message='The customer already has an invoice with this Stripe ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='payment',
                    name='payment_above_zero',
                    constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='payment_above_zero', violation_error_message='Enter an amount above 0.'),
                ),
                migrations.AlterConstraint(
                    model_name='plan',
                    name='plan_version_once',
                    constraint=models.UniqueConstraint(fields=('env', 'plan_id', 'version'), name='plan_version_once', violation_error_message='This version of the plan already exists.'),
                ),
                migrations.AlterConstraint(
                    model_name='planitem',
                    name='plan_item_billing_units_positive',
                    constraint=models.CheckConstraint(condition=models.Q(('billing_units', None), ('billing_units__gt', 0), _connector='OR'), name='plan_item_billing_units_positive', violation_error_message='Enter a pack size above 0.'),
                ),
                migrations.AlterConstraint(
                    model_name='posting',
                    name='posting_key_once',
                    constraint=models.UniqueConstraint(condition=models.Q(('key__isnull', False)), fields=('key',), name='posting_key_once', violation_error_message='This idempotency key was already used.'),
                ),
                migrations.AlterConstraint(
                    model_name='posting',
                    name='posting_reversed_once',
                    constraint=models.UniqueConstraint(condition=models.Q(('reverses__isnull', False)), fields=('reverses',), name='posting_reversed_once', violation_error_message='This ledger entry was already reversed.'),
                ),
                migrations.AlterConstraint(
                    model_name='subscription',
                    name='subscription_id_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'subscription_id'), name='subscription_id_once_per_customer', violation_error_message='The customer already has a subscription with this ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='subscription',
                    name='subscription_id_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'subscription_id'), name='subscription_id_once_per_customer_came_with', violation_error_message='The customer already has a subscription with this ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='subscription',
                    name='subscription_period_ends_after_start',
                    constraint=models.CheckConstraint(condition=models.Q(('current_period_start', None), ('current_period_end', None), ('current_period_end__gt', models.F('current_period_start')), _connector='OR'), name='subscription_period_ends_after_start', violation_error_message='Enter a period end after the period start.'),
                ),
            ]
        )
    ]
