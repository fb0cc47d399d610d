"""Rows of which imports leave alone what a person has decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models


class Holding(models.Model):
    """A row that both imports and people write. A column that a person has edited is held fast until let go."""

    #: The columns that can be held fast.
    PINNABLE: ClassVar[tuple[str, ...]] = ()

    pinned_fields = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="Fields that a person has edited; an import leaves them alone.",
    )

    class Meta:
        abstract = True

    def pin(self, fields: Iterable[str]) -> None:
        """Keep imports from changing `fields`; the caller saves. Those that imports never change are passed over."""
        kept = {*self.pinned_fields, *fields}
        self.pinned_fields = [name for name in self.PINNABLE if name in kept]

    def unpin(self, fields: Iterable[str]) -> None:
        """Let imports change `fields` again; the caller saves."""
        freed = set(fields)
        self.pinned_fields = [name for name in self.pinned_fields if name not in freed]
