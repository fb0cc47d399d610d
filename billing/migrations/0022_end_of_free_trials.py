"""What happens when the free trial of a plan ends."""

from django.db import migrations, models

from customers.migrations._add_column import AddColumn


def on_end():
    return models.CharField(
        blank=True,
        choices=[("bill", "Bill the first period"), ("revert", "Go back to the plan before, or end")],
        help_text="Blank: the first period is billed.",
        max_length=10,
        verbose_name="when the free trial ends",
        default="",
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0021_notices")]
    operations = [
        AddColumn("plan", "free_trial_on_end", on_end(), preserve_default=False),
        AddColumn("historicalplan", "free_trial_on_end", on_end(), preserve_default=False),
    ]
