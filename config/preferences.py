"""A user's own preferences: the time zone in which pages show and read times."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminSelectWidget

from crm.models import Notification, Preferences
from crm.models.preferences import time_zone_of

#: Where pages are. The JSON API answers in UTC, for every user.
_PAGES = ("/admin/", "/accounts/")

#: The regions of IANA names to choose from. Names outside them are outdated, or fixed offsets.
_REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


class UserBackend(ModelBackend):
    """Loads each user with their preferences and the number of their unread notifications, so that no request needs
    another query for them.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, if active."""
        users = User.objects.select_related("preferences").annotate(unread_notifications=_unread())
        user = users.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def _unread() -> Coalesce:
    """The number of a user's unread notifications."""
    unread = Notification.objects.of(OuterRef("pk")).unread().order_by().values("user")
    return Coalesce(Subquery(unread.annotate(count=Count("pk")).values("count")), 0)


class TimeZoneMiddleware:
    """Lets pages show and read times in the user's own time zone. Commands use the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the user's time zone."""
        zone = time_zone_of(request.user) if request.path.startswith(_PAGES) else None
        with timezone.override(zone) if zone else nullcontext():
            return self.get_response(request)


class PreferencesForm(forms.ModelForm):
    """The preferences of one user."""

    time_zone = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Pages show and read days and times in this time zone.",
    )

    class Meta:
        model = Preferences
        fields = ("time_zone",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["time_zone"]
        field.choices = [("", f"Installation default ({settings.TIME_ZONE})"), *self._zones]

    @cached_property
    def _zones(self) -> list[tuple[str, Any]]:
        names = sorted(zoneinfo.available_timezones())
        regions = [
            (region, [(name, _city(name)) for name in names if name.startswith(f"{region}/")])
            for region in _REGIONS
        ]
        return [("UTC", "UTC"), *((region, cities) for region, cities in regions if cities)]


def _city(name: str) -> str:
    """The name without its region, for people: `Buenos Aires, Argentina` for `America/Argentina/Buenos_Aires`."""
    *wider, city = name.split("/")[1:]
    return ", ".join([city, *reversed(wider)]).replace("_", " ")


def preferences_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """Show and save the preferences of the user who is signed in."""
    user: Any = request.user
    found = Preferences.objects.filter(user=user).first()
    form = PreferencesForm(request.POST or None, instance=found or Preferences(user=user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved your preferences.")
        return HttpResponseRedirect(reverse("preferences"))
    return TemplateResponse(
        request,
        "config/preferences.html",
        {**site.each_context(request), "title": "Preferences", "form": form},
    )
