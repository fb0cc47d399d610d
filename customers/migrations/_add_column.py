"""A new column of a table that has triggers."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AddColumn(migrations.AddField):
    """Adds a column that is not null; on SQLite in place, because a table that is made anew loses its triggers."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Add the column. On SQLite its default stays in the schema."""
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        table, column = map(schema_editor.quote_name, (model._meta.db_table, field.column))
        default = schema_editor.quote_value(schema_editor.effective_default(field))
        kind = field.db_type(schema_editor.connection)
        schema_editor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} NOT NULL DEFAULT {default}")
