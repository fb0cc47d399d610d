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
    language = models.CharField(
        max_length=16, blank=True, help_text="Of dates and numbers. Leave blank for US English."
    )
    currency = models.CharField(
        max_length=3, blank=True, help_text="Of totals. Leave blank for the reporting currency."
    )
    start_page = models.CharField(max_length=64, blank=True, help_text="Leave blank for the home page.")
    shortcuts = models.BooleanField(default=True, help_text="Single keys act on the page.")

    columns = models.JSONField(
        default=dict, editable=False, help_text="The columns that the user chose, by the name of the list."
    )

    class Meta:
        default_permissions = ()
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user.get_username()}"


def preferences_of(user: Any) -> Preferences | None:
    """The preferences of a user. None if they chose nothing yet, or if the user is not signed in."""
    try:
        found: Preferences = user.preferences
    except (AttributeError, ObjectDoesNotExist):
        return None
    return found


def time_zone_of(user: Any) -> zoneinfo.ZoneInfo | None:
    """The time zone that a user chose. None if they chose none, or if it no longer exists: use the installation's."""
    preferences = preferences_of(user)
    try:
        return zoneinfo.ZoneInfo(preferences.time_zone) if preferences and preferences.time_zone else None
    except zoneinfo.ZoneInfoNotFoundError:
        return None
