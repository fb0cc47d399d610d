"""Tasks of which one is to be reminded before they are due."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0014_finding'),
        ('customers', '0004_held_fast'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicaltask',
            name='reminder_on',
            field=models.DateField(blank=True, help_text='From this day on it is on the worklist, though it is due later.', null=True, verbose_name='reminder'),
        ),
        migrations.AddField(
            model_name='task',
            name='reminder_on',
            field=models.DateField(blank=True, help_text='From this day on it is on the worklist, though it is due later.', null=True, verbose_name='reminder'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('reminder_on', None), ('due_on', None), ('reminder_on__lte', models.F('due_on')), _connector='OR'), name='task_reminder_not_after_due', violation_error_message='The reminder comes on the day it is due, or before.'),
        ),
    ]
