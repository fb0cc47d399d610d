"""Rows that both imports and people write: fields that a person decided are pinned ("locked" on pages)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models


class PinnedFields(models.Model):
    """A row whose pinned fields imports leave alone."""

    #: The fields that both imports and people set, so they can be pinned.
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
        """Prevent imports from changing `fields`; the caller saves. Fields that imports never change are skipped."""
        pinned = {*self.pinned_fields, *fields}
        self.pinned_fields = [name for name in self.PINNABLE if name in pinned]

    def unpin(self, fields: Iterable[str]) -> None:
        """Let imports change `fields` again; the caller saves."""
        unpinned = set(fields)
        self.pinned_fields = [name for name in self.pinned_fields if name not in unpinned]

    @classmethod
    def label_of(cls, field: str) -> str:
        """The name of `field` on pages, such as `custom data`."""
        return str(cls._meta.get_field(field).verbose_name)  # type: ignore[union-attr]

    def pinned_labels(self) -> list[str]:
        """The names of the pinned fields on pages."""
        return [self.label_of(name) for name in self.pinned_fields]
