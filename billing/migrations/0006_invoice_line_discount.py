from django.db import migrations

import customers.typed_ids


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_record_plain_use")]
    operations = [
        migrations.AddField(
            model_name="invoiceline",
            name="discount_key",
            field=customers.typed_ids.TypedIdField(
                blank=True,
                editable=False,
                help_text="The discount that made it. Imports may take that away; the line stays.",
                null=True,
                prefix="disc",
            ),
        ),
    ]
