"""What records say of a customer's fields is kept with the moment since which they say it."""

from datetime import UTC

from django.db import migrations, models
from django.db.models import Count

PIECE = 1000


def add_since(apps, schema_editor):
    """A record that arrived once said it then; of another we only know that it said it the last time."""

    def dated(record):
        at = record.first_received_at if record.payload_count < 2 else record.last_received_at
        since = at.astimezone(UTC).isoformat(timespec="microseconds")
        return {name: {"value": value, "since": since} for name, value in record.claims.items()}

    records = apps.get_model("customers", "SourceRecord").objects
    rewrite(records.annotate(payload_count=Count("payloads")), dated)


def take_since_away(apps, schema_editor):
    """Only name and e-mail were kept before."""

    def plain(record):
        return {name: record.claims[name]["value"] for name in ("name", "email") if name in record.claims}

    rewrite(apps.get_model("customers", "SourceRecord").objects.all(), plain)


def rewrite(records, claims_of):
    last = ""
    while True:
        found = records.order_by("pk").exclude(claims={})
        piece = list((found.filter(pk__gt=last) if last else found)[:PIECE])
        if not piece:
            return
        for record in piece:
            record.claims = claims_of(record)
        records.model.objects.bulk_update(piece, ["claims"])
        last = piece[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_came_with"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sourcerecord",
            name="claims",
            field=models.JSONField(
                default=dict,
                help_text="What this record says of the customer's own fields: for each the value, and since when it says so.",
            ),
        ),
        migrations.RunPython(add_since, take_since_away),
    ]
