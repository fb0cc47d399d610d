"""Tasks, calls and meetings, mentions in notes; and who may write them."""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
WRITERS = ("Account manager", "Administrator")
MODELS = ("activity", "mention", "task")
READ = {f"view_{model}" for model in MODELS}
WRITTEN = {f"{verb}_{model}" for verb in ("add", "change") for model in ("activity", "task")}


def grant(apps, schema_editor):
    database = schema_editor.connection.alias
    config = apps.get_app_config("crm")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=database)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for names, codenames in ((READERS, READ), (WRITERS, WRITTEN)):
        wanted = list(permissions.filter(content_type__app_label="crm", codename__in=codenames))
        for group in groups.filter(name__in=names):
            group.permissions.add(*wanted)


def take_back(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="crm", content_type__model__in=MODELS).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0009_merge'),
        ('customers', '0003_claims_since'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='act', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('call', 'Call'), ('meeting', 'Meeting'), ('mail', 'Mail')], default='call', max_length=10)),
                ('happened_at', models.DateTimeField(default=customers.clock.now, verbose_name='when')),
                ('summary', models.TextField(blank=True, help_text='What was said, in Markdown.')),
                ('created_at', models.DateTimeField(default=customers.clock.now, editable=False)),
            ],
            options={
                'verbose_name_plural': 'activities',
                'ordering': ['-happened_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalActivity',
            fields=[
                ('id', customers.typed_ids.TypedIdField(db_index=True, editable=False, prefix='act')),
                ('kind', models.CharField(choices=[('call', 'Call'), ('meeting', 'Meeting'), ('mail', 'Mail')], default='call', max_length=10)),
                ('happened_at', models.DateTimeField(default=customers.clock.now, verbose_name='when')),
                ('summary', models.TextField(blank=True, help_text='What was said, in Markdown.')),
                ('created_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical activity',
                'verbose_name_plural': 'historical activities',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalTask',
            fields=[
                ('id', customers.typed_ids.TypedIdField(db_index=True, editable=False, prefix='task')),
                ('title', models.CharField(help_text='What is to be done, in a few words.', max_length=255)),
                ('body', models.TextField(blank=True, help_text='What one has to know for it, in Markdown.', verbose_name='more')),
                ('due_on', models.DateField(blank=True, help_text='Empty: when there is time.', null=True, verbose_name='due')),
                ('created_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('done_at', models.DateTimeField(editable=False, null=True, verbose_name='done')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical task',
                'verbose_name_plural': 'historical tasks',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Mention',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='men', primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField(default=customers.clock.now)),
                ('seen_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-made_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='task', primary_key=True, serialize=False)),
                ('title', models.CharField(help_text='What is to be done, in a few words.', max_length=255)),
                ('body', models.TextField(blank=True, help_text='What one has to know for it, in Markdown.', verbose_name='more')),
                ('due_on', models.DateField(blank=True, help_text='Empty: when there is time.', null=True, verbose_name='due')),
                ('created_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('done_at', models.DateTimeField(editable=False, null=True, verbose_name='done')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='historicalnote',
            name='is_pinned',
            field=models.BooleanField(default=False, help_text="Stays above the others on the customer's page.", verbose_name='pinned'),
        ),
        migrations.AddField(
            model_name='historicalnote',
            name='origin',
            field=models.CharField(choices=[('written', 'Written'), ('generated', 'Generated')], default='written', editable=False, help_text='Written by a person, or generated by a program.', max_length=10),
        ),
        migrations.AddField(
            model_name='note',
            name='is_pinned',
            field=models.BooleanField(default=False, help_text="Stays above the others on the customer's page.", verbose_name='pinned'),
        ),
        migrations.AddField(
            model_name='note',
            name='origin',
            field=models.CharField(choices=[('written', 'Written'), ('generated', 'Generated')], default='written', editable=False, help_text='Written by a person, or generated by a program.', max_length=10),
        ),
        migrations.AddIndex(
            model_name='note',
            index=models.Index(fields=['customer', 'created_at'], name='note_by_customer'),
        ),
        migrations.AddField(
            model_name='activity',
            name='came_with',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='activity',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='activities', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='activity',
            name='logged_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='activity',
            name='person',
            field=models.ForeignKey(blank=True, help_text='With whom, if it is known.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='activities', to='crm.person'),
        ),
        migrations.AddField(
            model_name='historicalactivity',
            name='came_with',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='historicalactivity',
            name='customer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='historicalactivity',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalactivity',
            name='logged_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalactivity',
            name='person',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='With whom, if it is known.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='crm.person'),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='came_with',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='created_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='customer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='done_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltask',
            name='owner',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='Who is to do it. From the day it is due, it is on their worklist.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mention',
            name='note',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='crm.note'),
        ),
        migrations.AddField(
            model_name='mention',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='task',
            name='came_with',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='task',
            name='created_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='task',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='task',
            name='done_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='task',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='Who is to do it. From the day it is due, it is on their worklist.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tasks', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['customer', 'happened_at'], name='activity_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['call', 'meeting', 'mail'])), name='activity_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='mention',
            constraint=models.UniqueConstraint(fields=('note', 'user'), name='mention_once_per_note'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('done_at', None)), fields=['owner', 'due_on'], name='task_open_of_owner'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['customer', 'created_at'], name='task_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='task_has_a_title', violation_error_message='Say in a few words what is to be done.'),
        ),
        migrations.RunPython(grant, take_back),
    ]
