"""How a user wants the pages to be."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models


class Preferences(models.Model):
    """The preferences of one user. Every user has their own, without a permission."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    time_zone = models.CharField(
        max_length=64, blank=True, help_text="Leave blank for the time zone of the installation."
    )

    class Meta:
        default_permissions = ()
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user.get_username()}"


def time_zone_of(user: Any) -> zoneinfo.ZoneInfo | None:
    """The time zone that a user chose. None if they chose none, or if it no longer exists: use the installation's."""
    try:
        name = user.preferences.time_zone
        return zoneinfo.ZoneInfo(name) if name else None
    except (AttributeError, ObjectDoesNotExist, zoneinfo.ZoneInfoNotFoundError):
        return None
