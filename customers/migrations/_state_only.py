"""Changes of the models' words, which no database keeps."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class StateOnly(migrations.SeparateDatabaseAndState):
    """Changes that only the models have. The model classes are rebuilt once after all of them, not after each."""

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Apply the changes to a state without model classes."""
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)
