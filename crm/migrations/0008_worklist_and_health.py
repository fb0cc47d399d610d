"""Who needs attention and how customers fare, as it was computed last; and who may see and decide."""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
DECIDING = ("Account manager", "Administrator")
MODELS = ("deskrefresh", "healthscore", "worklistdecision", "worklistentry", "worklistreason")
READ = {f"view_{model}" for model in MODELS}
DECIDED = {"change_worklistdecision"}


def grant(apps, schema_editor):
    database = schema_editor.connection.alias
    config = apps.get_app_config("crm")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=database)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for names, codenames in ((READERS, READ), (DECIDING, DECIDED)):
        wanted = list(permissions.filter(content_type__app_label="crm", codename__in=codenames))
        for group in groups.filter(name__in=names):
            group.permissions.add(*wanted)


def take_back(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="crm", content_type__model__in=MODELS).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0007_revenue_months'),
        ('customers', '0002_came_with'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeskRefresh',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('finished_at', models.DateTimeField(help_text='When the last whole run ended.', null=True)),
                ('customers', models.PositiveIntegerField(default=0, help_text='How many customers it looked at.')),
            ],
            options={
                'verbose_name_plural': 'desk refreshes',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='WorklistEntry',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='wle', primary_key=True, serialize=False)),
                ('weight', models.PositiveIntegerField(default=0, help_text="The sum of the open reasons' weights.")),
                ('heaviest', models.PositiveIntegerField(default=0, help_text='The weight of the heaviest open reason.')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='worklist_entries', to='customers.customer')),
                ('person', models.ForeignKey(help_text='Who should look at it; nobody, where nobody owns the account.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='worklist_entries', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'worklist entries',
                'ordering': ['-weight', '-heaviest', 'id'],
            },
        ),
        migrations.CreateModel(
            name='WorklistReason',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='wlr', primary_key=True, serialize=False)),
                ('rule', models.CharField(max_length=30)),
                ('key', models.CharField(blank=True, help_text='What it is about, and how far it has come.', max_length=255)),
                ('words', models.TextField()),
                ('weight', models.PositiveIntegerField()),
                ('since', models.DateTimeField()),
                ('link', models.CharField(blank=True, help_text='The page on which one can do something about it.')),
                ('decision', models.CharField(blank=True, choices=[('done', 'Done'), ('snoozed', 'Snoozed'), ('not_relevant', 'Not relevant')], max_length=20)),
                ('until', models.DateTimeField(help_text='When one that was put off comes back.', null=True)),
                ('entry', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reasons', to='crm.worklistentry')),
            ],
            options={
                'ordering': ['-weight', 'since', 'id'],
            },
        ),
        migrations.CreateModel(
            name='HealthScore',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='hlth', primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('at', models.DateTimeField(help_text='When it was computed.')),
                ('score', models.PositiveSmallIntegerField()),
                ('parts', models.JSONField(default=list)),
                ('is_latest', models.BooleanField(default=True, editable=False)),
                ('came_with', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='health_scores', to='customers.customer')),
            ],
            options={
                'ordering': ['-day', '-id'],
                'indexes': [models.Index(condition=models.Q(('came_with', None), ('is_latest', True)), fields=['score', 'customer'], name='health_score_by_score')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'day'), name='health_score_once_a_day'), models.UniqueConstraint(fields=('came_with', 'day'), name='health_score_once_a_day_came_with'), models.UniqueConstraint(condition=models.Q(('came_with', None), ('is_latest', True)), fields=('customer',), name='health_score_one_in_force'), models.CheckConstraint(condition=models.Q(('score__lte', 100)), name='health_score_in_range')],
            },
        ),
        migrations.CreateModel(
            name='WorklistDecision',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='wld', primary_key=True, serialize=False)),
                ('rule', models.CharField(max_length=30)),
                ('key', models.CharField(blank=True, max_length=255)),
                ('words', models.TextField(help_text='What the reason said.')),
                ('decision', models.CharField(choices=[('done', 'Done'), ('snoozed', 'Snoozed'), ('not_relevant', 'Not relevant')], max_length=20)),
                ('until', models.DateTimeField(blank=True, help_text='When one that was put off comes back.', null=True)),
                ('decided_at', models.DateTimeField(default=customers.clock.now)),
                ('came_with', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='worklist_decisions', to='customers.customer')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='worklist_decisions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-decided_at', '-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'rule', 'key'), name='worklist_decision_once_per_reason'), models.UniqueConstraint(fields=('came_with', 'rule', 'key'), name='worklist_decision_once_per_reason_came_with'), models.CheckConstraint(condition=models.Q(models.Q(('decision', 'snoozed'), ('until__isnull', False)), models.Q(('decision__in', ['done', 'not_relevant']), ('until', None)), _connector='OR'), name='worklist_decision_snoozed_until')],
            },
        ),
        migrations.AddIndex(
            model_name='worklistentry',
            index=models.Index(condition=models.Q(('weight__gt', 0)), fields=['person', '-weight', '-heaviest', 'id'], name='worklist_entry_of_a_person'),
        ),
        migrations.AddIndex(
            model_name='worklistentry',
            index=models.Index(condition=models.Q(('weight__gt', 0)), fields=['-weight', '-heaviest', 'id'], name='worklist_entry_by_need'),
        ),
        migrations.AddConstraint(
            model_name='worklistentry',
            constraint=models.UniqueConstraint(fields=('customer', 'person'), name='worklist_entry_once_per_person'),
        ),
        migrations.AddConstraint(
            model_name='worklistentry',
            constraint=models.UniqueConstraint(condition=models.Q(('person', None)), fields=('customer',), name='worklist_entry_once_for_nobody'),
        ),
        migrations.AddIndex(
            model_name='worklistreason',
            index=models.Index(fields=['rule', 'decision'], name='worklist_reason_by_rule'),
        ),
        migrations.AddConstraint(
            model_name='worklistreason',
            constraint=models.UniqueConstraint(fields=('entry', 'rule', 'key'), name='worklist_reason_once'),
        ),
        migrations.RunPython(grant, take_back),
    ]
