"""The indexes of somebody's accounts and of the reasons of a rule hold all that counting these takes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0004_came_with_unchecked"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(fields=["owner", "customer"], name="relationship_of_an_owner"),
        ),
        migrations.AlterField(
            model_name="relationship",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The account manager.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="accounts_owned",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveIndex(model_name="worklistreason", name="worklist_reason_by_rule"),
        migrations.AddIndex(
            model_name="worklistreason",
            index=models.Index(fields=["rule", "decision", "entry", "id"], name="worklist_reason_by_rule"),
        ),
    ]
