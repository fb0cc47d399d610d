"""Indexes for the numbers of the home page."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_anchor_days'),
        ('customers', '0001_schema'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(condition=models.Q(('trial_ends_at__isnull', False)), fields=['trial_ends_at'], name='subscription_by_trial_end'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(condition=models.Q(('past_due', True)), fields=['current_period_end'], name='subscription_past_due'),
        ),
    ]
