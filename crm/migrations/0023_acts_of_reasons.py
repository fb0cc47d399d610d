from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0022_contact_log")]

    operations = [
        migrations.AddField(
            model_name="worklistreason",
            name="act",
            field=models.CharField(
                blank=True,
                help_text="The name of the act that settles it, and the ID of its row.",
                max_length=80,
            ),
        ),
    ]
