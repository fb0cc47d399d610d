"""A user's own preferences: time zone, language of dates and numbers, currency of totals, start page, shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from billing.rates.convert import installation_currency, summed_in
from config.navigation import MOST_COUNTED, Page
from crm.models import DuplicatePair, Notification, Preferences, WorklistEntry
from crm.models.preferences import preferences_of, time_zone_of
from customers.formats import day, number
from customers.local_formats import LANGUAGES, formats_of, name_of
from customers.readings.currencies import CURRENCIES
from customers.readings.time_zones import time_zones

#: Where pages are. The JSON API answers in UTC, for every user.
_PAGES = ("/admin/", "/accounts/")

_SAMPLE_DAY, _SAMPLE_NUMBER = date(2026, 11, 29), Decimal("1234.5")

#: The pages that a user can start with, besides the home page.
START_PAGES = (
    Page("Worklist", "", "desk-worklist", ("customers.view_customer", "crm.view_worklistentry")),
    Page("Customers", "", "desk-customers", ("customers.view_customer",)),
    Page("Segments", "", "desk-segments", ("customers.view_customer", "crm.view_segment")),
    Page("Invoices", "", "desk-invoices", ("billing.view_invoice",)),
    Page("Tasks", "", "desk-tasks", ("crm.view_task",)),
    Page("Possible duplicates", "", "admin:crm_duplicatecluster_changelist", ("crm.view_duplicatecluster",)),
)

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
    """Loads each user with their preferences and the numbers that every page shows: unread notifications, accounts on
    their worklist, pairs to review. So no request needs another query for them.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, if active."""
        user = _users().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


@cache
def _users() -> QuerySet[User]:
    """All users, as `UserBackend` loads them. Kept, because building the query takes longer than running it."""
    return User.objects.select_related("preferences").annotate(
        unread_notifications=_unread(), waiting_accounts=_waiting(), waiting_pairs=_pairs()
    )


def _unread() -> Coalesce:
    """The number of a user's unread notifications."""
    unread = Notification.objects.of(OuterRef("pk")).unread().order_by().values("user")
    return Coalesce(Subquery(unread.annotate(count=Count("pk")).values("count")), 0)


class _Counted(Subquery):
    """The number of rows of a query, counted no further than the sidebar shows."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.order_by().values("pk")[: MOST_COUNTED + 1])


def _waiting() -> _Counted:
    """The number of accounts on a user's worklist."""
    return _Counted(WorklistEntry.objects.waiting().filter(person=OuterRef("pk")))


def _pairs() -> _Counted:
    """The number of pairs that wait on the review page."""
    return _Counted(DuplicatePair.objects.waiting().filter(a__merged_into=None, b__merged_into=None))


class PreferencesMiddleware:
    """Answers pages in the user's own time zone, language and currency. Commands and the JSON API use the product's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request as its user prefers."""
        preferences = preferences_of(request.user) if request.path.startswith(_PAGES) else None
        if preferences is None:
            return self.get_response(request)
        zone = time_zone_of(request.user)
        with (
            timezone.override(zone) if zone else nullcontext(),
            formats_of(preferences.language),
            summed_in(preferences.currency),
        ):
            return self.get_response(request)


class PreferencesForm(forms.ModelForm):
    """The preferences of one user."""

    time_zone = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Pages show and read days and times in this time zone.",
    )

    language = forms.ChoiceField(
        label="Dates and numbers",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="How pages write days, numbers and money. Invoices and emails to customers stay as they are.",
    )
    currency = forms.ChoiceField(
        label="Totals in",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="The currency of totals of several currencies, at the exchange rates entered.",
    )
    start_page = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, help_text="The page after you sign in."
    )
    shortcuts = forms.BooleanField(
        label="Single-key shortcuts",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Keys such as N for a note. Shortcuts with Ctrl always work.",
    )

    class Meta:
        model = Preferences
        fields = ("time_zone", "language", "currency", "start_page", "shortcuts")

    def __init__(self, user: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        fields["time_zone"].choices = [("", f"Installation default ({settings.TIME_ZONE})"), *self._zones]
        fields["language"].choices = [("", f"English (US): {_sample('')}"), *_languages()]
        codes = [(code, code) for code in sorted(CURRENCIES)]
        fields["currency"].choices = [("", f"Installation default ({installation_currency()})"), *codes]
        pages = [(each.url_name, each.title) for each in START_PAGES if user.has_perms(each.permissions)]
        fields["start_page"].choices = [("", "Home"), *pages]

    @cached_property
    def _zones(self) -> list[tuple[str, Any]]:
        names = sorted(time_zones())
        regions = [
            (region, [(name, _city(name)) for name in names if name.startswith(f"{region}/")])
            for region in _REGIONS
        ]
        return [("UTC", "UTC"), *((region, cities) for region, cities in regions if cities)]


def _city(name: str) -> str:
    """The name without its region, for people: `Buenos Aires, Argentina` for `America/Argentina/Buenos_Aires`."""
    *wider, city = name.split("/")[1:]
    return ", ".join([city, *reversed(wider)]).replace("_", " ")


def _languages() -> list[tuple[str, str]]:
    found = [(language, f"{name_of(language)}: {_sample(language)}") for language in LANGUAGES]
    return sorted(found, key=lambda each: each[1].casefold())


def _sample(language: str) -> str:
    """`Nov 29, 2026, 1,234.5` as the language writes them."""
    with formats_of(language):
        return f"{day(_SAMPLE_DAY)}, {number(_SAMPLE_NUMBER)}"


def start_page(request: HttpRequest) -> HttpResponse:
    """Lead to the page that the user starts with, or home if they may not see it any more."""
    preferences = preferences_of(request.user)
    name = preferences.start_page if preferences else ""
    may_see = any(each.url_name == name and request.user.has_perms(each.permissions) for each in START_PAGES)
    return HttpResponseRedirect(reverse(name if may_see else "admin:index"))


def preferences_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """Show and save the preferences of the user who is signed in."""
    user: Any = request.user
    found = Preferences.objects.filter(user=user).first()
    form = PreferencesForm(
        user, request.POST if request.method == "POST" else None, instance=found or Preferences(user=user)
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved your preferences.")
        return HttpResponseRedirect(reverse("preferences"))
    return TemplateResponse(
        request,
        "config/preferences.html",
        {**site.each_context(request), "title": "Preferences", "form": form},
    )
