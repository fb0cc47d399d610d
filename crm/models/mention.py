"""Mentions of colleagues in notes."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models

from crm.models.note import Note
from customers import clock
from customers.typed_ids import TypedIdField


class MentionQuerySet(models.QuerySet["Mention"]):
    def unseen(self) -> Self:
        return self.filter(seen_at=None)

    def of(self, user: Any) -> Self:
        """Mentions of one colleague."""
        return self.filter(user=user)


class Mention(models.Model):
    """A colleague named in a note as `@name`. The note is on their worklist until they have seen it."""

    id = TypedIdField(prefix="men", primary_key=True, editable=False)
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")
    made_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(null=True)

    objects = MentionQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="mention_once_per_note")]

    def __str__(self) -> str:
        return f"{self.user} in “{self.note}”"
