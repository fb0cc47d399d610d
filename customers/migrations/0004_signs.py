"""Signs of source records. Records that are there get their mailbox now and the other signs with their next document."""

from django.db import migrations, models
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left, Lower


def fill_mailboxes(apps, schema_editor):
    records = apps.get_model("customers", "SourceRecord").objects.using(schema_editor.connection.alias)
    mailbox = Left(Lower(Coalesce(KT("claims__email__value"), models.Value(""))), 320)
    records.filter(claims__has_key="email").update(mailbox=mailbox)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_plain_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='sourcerecord',
            name='mailbox',
            field=models.CharField(blank=True, editable=False, help_text='The canonical form of the email address. Empty for placeholders and offices, such as info@.', max_length=320),
        ),
        migrations.AddField(
            model_name='sourcerecord',
            name='signs',
            field=models.JSONField(blank=True, default=dict, editable=False, help_text='The names, phones, domains and tax numbers that tell whether another record is of the same customer.'),
        ),
        migrations.AddIndex(
            model_name='sourcerecord',
            index=models.Index(fields=['mailbox'], name='source_record_by_mailbox'),
        ),
        migrations.RunPython(fill_mailboxes, migrations.RunPython.noop),
    ]
