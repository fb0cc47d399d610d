"""Rewritten labels, help texts and messages. The tables stay as they are."""

import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._state_only import StateOnly


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_came_with_unchecked'),
    ]

    operations = [
        StateOnly(
            state_operations=[
                migrations.AlterModelOptions(
                    name='business',
                    options={'ordering': ['position', 'id'], 'verbose_name': 'business profile'},
                ),
                migrations.AlterModelOptions(
                    name='historicalbusiness',
                    options={'get_latest_by': ('history_date', 'history_id'), 'ordering': ('-history_date', '-history_id'), 'verbose_name': 'historical business profile', 'verbose_name_plural': 'historical business profiles'},
                ),
                migrations.AlterField(
                    model_name='address',
                    name='country',
                    field=models.CharField(blank=True, help_text='The two-letter country code, such as TZ.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='address',
                    name='description',
                    field=models.CharField(blank=True, help_text='The purpose of the address, such as “Head office”.'),
                ),
                migrations.AlterField(
                    model_name='address',
                    name='is_default',
                    field=models.BooleanField(default=False, help_text='Printed on invoices as the billing address.', verbose_name='default'),
                ),
                migrations.AlterField(
                    model_name='address',
                    name='status',
                    field=models.CharField(default='active', help_text='“active” while the address is in use, else “archived”.', max_length=50),
                ),
                migrations.AlterField(
                    model_name='apitoken',
                    name='expires_at',
                    field=models.DateTimeField(blank=True, help_text='Leave blank for no expiry.', null=True),
                ),
                migrations.AlterField(
                    model_name='apitoken',
                    name='name',
                    field=models.CharField(help_text='The program that uses the token, such as “data warehouse”.', max_length=255, unique=True),
                ),
                migrations.AlterField(
                    model_name='apitoken',
                    name='revoked_at',
                    field=models.DateTimeField(blank=True, help_text='Revoked tokens are refused.', null=True),
                ),
                migrations.AlterField(
                    model_name='business',
                    name='contacts',
                    field=models.JSONField(blank=True, default=list, help_text='People to write to, as a list of objects with name and email.'),
                ),
                migrations.AlterField(
                    model_name='business',
                    name='tax_identifier',
                    field=models.CharField(blank=True, help_text='The VAT or tax number, with its country prefix.'),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='archived_at',
                    field=models.DateTimeField(blank=True, help_text='Archived customers are left out of lists. Nothing is deleted.', null=True),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='custom_data',
                    field=models.JSONField(blank=True, help_text='Other data of the payments platform, as a JSON object.', null=True),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='email',
                    field=models.CharField(blank=True, db_index=True, help_text='Receipts and notices go here.', max_length=320),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', help_text="Identifiers are unique within an environment. Customers of different environments can't be merged.", max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='external_id',
                    field=models.CharField(blank=True, help_text='The ID of this customer in your own systems.', max_length=255, null=True, verbose_name='external ID'),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='fingerprint',
                    field=models.CharField(blank=True, help_text='Identifies the device, such as its serial number, so that each person gets one free trial.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='merged_into',
                    field=models.ForeignKey(blank=True, editable=False, help_text='The primary record that this customer was merged into.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged_customers', to='customers.customer'),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='name',
                    field=models.CharField(blank=True, help_text="The person's full name, or the organization's name."),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='phone',
                    field=models.CharField(blank=True, help_text='With the country code, such as +1 202 555 0100.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='status',
                    field=models.CharField(choices=[('active', 'Active'), ('inactive', 'Inactive'), ('suspended', 'Suspended')], default='active', help_text='Inactive accounts can be reactivated. Suspended accounts are stopped, for example because of an unpaid invoice.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='customer',
                    name='stripe_id',
                    field=models.CharField(blank=True, help_text="The customer's ID at Stripe.", max_length=255, null=True, verbose_name='Stripe ID'),
                ),
                migrations.AlterField(
                    model_name='historicaladdress',
                    name='country',
                    field=models.CharField(blank=True, help_text='The two-letter country code, such as TZ.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicaladdress',
                    name='description',
                    field=models.CharField(blank=True, help_text='The purpose of the address, such as “Head office”.'),
                ),
                migrations.AlterField(
                    model_name='historicaladdress',
                    name='is_default',
                    field=models.BooleanField(default=False, help_text='Printed on invoices as the billing address.', verbose_name='default'),
                ),
                migrations.AlterField(
                    model_name='historicaladdress',
                    name='status',
                    field=models.CharField(default='active', help_text='“active” while the address is in use, else “archived”.', max_length=50),
                ),
                migrations.AlterField(
                    model_name='historicalbusiness',
                    name='contacts',
                    field=models.JSONField(blank=True, default=list, help_text='People to write to, as a list of objects with name and email.'),
                ),
                migrations.AlterField(
                    model_name='historicalbusiness',
                    name='tax_identifier',
                    field=models.CharField(blank=True, help_text='The VAT or tax number, with its country prefix.'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='archived_at',
                    field=models.DateTimeField(blank=True, help_text='Archived customers are left out of lists. Nothing is deleted.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='custom_data',
                    field=models.JSONField(blank=True, help_text='Other data of the payments platform, as a JSON object.', null=True),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='email',
                    field=models.CharField(blank=True, db_index=True, help_text='Receipts and notices go here.', max_length=320),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='env',
                    field=models.CharField(choices=[('live', 'Live'), ('sandbox', 'Test mode')], default='live', help_text="Identifiers are unique within an environment. Customers of different environments can't be merged.", max_length=10, verbose_name='environment'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='external_id',
                    field=models.CharField(blank=True, help_text='The ID of this customer in your own systems.', max_length=255, null=True, verbose_name='external ID'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='fingerprint',
                    field=models.CharField(blank=True, help_text='Identifies the device, such as its serial number, so that each person gets one free trial.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='merged_into',
                    field=models.ForeignKey(blank=True, db_constraint=False, editable=False, help_text='The primary record that this customer was merged into.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='name',
                    field=models.CharField(blank=True, help_text="The person's full name, or the organization's name."),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='phone',
                    field=models.CharField(blank=True, help_text='With the country code, such as +1 202 555 0100.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='status',
                    field=models.CharField(choices=[('active', 'Active'), ('inactive', 'Inactive'), ('suspended', 'Suspended')], default='active', help_text='Inactive accounts can be reactivated. Suspended accounts are stopped, for example because of an unpaid invoice.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalcustomer',
                    name='stripe_id',
                    field=models.CharField(blank=True, help_text="The customer's ID at Stripe.", max_length=255, null=True, verbose_name='Stripe ID'),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='brand',
                    field=models.CharField(blank=True, help_text='Cards only, such as Visa.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='country',
                    field=models.CharField(blank=True, help_text='Bank accounts only, as a two-letter code such as TZ.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='is_default',
                    field=models.BooleanField(default=False, help_text='Payments use this method unless another one is chosen.', verbose_name='default'),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='last4',
                    field=models.CharField(blank=True, help_text='Cards and bank accounts only.', max_length=4, verbose_name='last four digits'),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='phone',
                    field=models.CharField(blank=True, help_text='Mobile money only.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='provider',
                    field=models.CharField(blank=True, help_text='Mobile money only, such as M-Pesa.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalpaymentmethod',
                    name='type',
                    field=models.CharField(blank=True, choices=[('card', 'Card'), ('mobile_money', 'Mobile money'), ('bank_account', 'Bank account')], help_text='Blank if the source sent only an ID without a known prefix.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='brand',
                    field=models.CharField(blank=True, help_text='Cards only, such as Visa.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='country',
                    field=models.CharField(blank=True, help_text='Bank accounts only, as a two-letter code such as TZ.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='is_default',
                    field=models.BooleanField(default=False, help_text='Payments use this method unless another one is chosen.', verbose_name='default'),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='last4',
                    field=models.CharField(blank=True, help_text='Cards and bank accounts only.', max_length=4, verbose_name='last four digits'),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='phone',
                    field=models.CharField(blank=True, help_text='Mobile money only.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='provider',
                    field=models.CharField(blank=True, help_text='Mobile money only, such as M-Pesa.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='type',
                    field=models.CharField(blank=True, choices=[('card', 'Card'), ('mobile_money', 'Mobile money'), ('bank_account', 'Bank account')], help_text='Blank if the source sent only an ID without a known prefix.', max_length=20),
                ),
                migrations.AlterField(
                    model_name='receivedpayload',
                    name='origin',
                    field=models.CharField(blank=True, help_text='The file that it came in.'),
                ),
                migrations.AlterField(
                    model_name='receivedpayload',
                    name='remarks',
                    field=models.JSONField(default=list, help_text='What the import changed or noticed, as a list of objects with path and text.'),
                ),
                migrations.AlterField(
                    model_name='receivedpayload',
                    name='text',
                    field=models.TextField(help_text='The document as it was received.'),
                ),
                migrations.AlterField(
                    model_name='sourcerecord',
                    name='claims',
                    field=models.JSONField(default=dict, help_text="The values that this record has for the customer's fields, and since when."),
                ),
                migrations.AlterField(
                    model_name='sourcerecord',
                    name='digest',
                    field=models.CharField(help_text='SHA-256 of the latest document in canonical form.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='sourcerecord',
                    name='is_merged',
                    field=models.BooleanField(default=False, help_text='This source merged the record into another one. Its ID still finds the customer. New documents of the record are stored but change nothing.', verbose_name='merged away'),
                ),
                migrations.AlterField(
                    model_name='sourcerecord',
                    name='source_id',
                    field=models.CharField(help_text='The ID that the source gave. A record without one has a stand-in such as stripe:cus_… or email:…', max_length=400, verbose_name='ID at the source'),
                ),
                migrations.AlterConstraint(
                    model_name='address',
                    name='address_one_default_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('customer',), name='address_one_default_per_customer', violation_error_message='This customer already has a default address. Unset that one first.'),
                ),
                migrations.AlterConstraint(
                    model_name='customer',
                    name='customer_external_id_once_per_env',
                    constraint=models.UniqueConstraint(fields=('env', 'external_id'), name='customer_external_id_once_per_env', violation_error_message='Another customer in this environment has this external ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='customer',
                    name='customer_stripe_id_once_per_env',
                    constraint=models.UniqueConstraint(fields=('env', 'stripe_id'), name='customer_stripe_id_once_per_env', violation_error_message='Another customer in this environment has this Stripe ID.'),
                ),
                migrations.AlterConstraint(
                    model_name='customer',
                    name='customer_no_empty_identifier',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('external_id', ''), _negated=True), models.Q(('stripe_id', ''), _negated=True)), name='customer_no_empty_identifier', violation_error_message='Leave an unknown ID blank.'),
                ),
                migrations.AlterConstraint(
                    model_name='customer',
                    name='customer_not_merged_into_itself',
                    constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='customer_not_merged_into_itself', violation_error_message="Choose another customer. A customer can't be merged into itself."),
                ),
                migrations.AlterConstraint(
                    model_name='paymentmethod',
                    name='payment_method_one_default_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('customer',), name='payment_method_one_default_per_customer', violation_error_message='This customer already has a default payment method. Unset that one first.'),
                ),
                migrations.AlterConstraint(
                    model_name='paymentmethod',
                    name='payment_method_last4_is_four_digits',
                    constraint=models.CheckConstraint(condition=models.Q(('last4', ''), ('last4__regex', '^[0-9]{4}$'), _connector='OR'), name='payment_method_last4_is_four_digits', violation_error_message='Enter exactly four digits, such as 4242.'),
                ),
                migrations.AlterConstraint(
                    model_name='paymentmethod',
                    name='payment_method_exp_month_1_to_12',
                    constraint=models.CheckConstraint(condition=models.Q(('exp_month', None), ('exp_month__range', (1, 12)), _connector='OR'), name='payment_method_exp_month_1_to_12', violation_error_message='Enter a month from 1 to 12.'),
                ),
            ]
        )
    ]
