"""Customers that may be one: pairs, what was decided of them, clusters; and who may see and decide."""

import customers.clock
import customers.typed_ids
import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
DECIDING = ("Account manager", "Administrator")
READ = {"view_duplicatepair", "view_duplicatecluster"}
DECIDED = {"change_duplicatepair", "change_duplicatecluster"}


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
    models = ("duplicatepair", "duplicatecluster")
    permissions.filter(content_type__app_label="crm", content_type__model__in=models).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0003_roles_for_billing'),
        ('customers', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicateCluster',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='clu', primary_key=True, serialize=False)),
                ('size', models.PositiveIntegerField(help_text='How many customers it holds.')),
                ('score', models.FloatField(help_text='The score of its likeliest pair, from 0 to 1.')),
                ('found_at', models.DateTimeField(help_text='When the first of its pairs was found.')),
                ('first', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='duplicate_cluster', to='customers.customer')),
            ],
            options={
                'verbose_name': 'possible duplicate',
                'ordering': ['-score', '-id'],
            },
        ),
        migrations.CreateModel(
            name='DuplicatePair',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='dup', primary_key=True, serialize=False)),
                ('score', models.FloatField(help_text='How likely the two are one, from 0 to 1.')),
                ('reasons', models.JSONField(default=list, help_text='What speaks for it, then what against, in words.')),
                ('found_at', models.DateTimeField(default=customers.clock.now, help_text='When a sweep found it first.')),
                ('swept_at', models.DateTimeField(default=customers.clock.now, help_text='When a sweep found it last.')),
                ('decision', models.CharField(choices=[('open', 'Open'), ('later', 'Later'), ('not_duplicates', 'Not duplicates'), ('merged', 'Merged')], default='open', max_length=20)),
                ('later_until', models.DateTimeField(blank=True, help_text='The first sweep after that asks again.', null=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('a', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='duplicate_pairs_as_a', to='customers.customer')),
                ('b', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='duplicate_pairs_as_b', to='customers.customer')),
                ('cluster', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='pairs', to='crm.duplicatecluster')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='duplicates_decided', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'duplicate pair',
                'ordering': ['-score', '-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='duplicatecluster',
            constraint=models.CheckConstraint(condition=models.Q(('size__gte', 2)), name='duplicate_cluster_holds_two'),
        ),
        migrations.AddConstraint(
            model_name='duplicatecluster',
            constraint=models.CheckConstraint(condition=models.Q(('score__gte', 0), ('score__lte', 1)), name='duplicate_cluster_score_in_range'),
        ),
        migrations.AddIndex(
            model_name='duplicatepair',
            index=models.Index(fields=['decision', '-score'], name='duplicate_pair_waiting'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.UniqueConstraint(fields=('a', 'b'), name='duplicate_pair_once'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.CheckConstraint(condition=models.Q(('a__lt', models.F('b'))), name='duplicate_pair_in_order'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.CheckConstraint(condition=models.Q(('score__gte', 0), ('score__lte', 1)), name='duplicate_pair_score_in_range'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.CheckConstraint(condition=models.Q(('decision__in', ['open', 'later', 'not_duplicates', 'merged'])), name='duplicate_pair_decision_known'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision', 'later'), ('later_until__isnull', False)), models.Q(models.Q(('decision', 'later'), _negated=True), ('later_until', None)), _connector='OR'), name='duplicate_pair_later_has_a_time'),
        ),
        migrations.RunPython(grant, take_back),
    ]
