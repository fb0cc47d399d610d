"""Merges, who may see them, and who may merge."""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
MERGING = ("Account manager", "Administrator")
READ = {"view_merge"}
MERGED = {"merge_customers"}


def grant(apps, schema_editor):
    database = schema_editor.connection.alias
    config = apps.get_app_config("crm")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=database)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for names, codenames in ((READERS, READ), (MERGING, MERGED)):
        wanted = list(permissions.filter(content_type__app_label="crm", codename__in=codenames))
        for group in groups.filter(name__in=names):
            group.permissions.add(*wanted)


def take_back(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="crm", content_type__model="merge").delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0008_worklist_and_health'),
        ('customers', '0002_came_with'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='merge', primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField(default=customers.clock.now)),
                ('reason', models.CharField(blank=True)),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('changes', models.JSONField(default=dict, help_text='What undoing it needs beside the rows that came with the other: values before and after, rows put away.')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_away', to='customers.customer')),
                ('survivor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='customers.customer')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-made_at', '-id'],
                'permissions': [('merge_customers', 'Can merge customers and undo it')],
                'default_permissions': ('view',),
                'constraints': [models.CheckConstraint(condition=models.Q(('survivor', models.F('other')), _negated=True), name='merge_of_two_customers'), models.CheckConstraint(condition=models.Q(('undone_at', None), ('undone_at__gte', models.F('made_at')), _connector='OR'), name='merge_undone_after_it'), models.UniqueConstraint(condition=models.Q(('undone_at', None)), fields=('other',), name='merge_stands_once_per_customer')],
            },
        ),
        migrations.RunPython(grant, take_back),
    ]
