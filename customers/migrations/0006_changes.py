"""The outbox of changes. Its triggers are created after the migrations (`customers.triggers`)."""

import customers.typed_ids
from django.db import migrations, models


def remove_functions(apps, schema_editor):
    """Without the table, the triggers of PostgreSQL would refuse every write. SQLite's are dropped before migrations."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(r"SELECT proname FROM pg_proc WHERE proname LIKE 'customers\_records\_change\_of\_%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {name} CASCADE")


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0005_not_understood'),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerChange',
            fields=[
                ('pk', models.CompositePrimaryKey('number', 'customer_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('customer_id', customers.typed_ids.TypedIdField(prefix='cus')),
                ('at', models.DateTimeField(help_text='When the transaction began on PostgreSQL, when it wrote on SQLite.')),
            ],
            options={
                'ordering': ['number', 'customer_id'],
                'default_permissions': (),
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, remove_functions),
    ]
