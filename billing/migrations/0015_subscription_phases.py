"""Phases and billing cycles of subscriptions, scheduled purchases, and what invoice lines are for."""

import billing.models.figures
import customers.clock
import customers.typed_ids
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models

from customers.migrations._add_column import AddColumn


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0014_due_dates_of_imported_invoices'),
        ('customers', '0007_defaults_of_accounts'),
    ]

    operations = [
        migrations.CreateModel(
            name='BillingCycle',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='cycle', primary_key=True, serialize=False)),
                ('interval', models.CharField(choices=[('one_off', 'Once'), ('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('quarter', 'Quarter'), ('semi_annual', 'Half-year'), ('year', 'Year'), ('multiple', 'Mixed')], max_length=20)),
                ('interval_count', models.PositiveIntegerField(default=1)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('anchor_day', models.PositiveSmallIntegerField(blank=True, editable=False, null=True)),
            ],
            options={
                'ordering': ['period_end', 'id'],
            },
        ),
        migrations.CreateModel(
            name='SubscriptionPhase',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='phase', primary_key=True, serialize=False)),
                ('quantity', billing.models.figures.FigureField(decimal_places=10, default=1, max_digits=25)),
                ('prepaid_quantities', models.JSONField(blank=True, default=dict, help_text='Prepaid units by feature ID.')),
                ('starts_at', models.DateTimeField(default=customers.clock.now)),
                ('reason', models.CharField(blank=True)),
            ],
            options={
                'ordering': ['starts_at', 'id'],
            },
        ),
        AddColumn(
            model_name='grant',
            name='billed_overage',
            field=billing.models.figures.FigureField(decimal_places=10, default=0, editable=False, help_text='The part of the overage that invoices billed already. The next reset returns it to 0.', max_digits=25),
        ),
        AddColumn(
            model_name='historicalpurchase',
            name='prepaid_quantities',
            field=models.JSONField(blank=True, default=dict, editable=False, help_text='Prepaid units by feature ID.'),
        ),
        AddColumn(
            model_name='historicalpurchase',
            name='scheduled',
            field=models.BooleanField(default=False, editable=False, help_text='It has not begun.'),
        ),
        AddColumn(
            model_name='invoiceline',
            name='discounted',
            field=models.BigIntegerField(default=0, help_text='What discounts took off before tax, in minor units.'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='gives_back',
            field=models.ForeignKey(blank=True, editable=False, help_text='The line of which this one gives unused time back.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='given_back_by', to='billing.invoiceline'),
        ),
        AddColumn(
            model_name='purchase',
            name='prepaid_quantities',
            field=models.JSONField(blank=True, default=dict, editable=False, help_text='Prepaid units by feature ID.'),
        ),
        AddColumn(
            model_name='purchase',
            name='scheduled',
            field=models.BooleanField(default=False, editable=False, help_text='It has not begun.'),
        ),
        migrations.AddIndex(
            model_name='purchase',
            index=models.Index(condition=models.Q(('scheduled', True)), fields=['started_at'], name='purchase_scheduled'),
        ),
        migrations.AddField(
            model_name='billingcycle',
            name='subscription',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cycles', to='billing.subscription'),
        ),
        migrations.AddField(
            model_name='subscriptionphase',
            name='plan',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.plan'),
        ),
        migrations.AddField(
            model_name='subscriptionphase',
            name='subscription',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='phases', to='billing.subscription'),
        ),
        migrations.AddIndex(
            model_name='billingcycle',
            index=models.Index(fields=['period_end'], name='billing_cycle_by_period_end'),
        ),
        migrations.AddConstraint(
            model_name='billingcycle',
            constraint=models.UniqueConstraint(fields=('subscription', 'interval', 'interval_count'), name='billing_cycle_once_per_interval'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionphase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quantity__lte', Decimal('1E+15')), ('quantity__gte', 0)), ('quantity__isnull', True), _connector='OR'), name='subscription_phase_quantity_in_range', violation_error_message='A figure is out of range: it has at most 15 digits before the point and is not below 0.'),
        ),
    ]
