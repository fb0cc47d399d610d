"""Tokens get scopes, a mode, an owner and a count of requests. Those that exist read what they read before: everything."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def all_scopes():
    return ["payments", "billing", "catalog", "crm", "desk"]


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("customers", "0014_audit"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                help_text="The token reads no more than its owner may, and is refused once they can't sign in.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="api_tokens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=models.JSONField(default=all_scopes, help_text="What the token may read."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="apitoken",
            name="env",
            field=models.CharField(
                blank=True,
                choices=[("live", "Live"), ("sandbox", "Test mode")],
                default="",
                help_text="The customers that the token may read. Leave blank for live and test mode.",
                max_length=10,
                verbose_name="mode",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last used"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="window_began_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="window_requests",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Requests that processes took of the current minute.",
            ),
        ),
    ]
