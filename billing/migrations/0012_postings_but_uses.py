"""What was done to balances, beside uses, is found by customer however many uses there are."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0011_find_by_stripe_id'),
        ('customers', '0004_held_fast'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(condition=models.Q(('kind__in', ['usage', 'refund']), _negated=True), fields=['customer', 'occurred_at'], name='posting_but_uses_by_customer'),
        ),
    ]
