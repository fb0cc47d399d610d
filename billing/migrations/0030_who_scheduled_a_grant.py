from django.db import migrations, models

from customers.migrations._add_column import AddColumn


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0029_list_orders_of_all_columns'),
    ]

    operations = [
        AddColumn(
            model_name='grant',
            name='scheduled_by',
            field=models.CharField(blank=True, editable=False, help_text='Who scheduled it.'),
        ),
        AddColumn(
            model_name='grant',
            name='scheduled_reason',
            field=models.CharField(blank=True, editable=False, help_text='Why it was scheduled.'),
        ),
    ]
