"""Changes of the schema that only one of the databases needs."""

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
