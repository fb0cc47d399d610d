"""Settings that an administrator has changed on a page."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from customers import clock


class StoredSetting(models.Model):
    """The value of one setting of `customers.configuration.table`, as the text that its kind reads."""

    name = models.CharField(primary_key=True, max_length=64, editable=False)
    value = models.TextField(max_length=4000)
    changed_at = models.DateTimeField(default=clock.now, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        default_permissions = ("view", "change")
        verbose_name = "setting"

    def __str__(self) -> str:
        return self.name
