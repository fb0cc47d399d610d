"""The admin site."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class LeanAdminSite(UnfoldAdminSite):
    """Unfold's site, which works out the list of all models only where a page shows it.

    Django asks for it on every page, and it takes a tenth of the time of a list. The sidebar has a list of its own.
    """

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The context of every page, with the number of the user's unread notifications."""
        # The number comes with the user (`config.preferences.UserBackend`).
        return {
            **super().each_context(request),
            "unread_notifications": getattr(request.user, "unread_notifications", None),
        }

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """The models by app, worked out when they are read."""
        return SimpleLazyObject(lambda: super(LeanAdminSite, self).get_app_list(request, app_label))
