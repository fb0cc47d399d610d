"""The index of settings: its sections, and what each entry shows at its right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import User

from billing.rates.convert import installation_currency
from config.settings_pages.words import in_words, source_name
from crm.models import FieldDefinition, Team
from customers.configuration.table import (
    DIGEST_HOUR,
    DUNNING_STEPS,
    EXPORTS_KEPT_DAYS,
    INVOICE_DUE_DAYS,
    RENEWAL_SOON_DAYS,
    SHARED_ID_SPACES,
    SOURCE_PRECEDENCE_NAME,
    TABLE,
    USAGE_GRACE_MINUTES,
)
from customers.configuration.values import value_of
from customers.formats import counted

VIEW, CHANGE = "customers.view_storedsetting", "customers.change_storedsetting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the index. It leads to the page of the group `group`, or to another page by `url_name`.

    `current` is the text at the right for a user. Users need `permission`, if there is one.
    """

    title: str
    about: str
    icon: str
    current: Callable[[Any], str] = lambda user: ""
    group: str = ""
    url_name: str = ""
    permission: str = VIEW

    @property
    def words(self) -> str:
        """What a search looks through: its texts, and those of its settings."""
        own = [each for each in TABLE if each.group == self.group]
        return " ".join([self.title, self.about, *(f"{each.label} {each.help}" for each in own)])

    def matches(self, words: str) -> bool:
        """Whether each of the words is in its texts."""
        text = self.words.lower()
        return all(word in text for word in words.lower().split())


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list of entries."""

    title: str
    entries: tuple[Entry, ...]


def _time_zone(user: Any) -> str:
    preferences = getattr(user, "preferences", None)
    return (preferences.time_zone if preferences else "").replace("_", " ")


def _second_step(user: User) -> str:
    return "Two-step on" if is_mfa_enabled(user) else "Two-step off"


SECTIONS = (
    Section(
        "Workspace",
        (
            Entry(
                title="Seller details",
                about="Name, address and bank details on invoices",
                icon="store",
                url_name="seller",
                permission="billing.view_seller",
            ),
            Entry(
                title="Invoices",
                about="Payment terms and numbering",
                icon="receipt_long",
                group="invoices",
                current=lambda user: f"Due in {in_words(INVOICE_DUE_DAYS, value_of(INVOICE_DUE_DAYS))}",
            ),
            Entry(
                title="Reminders",
                about="Steps for unpaid invoices, and what the last one does",
                icon="notification_important",
                group="dunning",
                current=lambda user: in_words(DUNNING_STEPS, value_of(DUNNING_STEPS)),
            ),
            Entry(
                title="Balances and usage",
                about="Resets while past due, late usage",
                icon="data_usage",
                group="usage",
                current=lambda user: (
                    f"{in_words(USAGE_GRACE_MINUTES, value_of(USAGE_GRACE_MINUTES))} of grace"
                ),
            ),
            Entry(
                title="Currencies",
                about="Default and reporting currency",
                icon="payments",
                group="currencies",
                current=lambda user: installation_currency(),
            ),
            Entry(
                title="Exchange rates",
                about="For totals of several currencies",
                icon="currency_exchange",
                url_name="rates",
                permission="billing.view_exchangerate",
            ),
        ),
    ),
    Section(
        "Account work",
        (
            Entry(
                title="Worklist reasons",
                about="Which facts need attention, and when",
                icon="checklist",
                group="worklist",
                current=lambda user: f"{in_words(RENEWAL_SOON_DAYS, value_of(RENEWAL_SOON_DAYS))} ahead",
            ),
            Entry(
                title="Health score",
                about="Signals and weights",
                icon="monitor_heart",
                group="health",
                current=lambda user: (
                    f"{sum(value_of(each) > 0 for each in TABLE if each.group == 'health')} signals"
                ),
            ),
            Entry(
                title="Default notifications",
                about="How users are told, until they choose for themselves",
                icon="notifications_active",
                group="notifications",
                current=lambda user: f"Digest at {value_of(DIGEST_HOUR):02}:00",
            ),
        ),
    ),
    Section(
        "Records and sources",
        (
            Entry(
                title="Custom fields",
                about="Your own fields of customers, and those of the sources",
                icon="dataset",
                url_name="custom-fields",
                permission="crm.change_fielddefinition",
                current=lambda user: counted(FieldDefinition.objects.count(), "field"),
            ),
            Entry(
                title="Matching rules",
                about="When records are linked",
                icon="merge",
                group="matching",
                current=lambda user: "Shared IDs" if value_of(SHARED_ID_SPACES) else "No shared IDs",
            ),
            Entry(
                title="Trust order",
                about="Which source wins for each field",
                icon="format_list_numbered",
                group="trust",
                current=lambda user: f"{source_name(value_of(SOURCE_PRECEDENCE_NAME)[0])} first",
            ),
            Entry(
                title="Retention",
                about="How long exports, jobs and messages are kept",
                icon="schedule",
                group="retention",
                current=lambda user: f"Exports {in_words(EXPORTS_KEPT_DAYS, value_of(EXPORTS_KEPT_DAYS))}",
            ),
        ),
    ),
    Section(
        "You",
        (
            Entry(
                title="Preferences",
                about="Time zone, dates and numbers, start page, shortcuts",
                icon="public",
                url_name="preferences",
                permission="",
                current=_time_zone,
            ),
            Entry(
                title="Notifications",
                about="Bell and email digest",
                icon="notifications",
                url_name="desk-notification-choices",
                permission="",
            ),
            Entry(
                title="Password",
                about="Change your password",
                icon="password",
                url_name="admin:password_change",
                permission="",
            ),
            Entry(
                title="Two-step sign-in",
                about="Codes from your phone",
                icon="phonelink_lock",
                url_name="mfa_index",
                permission="",
                current=_second_step,
            ),
            Entry(
                title="Sessions",
                about="Where you are signed in",
                icon="devices",
                url_name="sessions",
                permission="",
            ),
        ),
    ),
    Section(
        "People",
        (
            Entry(
                title="Users",
                about="Who can sign in",
                icon="group",
                url_name="admin:auth_user_changelist",
                permission="auth.view_user",
            ),
            Entry(
                title="Groups",
                about="What each role can see and do",
                icon="shield_person",
                url_name="admin:auth_group_changelist",
                permission="auth.view_group",
            ),
            Entry(
                title="Teams",
                about="Who works together",
                icon="diversity_3",
                url_name="admin:crm_team_changelist",
                permission="crm.change_team",
                current=lambda user: counted(Team.objects.count(), "team"),
            ),
        ),
    ),
    Section(
        "Administration",
        (
            Entry(
                title="API tokens",
                about="Access for other programs",
                icon="key",
                url_name="admin:customers_apitoken_changelist",
                permission="customers.view_apitoken",
            ),
            Entry(
                title="Data",
                about="All tables, as administrators see them",
                icon="database",
                url_name="data",
            ),
            Entry(
                title="Failed sign-ins",
                about="Blocked names and addresses",
                icon="gpp_maybe",
                url_name="admin:axes_accessattempt_changelist",
                permission="axes.view_accessattempt",
            ),
        ),
    ),
)

#: The entry of each group that has a page here.
GROUPS = {entry.group: entry for section in SECTIONS for entry in section.entries if entry.group}
