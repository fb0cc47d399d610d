"""Tags, segments and exports, and who may see and make them."""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
WRITERS = ("Account manager", "Administrator")
READ = {f"view_{model}" for model in ("tag", "customertag", "segment", "export")}
KEPT = {"add_segment", "change_segment", "add_export"}
WRITTEN = {f"{verb}_{model}" for verb in ("add", "change") for model in ("tag", "customertag")}
TAKEN_OFF = {"delete_customertag"}
MODELS = ("tag", "customertag", "segment", "export", "exportpart")


def grant(apps, schema_editor):
    database = schema_editor.connection.alias
    config = apps.get_app_config("crm")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=database)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for names, codenames in ((READERS, READ), (WRITERS, KEPT | WRITTEN | TAKEN_OFF), (("Administrator",), {"delete_tag"})):
        wanted = list(permissions.filter(content_type__app_label="crm", codename__in=codenames))
        for group in groups.filter(name__in=names):
            group.permissions.add(*wanted)


def take_back(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="crm", content_type__model__in=MODELS).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0015_task_reminders'),
        ('customers', '0004_held_fast'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='exp', primary_key=True, serialize=False)),
                ('title', models.TextField(help_text='Which customers, in words.')),
                ('format', models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX')], max_length=4)),
                ('made_at', models.DateTimeField(db_index=True, default=customers.clock.now)),
                ('columns', models.JSONField(default=list, help_text='The names of the columns, in order.')),
                ('customers', models.PositiveIntegerField(default=0, help_text='How many it is of.')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-made_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='tag', primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='A word or two, such as “pilot 2026”.', max_length=50)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='tag_name_once', violation_error_message='There is this tag already.'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='tag_has_a_name')],
            },
        ),
        migrations.CreateModel(
            name='ExportPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('customer_ids', models.JSONField(default=list)),
                ('data', models.BinaryField(null=True)),
                ('export', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='crm.export')),
            ],
            options={
                'ordering': ['export', 'number'],
                'constraints': [models.UniqueConstraint(fields=('export', 'number'), name='export_part_once')],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='seg', primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='Such as “Northern pilots”.', max_length=100)),
                ('is_shared', models.BooleanField(default=False, help_text='Everybody may use it; only its owner changes it.', verbose_name='shared')),
                ('query', models.JSONField(default=dict, editable=False)),
                ('created_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='segments', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'id'],
                'constraints': [models.UniqueConstraint(fields=('owner', 'name'), name='segment_name_once_per_owner', violation_error_message='You have a segment of this name already.'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='segment_has_a_name')],
            },
        ),
        migrations.CreateModel(
            name='CustomerTag',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='ctag', primary_key=True, serialize=False)),
                ('given_at', models.DateTimeField(default=customers.clock.now, editable=False)),
                ('came_with', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='customer_tags', to='customers.customer')),
                ('given_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='customer_tags', to='crm.tag')),
            ],
            options={
                'verbose_name': 'tag of a customer',
                'verbose_name_plural': 'tags of customers',
                'ordering': ['tag__name', 'id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('came_with', None)), fields=('customer', 'tag'), name='customer_tag_once', violation_error_message='The customer has this tag already.'), models.UniqueConstraint(fields=('came_with', 'tag'), name='customer_tag_once_came_with', violation_error_message='The customer has this tag already.')],
            },
        ),
        migrations.RunPython(grant, take_back),
    ]
