"""Rewritten labels, help texts and messages: the tables stay as they are."""

import billing.models.figures
import customers.clock
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from customers.migrations._state_only import StateOnly


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0006_preferences'),
        ('customers', '0003_plain_words'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        StateOnly(
            state_operations=[
                migrations.AlterModelOptions(
                    name='contact',
                    options={'ordering': ['position', 'id'], 'verbose_name': 'contact', 'verbose_name_plural': 'contacts'},
                ),
                migrations.AlterModelOptions(
                    name='customertag',
                    options={'ordering': ['tag__name', 'id'], 'verbose_name': 'customer tag', 'verbose_name_plural': 'customer tags'},
                ),
                migrations.AlterModelOptions(
                    name='historicalcontact',
                    options={'get_latest_by': ('history_date', 'history_id'), 'ordering': ('-history_date', '-history_id'), 'verbose_name': 'historical contact', 'verbose_name_plural': 'historical contacts'},
                ),
                migrations.AlterModelOptions(
                    name='historicalrelationship',
                    options={'get_latest_by': ('history_date', 'history_id'), 'ordering': ('-history_date', '-history_id'), 'verbose_name': 'historical account details', 'verbose_name_plural': 'historical account details'},
                ),
                migrations.AlterModelOptions(
                    name='relationship',
                    options={'ordering': ['customer_id'], 'verbose_name': 'account details', 'verbose_name_plural': 'account details'},
                ),
                migrations.AlterField(
                    model_name='activity',
                    name='happened_at',
                    field=models.DateTimeField(default=customers.clock.now, verbose_name='date'),
                ),
                migrations.AlterField(
                    model_name='activity',
                    name='kind',
                    field=models.CharField(choices=[('call', 'Call'), ('meeting', 'Meeting'), ('mail', 'Email')], default='call', max_length=10),
                ),
                migrations.AlterField(
                    model_name='activity',
                    name='person',
                    field=models.ForeignKey(blank=True, help_text='The person you spoke with.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='activities', to='crm.person', verbose_name='contact'),
                ),
                migrations.AlterField(
                    model_name='activity',
                    name='summary',
                    field=models.TextField(blank=True, help_text='Supports Markdown.', verbose_name='notes'),
                ),
                migrations.AlterField(
                    model_name='company',
                    name='logo_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='logo'),
                ),
                migrations.AlterField(
                    model_name='company',
                    name='number_of_employees',
                    field=models.PositiveBigIntegerField(blank=True, null=True, verbose_name='employees'),
                ),
                migrations.AlterField(
                    model_name='company',
                    name='profile_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='profile'),
                ),
                migrations.AlterField(
                    model_name='contact',
                    name='role',
                    field=models.CharField(blank=True, help_text='For example, decision maker, billing or technical.'),
                ),
                migrations.AlterField(
                    model_name='customertag',
                    name='given_at',
                    field=models.DateTimeField(default=customers.clock.now, editable=False, verbose_name='added'),
                ),
                migrations.AlterField(
                    model_name='customfield',
                    name='boolean_value',
                    field=models.BooleanField(blank=True, null=True, verbose_name='yes or no'),
                ),
                migrations.AlterField(
                    model_name='customfield',
                    name='display_label',
                    field=models.CharField(blank=True, null=True, verbose_name='label'),
                ),
                migrations.AlterField(
                    model_name='customfield',
                    name='number_value',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='number'),
                ),
                migrations.AlterField(
                    model_name='customfield',
                    name='string_list_value',
                    field=models.JSONField(blank=True, null=True, verbose_name='list of texts'),
                ),
                migrations.AlterField(
                    model_name='customfield',
                    name='string_value',
                    field=models.TextField(blank=True, null=True, verbose_name='text'),
                ),
                migrations.AlterField(
                    model_name='deskrefresh',
                    name='customers',
                    field=models.PositiveIntegerField(default=0, help_text='Customers in the last run.'),
                ),
                migrations.AlterField(
                    model_name='deskrefresh',
                    name='finished_at',
                    field=models.DateTimeField(help_text='End of the last complete run.', null=True, verbose_name='finished'),
                ),
                migrations.AlterField(
                    model_name='document',
                    name='type',
                    field=models.CharField(help_text='For example, contract. Documents are counted by type.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='document',
                    name='url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='link'),
                ),
                migrations.AlterField(
                    model_name='domain',
                    name='name',
                    field=models.CharField(db_index=True, help_text='For example, example.com.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='duplicatecluster',
                    name='found_at',
                    field=models.DateTimeField(help_text='When the first pair was found.', verbose_name='found'),
                ),
                migrations.AlterField(
                    model_name='duplicatecluster',
                    name='score',
                    field=models.FloatField(help_text='The highest score of its pairs, from 0 to 1.'),
                ),
                migrations.AlterField(
                    model_name='duplicatecluster',
                    name='size',
                    field=models.PositiveIntegerField(help_text='Number of customers.'),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='decision',
                    field=models.CharField(choices=[('open', 'Open'), ('later', 'Snoozed'), ('not_duplicates', 'Not duplicates'), ('merged', 'Merged')], default='open', max_length=20),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='found_at',
                    field=models.DateTimeField(default=customers.clock.now, verbose_name='first found'),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='later_until',
                    field=models.DateTimeField(blank=True, help_text='The first sweep after this time reopens the pair.', null=True, verbose_name='snoozed until'),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='reasons',
                    field=models.JSONField(default=list, help_text='Reasons for a duplicate first, then against.', verbose_name='evidence'),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='score',
                    field=models.FloatField(help_text='How likely it is that both are one customer, from 0 to 1.'),
                ),
                migrations.AlterField(
                    model_name='duplicatepair',
                    name='swept_at',
                    field=models.DateTimeField(default=customers.clock.now, verbose_name='last found'),
                ),
                migrations.AlterField(
                    model_name='export',
                    name='columns',
                    field=models.JSONField(default=list, help_text='Names of the columns, in order.'),
                ),
                migrations.AlterField(
                    model_name='export',
                    name='customers',
                    field=models.PositiveIntegerField(default=0, help_text='Number of customers.'),
                ),
                migrations.AlterField(
                    model_name='export',
                    name='title',
                    field=models.TextField(help_text='The filter of the customers, in words.'),
                ),
                migrations.AlterField(
                    model_name='healthscore',
                    name='at',
                    field=models.DateTimeField(verbose_name='calculated'),
                ),
                migrations.AlterField(
                    model_name='healthscore',
                    name='parts',
                    field=models.JSONField(default=list, verbose_name='signals'),
                ),
                migrations.AlterField(
                    model_name='historicalactivity',
                    name='happened_at',
                    field=models.DateTimeField(default=customers.clock.now, verbose_name='date'),
                ),
                migrations.AlterField(
                    model_name='historicalactivity',
                    name='kind',
                    field=models.CharField(choices=[('call', 'Call'), ('meeting', 'Meeting'), ('mail', 'Email')], default='call', max_length=10),
                ),
                migrations.AlterField(
                    model_name='historicalactivity',
                    name='person',
                    field=models.ForeignKey(blank=True, db_constraint=False, help_text='The person you spoke with.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crm.person', verbose_name='contact'),
                ),
                migrations.AlterField(
                    model_name='historicalactivity',
                    name='summary',
                    field=models.TextField(blank=True, help_text='Supports Markdown.', verbose_name='notes'),
                ),
                migrations.AlterField(
                    model_name='historicalcompany',
                    name='logo_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='logo'),
                ),
                migrations.AlterField(
                    model_name='historicalcompany',
                    name='number_of_employees',
                    field=models.PositiveBigIntegerField(blank=True, null=True, verbose_name='employees'),
                ),
                migrations.AlterField(
                    model_name='historicalcompany',
                    name='profile_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='profile'),
                ),
                migrations.AlterField(
                    model_name='historicalcontact',
                    name='role',
                    field=models.CharField(blank=True, help_text='For example, decision maker, billing or technical.'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomfield',
                    name='boolean_value',
                    field=models.BooleanField(blank=True, null=True, verbose_name='yes or no'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomfield',
                    name='display_label',
                    field=models.CharField(blank=True, null=True, verbose_name='label'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomfield',
                    name='number_value',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, max_digits=25, null=True, verbose_name='number'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomfield',
                    name='string_list_value',
                    field=models.JSONField(blank=True, null=True, verbose_name='list of texts'),
                ),
                migrations.AlterField(
                    model_name='historicalcustomfield',
                    name='string_value',
                    field=models.TextField(blank=True, null=True, verbose_name='text'),
                ),
                migrations.AlterField(
                    model_name='historicaldocument',
                    name='type',
                    field=models.CharField(help_text='For example, contract. Documents are counted by type.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicaldocument',
                    name='url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='link'),
                ),
                migrations.AlterField(
                    model_name='historicaldomain',
                    name='name',
                    field=models.CharField(help_text='For example, example.com.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='historicalmergedrecord',
                    name='crm_id',
                    field=models.CharField(max_length=255, verbose_name='CRM ID'),
                ),
                migrations.AlterField(
                    model_name='historicalmergedrecord',
                    name='document',
                    field=models.TextField(help_text='The CRM document as JSON, without its own merged customers.'),
                ),
                migrations.AlterField(
                    model_name='historicalnote',
                    name='is_pinned',
                    field=models.BooleanField(default=False, help_text="Shown above other notes on the customer's page.", verbose_name='pinned'),
                ),
                migrations.AlterField(
                    model_name='historicalnote',
                    name='is_summary',
                    field=models.BooleanField(default=False, help_text='Exported as the notes of the CRM document. Without a summary, the newest note is exported.', verbose_name='summary'),
                ),
                migrations.AlterField(
                    model_name='historicalnote',
                    name='origin',
                    field=models.CharField(choices=[('written', 'Written'), ('generated', 'Generated')], default='written', editable=False, help_text='Written by a user, or generated by a program.', max_length=10),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='alias_emails',
                    field=models.JSONField(blank=True, default=list, verbose_name='other emails'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='email',
                    field=models.CharField(blank=True, db_index=True, max_length=320, verbose_name='email'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='obfuscated_id',
                    field=models.CharField(blank=True, db_index=True, help_text="Leave blank for people who aren't in the CRM.", max_length=255, null=True, verbose_name='ID in the CRM'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='photo_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='photo'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='related_documents',
                    field=models.JSONField(blank=True, default=list, help_text='As received from the CRM.'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='social_network',
                    field=models.JSONField(blank=True, default=list, help_text='A list of objects with name, profile_url, profile_name and icon_url.', verbose_name='social profiles'),
                ),
                migrations.AlterField(
                    model_name='historicalperson',
                    name='type',
                    field=models.CharField(blank=True, choices=[('FULL_TIME', 'Full-time'), ('CONTRACTOR', 'Contractor'), ('NON_EMPLOYEE', 'Non-employee'), ('FORMER_EMPLOYEE', 'Former employee')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='contract_annual_revenue',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='Average revenue per year of the contract.', max_digits=25, null=True, verbose_name='annual contract value'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='crm_id',
                    field=models.CharField(blank=True, db_index=True, help_text='The ID in the CRM document.', max_length=255, verbose_name='CRM ID'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='currency',
                    field=models.CharField(help_text="Three-letter code of the annual contract value and the company's revenue.", max_length=3),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='datasource_id',
                    field=models.CharField(blank=True, help_text='The ID that CRM users see.', max_length=255, verbose_name='ID shown in the CRM'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='account manager'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='reported_document_counts',
                    field=models.JSONField(blank=True, default=dict, help_text='Documents per type. Exported until you add a document here.', verbose_name='documents in the CRM'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='reported_notes',
                    field=models.TextField(blank=True, help_text="Exported as the customer's notes until you add a note in Clientele.", verbose_name='notes in the CRM'),
                ),
                migrations.AlterField(
                    model_name='historicalrelationship',
                    name='start_date',
                    field=models.DateField(blank=True, help_text='The first day of the business relationship.', null=True, verbose_name='customer since'),
                ),
                migrations.AlterField(
                    model_name='historicaltask',
                    name='body',
                    field=models.TextField(blank=True, help_text='Supports Markdown.', verbose_name='details'),
                ),
                migrations.AlterField(
                    model_name='historicaltask',
                    name='due_on',
                    field=models.DateField(blank=True, help_text='Leave blank for no due date.', null=True, verbose_name='due'),
                ),
                migrations.AlterField(
                    model_name='historicaltask',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_constraint=False, help_text='The task is on their worklist from its due date.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assignee'),
                ),
                migrations.AlterField(
                    model_name='historicaltask',
                    name='reminder_on',
                    field=models.DateField(blank=True, help_text='The task is on the worklist from this day, even if it is due later.', null=True, verbose_name='reminder'),
                ),
                migrations.AlterField(
                    model_name='historicaltask',
                    name='title',
                    field=models.CharField(help_text='A few words.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='merge',
                    name='changes',
                    field=models.JSONField(default=dict, help_text='What an undo restores: values before and after, and rows that the merge set aside.'),
                ),
                migrations.AlterField(
                    model_name='mergedrecord',
                    name='crm_id',
                    field=models.CharField(max_length=255, verbose_name='CRM ID'),
                ),
                migrations.AlterField(
                    model_name='mergedrecord',
                    name='document',
                    field=models.TextField(help_text='The CRM document as JSON, without its own merged customers.'),
                ),
                migrations.AlterField(
                    model_name='note',
                    name='is_pinned',
                    field=models.BooleanField(default=False, help_text="Shown above other notes on the customer's page.", verbose_name='pinned'),
                ),
                migrations.AlterField(
                    model_name='note',
                    name='is_summary',
                    field=models.BooleanField(default=False, help_text='Exported as the notes of the CRM document. Without a summary, the newest note is exported.', verbose_name='summary'),
                ),
                migrations.AlterField(
                    model_name='note',
                    name='origin',
                    field=models.CharField(choices=[('written', 'Written'), ('generated', 'Generated')], default='written', editable=False, help_text='Written by a user, or generated by a program.', max_length=10),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='alias_emails',
                    field=models.JSONField(blank=True, default=list, verbose_name='other emails'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='email',
                    field=models.CharField(blank=True, db_index=True, max_length=320, verbose_name='email'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='obfuscated_id',
                    field=models.CharField(blank=True, help_text="Leave blank for people who aren't in the CRM.", max_length=255, null=True, unique=True, verbose_name='ID in the CRM'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='photo_url',
                    field=models.CharField(blank=True, help_text='Starts with http:// or https://.', verbose_name='photo'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='related_documents',
                    field=models.JSONField(blank=True, default=list, help_text='As received from the CRM.'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='social_network',
                    field=models.JSONField(blank=True, default=list, help_text='A list of objects with name, profile_url, profile_name and icon_url.', verbose_name='social profiles'),
                ),
                migrations.AlterField(
                    model_name='person',
                    name='type',
                    field=models.CharField(blank=True, choices=[('FULL_TIME', 'Full-time'), ('CONTRACTOR', 'Contractor'), ('NON_EMPLOYEE', 'Non-employee'), ('FORMER_EMPLOYEE', 'Former employee')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='contract_annual_revenue',
                    field=billing.models.figures.FigureField(blank=True, decimal_places=10, help_text='Average revenue per year of the contract.', max_digits=25, null=True, verbose_name='annual contract value'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='crm_id',
                    field=models.CharField(blank=True, db_index=True, help_text='The ID in the CRM document.', max_length=255, verbose_name='CRM ID'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='currency',
                    field=models.CharField(help_text="Three-letter code of the annual contract value and the company's revenue.", max_length=3),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='datasource_id',
                    field=models.CharField(blank=True, help_text='The ID that CRM users see.', max_length=255, verbose_name='ID shown in the CRM'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='accounts_owned', to=settings.AUTH_USER_MODEL, verbose_name='account manager'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='reported_document_counts',
                    field=models.JSONField(blank=True, default=dict, help_text='Documents per type. Exported until you add a document here.', verbose_name='documents in the CRM'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='reported_notes',
                    field=models.TextField(blank=True, help_text="Exported as the customer's notes until you add a note in Clientele.", verbose_name='notes in the CRM'),
                ),
                migrations.AlterField(
                    model_name='relationship',
                    name='start_date',
                    field=models.DateField(blank=True, help_text='The first day of the business relationship.', null=True, verbose_name='customer since'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='churn',
                    field=models.BigIntegerField(help_text='From customers whose MRR fell to 0.'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='contraction',
                    field=models.BigIntegerField(help_text='From customers whose MRR fell.'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='currency',
                    field=models.CharField(help_text='Three-letter code.', max_length=3),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='customers',
                    field=models.PositiveIntegerField(help_text='Customers with MRR.'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='expansion',
                    field=models.BigIntegerField(help_text='From customers whose MRR rose.'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='month',
                    field=models.DateField(help_text='The first day of the month.'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='mrr',
                    field=models.BigIntegerField(help_text='At the end of the month, or now for the current month.', verbose_name='MRR'),
                ),
                migrations.AlterField(
                    model_name='revenuemonth',
                    name='new',
                    field=models.BigIntegerField(help_text='From customers without MRR in the month before.'),
                ),
                migrations.AlterField(
                    model_name='segment',
                    name='is_shared',
                    field=models.BooleanField(default=False, help_text='Everyone can use it. Only its owner can change it.', verbose_name='shared'),
                ),
                migrations.AlterField(
                    model_name='segment',
                    name='name',
                    field=models.CharField(help_text='For example, “Northern pilots”.', max_length=100),
                ),
                migrations.AlterField(
                    model_name='tag',
                    name='name',
                    field=models.CharField(help_text='For example, “pilot 2026”.', max_length=50),
                ),
                migrations.AlterField(
                    model_name='task',
                    name='body',
                    field=models.TextField(blank=True, help_text='Supports Markdown.', verbose_name='details'),
                ),
                migrations.AlterField(
                    model_name='task',
                    name='due_on',
                    field=models.DateField(blank=True, help_text='Leave blank for no due date.', null=True, verbose_name='due'),
                ),
                migrations.AlterField(
                    model_name='task',
                    name='owner',
                    field=models.ForeignKey(blank=True, help_text='The task is on their worklist from its due date.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tasks', to=settings.AUTH_USER_MODEL, verbose_name='assignee'),
                ),
                migrations.AlterField(
                    model_name='task',
                    name='reminder_on',
                    field=models.DateField(blank=True, help_text='The task is on the worklist from this day, even if it is due later.', null=True, verbose_name='reminder'),
                ),
                migrations.AlterField(
                    model_name='task',
                    name='title',
                    field=models.CharField(help_text='A few words.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='team',
                    name='members',
                    field=models.ManyToManyField(blank=True, help_text="The team's accounts are the accounts of its members.", related_name='teams', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='team',
                    name='name',
                    field=models.CharField(help_text='For example, “Northern accounts”.', max_length=255, unique=True),
                ),
                migrations.AlterField(
                    model_name='worklistdecision',
                    name='decision',
                    field=models.CharField(choices=[('done', 'Done'), ('snoozed', 'Snoozed'), ('not_relevant', 'Dismissed')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='worklistdecision',
                    name='until',
                    field=models.DateTimeField(blank=True, null=True, verbose_name='snoozed until'),
                ),
                migrations.AlterField(
                    model_name='worklistdecision',
                    name='words',
                    field=models.TextField(help_text='The reason at the time of the decision.', verbose_name='reason'),
                ),
                migrations.AlterField(
                    model_name='worklistentry',
                    name='heaviest',
                    field=models.PositiveIntegerField(default=0, help_text='Highest weight of an open reason.'),
                ),
                migrations.AlterField(
                    model_name='worklistentry',
                    name='person',
                    field=models.ForeignKey(help_text='Blank for a customer without an account manager.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='worklist_entries', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='worklistentry',
                    name='weight',
                    field=models.PositiveIntegerField(default=0, help_text="Sum of the open reasons' weights."),
                ),
                migrations.AlterField(
                    model_name='worklistreason',
                    name='decision',
                    field=models.CharField(blank=True, choices=[('done', 'Done'), ('snoozed', 'Snoozed'), ('not_relevant', 'Dismissed')], max_length=20),
                ),
                migrations.AlterField(
                    model_name='worklistreason',
                    name='key',
                    field=models.CharField(blank=True, help_text='Identifies the situation. A decision holds while it stays the same.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='worklistreason',
                    name='link',
                    field=models.CharField(blank=True, help_text='The page to act on.'),
                ),
                migrations.AlterField(
                    model_name='worklistreason',
                    name='until',
                    field=models.DateTimeField(null=True, verbose_name='snoozed until'),
                ),
                migrations.AlterConstraint(
                    model_name='contact',
                    name='contact_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'person'), name='contact_once_per_customer', violation_error_message='This person is already a contact of the customer.'),
                ),
                migrations.AlterConstraint(
                    model_name='contact',
                    name='contact_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'person'), name='contact_once_per_customer_came_with', violation_error_message='This person is already a contact of the customer.'),
                ),
                migrations.AlterConstraint(
                    model_name='customertag',
                    name='customer_tag_once',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'tag'), name='customer_tag_once', violation_error_message='The customer already has this tag.'),
                ),
                migrations.AlterConstraint(
                    model_name='customertag',
                    name='customer_tag_once_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'tag'), name='customer_tag_once_came_with', violation_error_message='The customer already has this tag.'),
                ),
                migrations.AlterConstraint(
                    model_name='customfield',
                    name='custom_field_key_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'key'), name='custom_field_key_once_per_customer', violation_error_message='The customer already has a custom field with this key.'),
                ),
                migrations.AlterConstraint(
                    model_name='customfield',
                    name='custom_field_key_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'key'), name='custom_field_key_once_per_customer_came_with', violation_error_message='The customer already has a custom field with this key.'),
                ),
                migrations.AlterConstraint(
                    model_name='domain',
                    name='domain_once_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'name'), name='domain_once_per_customer', violation_error_message='The customer already has this domain.'),
                ),
                migrations.AlterConstraint(
                    model_name='domain',
                    name='domain_once_per_customer_came_with',
                    constraint=models.UniqueConstraint(fields=('came_with', 'name'), name='domain_once_per_customer_came_with', violation_error_message='The customer already has this domain.'),
                ),
                migrations.AlterConstraint(
                    model_name='note',
                    name='note_one_summary_per_customer',
                    constraint=models.UniqueConstraint(condition=models.Q(('is_summary', True)), fields=('customer',), name='note_one_summary_per_customer', violation_error_message='The customer already has a summary. Clear that one first.'),
                ),
                migrations.AlterConstraint(
                    model_name='person',
                    name='person_not_their_own_manager',
                    constraint=models.CheckConstraint(condition=models.Q(('manager', None), models.Q(('manager', models.F('id')), _negated=True), _connector='OR'), name='person_not_their_own_manager', violation_error_message="Choose another manager. A person can't manage themselves."),
                ),
                migrations.AlterConstraint(
                    model_name='segment',
                    name='segment_name_once_per_owner',
                    constraint=models.UniqueConstraint(fields=('owner', 'name'), name='segment_name_once_per_owner', violation_error_message='You already have a segment with this name.'),
                ),
                migrations.AlterConstraint(
                    model_name='tag',
                    name='tag_name_once',
                    constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='tag_name_once', violation_error_message='This tag already exists.'),
                ),
                migrations.AlterConstraint(
                    model_name='task',
                    name='task_has_a_title',
                    constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='task_has_a_title', violation_error_message='Enter a title.'),
                ),
                migrations.AlterConstraint(
                    model_name='task',
                    name='task_reminder_not_after_due',
                    constraint=models.CheckConstraint(condition=models.Q(('reminder_on', None), ('due_on', None), ('reminder_on__lte', models.F('due_on')), _connector='OR'), name='task_reminder_not_after_due', violation_error_message='Enter a reminder on or before the due date.'),
                ),
            ],
        ),
    ]
