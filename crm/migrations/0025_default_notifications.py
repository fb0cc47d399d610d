"""Let the hour of a digest follow the settings until its user chooses one."""

from typing import Any

from django.db import migrations, models

#: The hour of everyone who chose none.
_DEFAULT = 8


def forget_default(apps: Any, schema_editor: Any) -> None:
    apps.get_model("crm", "DigestTime").objects.filter(hour=_DEFAULT).update(hour=None)


def restore_default(apps: Any, schema_editor: Any) -> None:
    apps.get_model("crm", "DigestTime").objects.filter(hour=None).update(hour=_DEFAULT)


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0024_import_batches_of_records"),
    ]

    operations = [
        migrations.AlterField(
            model_name="digesttime",
            name="hour",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.RunPython(forget_default, restore_default),
    ]
