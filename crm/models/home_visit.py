"""When a user was at the home page."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class HomeVisit(models.Model):
    """The last visit of one user to the home page, and the one before: what happened in between is new to them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="home_visit"
    )
    seen_at = models.DateTimeField()
    before_at = models.DateTimeField(help_text="The visit before this one.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Visit of {self.user.get_username()}"
