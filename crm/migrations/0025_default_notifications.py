"""Let notifications and the hour of a digest follow the settings until their user chooses."""

from typing import Any

from django.db import migrations, models

#: The hour of everyone who chose none.
_DEFAULT = 8
_KINDS = [
    ("mentioned", "a note mentions me"),
    ("assigned", "a task is assigned to me"),
    ("task_due", "a task of mine is due, or its reminder is"),
    ("account", "an account is reassigned to me"),
    ("joined", "an account of mine is merged or linked"),
    ("alert", "a usage alert of my account fires"),
    ("past_due", "an invoice of my account is past due"),
    ("trial_ending", "a trial of my account is about to end"),
    ("import_done", "an import of mine ends"),
    ("export_done", "an export of mine ends"),
]


def forget_default(apps: Any, schema_editor: Any) -> None:
    apps.get_model("crm", "DigestTime").objects.filter(hour=_DEFAULT).update(hour=None)
    # The page used to save a row for every kind, also for those that the user had left as they were.
    apps.get_model("crm", "NotificationChoice").objects.filter(bell=True, email="never").delete()


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
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=20),
        ),
        migrations.AlterField(
            model_name="notificationchoice",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=20),
        ),
        migrations.RunPython(forget_default, restore_default),
    ]
