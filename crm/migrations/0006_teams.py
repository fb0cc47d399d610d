"""Teams, and who may see them and say who is in them."""

import customers.typed_ids
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

READERS = ("Viewer", "Account manager", "Billing operations", "Administrator")
DECIDING = ("Administrator",)
READ = {"view_team"}
DECIDED = {"add_team", "change_team", "delete_team"}


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
    permissions.filter(content_type__app_label="crm", content_type__model="team").delete()


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0005_came_with'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', customers.typed_ids.TypedIdField(editable=False, prefix='team', primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='Such as “Northern accounts”.', max_length=255, unique=True)),
                ('members', models.ManyToManyField(blank=True, help_text='The accounts of all of them are the accounts of the team.', related_name='teams', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.RunPython(grant, take_back),
    ]
