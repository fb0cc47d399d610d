"""How a user wants the pages to be."""

from __future__ import annotations

from django.conf import settings
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
