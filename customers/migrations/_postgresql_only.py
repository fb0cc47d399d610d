"""Changes of the schema that the databases need in different ways."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AlterOnPostgreSQL(migrations.AlterField):
    """Alters a field where that is a small thing; SQLite, which would make the whole table anew, stays as it is."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        """Alter it on PostgreSQL."""
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        """Alter it back on PostgreSQL."""
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)


class RemoveUnchecked(migrations.RemoveField):
    """Removes a foreign key that has a constraint on SQLite alone, because `AlterOnPostgreSQL` took it away elsewhere.

    SQLite can't drop the constraint, so the table is made anew.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Remove the column."""
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        schema_editor._remake_table(model, delete_field=model._meta.get_field(self.name))
