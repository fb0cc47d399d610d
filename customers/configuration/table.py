"""The settings of the product: name, label, help, default, and the page they are on.

A new setting is an entry here; the environment, the pages, `manage.py settings` and the tests follow the table.
"""

from __future__ import annotations

from typing import Any

from customers.configuration.kinds import (
    AscendingDays,
    Choice,
    Currency,
    Flag,
    FollowUp,
    Lines,
    Names,
    Number,
    Prefix,
    Setting,
    Several,
)

#: The sources that have a place in an order, in the order of the default.
SOURCES = ("payments", "billing", "crm")

INVOICE_DUE_DAYS = Number(
    name="INVOICE_DUE_DAYS",
    label="Payment terms",
    help="Days until an invoice is past due, unless the billing account has its own terms.",
    group="invoices",
    # Longer than any month, so that the invoice of one period does not stop the reset of the next.
    default=45,
    unit="days",
)
INVOICE_PREFIX = Prefix(
    name="INVOICE_PREFIX",
    label="Invoice numbers start with",
    help="Another prefix starts another series at 1.",
    group="invoices",
    default="INV",
    reserved=("CN", "TEST-CN"),
)
INVOICE_SELLER = Lines(
    name="INVOICE_SELLER",
    label="Seller until the seller details are filled in",
    help="Name, address and tax ID, each on a line of its own.",
    group="invoices",
    default=(),
)
DUNNING_STEPS = AscendingDays(
    name="DUNNING_STEPS",
    label="Reminders",
    help="Days past due at which an unpaid invoice reaches each step. Enter none for no reminders.",
    group="dunning",
    default=(7, 14, 30),
    follow_up=FollowUp.REFRESH,
)
DUNNING_OUTCOME = Choice(
    name="DUNNING_OUTCOME",
    label="After the last reminder",
    help="What happens to the subscription of an invoice that is still unpaid.",
    group="dunning",
    default="nothing",
    options={"nothing": "Nothing", "cancel": "Cancel the subscription immediately"},
)
RESET_PAST_DUE = Flag(
    name="RESET_PAST_DUE",
    label="Reset balances while an invoice is past due",
    help="Balances of a subscription with a past-due invoice get their next allowance all the same.",
    group="usage",
    default=False,
)
USAGE_GRACE_MINUTES = Number(
    name="USAGE_GRACE_MINUTES",
    label="Grace for late usage",
    help="Minutes after the end of a billed period in which usage of it is accepted. The next invoice bills it.",
    group="usage",
    default=60,
    highest=525_600,
    unit="minutes",
)
DEFAULT_CURRENCY = Currency(
    name="DEFAULT_CURRENCY",
    label="Default currency",
    help="The currency of amounts that arrive without one, such as revenues in the CRM and plan prices.",
    group="currencies",
    default="USD",
    follow_up=FollowUp.REFRESH,
)
REPORTING_CURRENCY = Currency(
    name="REPORTING_CURRENCY",
    label="Reporting currency",
    help="The currency in which totals of several currencies are shown. Rates are entered per unit of another currency.",
    group="currencies",
    default="",
    blank_means="Same as the default currency",
    follow_up=FollowUp.REFRESH,
)
WORKLIST_OVERDUE_DAYS = Number(
    name="WORKLIST_OVERDUE_DAYS",
    label="Invoice past due",
    help="A customer needs attention when an invoice is past due for this many days.",
    group="worklist",
    default=1,
    unit="days",
    follow_up=FollowUp.REFRESH,
)
WORKLIST_BALANCE_PERCENT = Number(
    name="WORKLIST_BALANCE_PERCENT",
    label="Balance used",
    help="A customer needs attention when this share of a balance is used, and it won't last until its reset.",
    group="worklist",
    default=80,
    highest=1000,
    unit="%",
    follow_up=FollowUp.REFRESH,
)
WORKLIST_QUIET_DAYS = Number(
    name="WORKLIST_QUIET_DAYS",
    label="No contact before a renewal",
    help="A customer needs attention when a period of two months or more renews soon and the last contact was this long ago.",
    group="worklist",
    default=60,
    unit="days",
    follow_up=FollowUp.REFRESH,
)
WORKLIST_CONTRACT_PERCENT = Number(
    name="WORKLIST_CONTRACT_PERCENT",
    label="Billed against contract",
    help="A customer needs attention when what is billed differs from the contract by this share.",
    group="worklist",
    default=10,
    highest=1000,
    unit="%",
    follow_up=FollowUp.REFRESH,
)
WORKLIST_HEALTH_DROP = Number(
    name="WORKLIST_HEALTH_DROP",
    label="Drop in health",
    help="A customer needs attention when the health score fell by this many points within 30 days.",
    group="worklist",
    default=15,
    highest=100,
    unit="points",
    follow_up=FollowUp.REFRESH,
)
RENEWAL_SOON_DAYS = Number(
    name="RENEWAL_SOON_DAYS",
    label="Renewals ahead",
    help="How many days ahead a renewal counts as soon.",
    group="worklist",
    default=30,
    unit="days",
    follow_up=FollowUp.REFRESH,
    former_name="WORKLIST_RENEWAL_DAYS",
)
TRIAL_SOON_DAYS = Number(
    name="TRIAL_SOON_DAYS",
    label="Trial ends ahead",
    help="How many days ahead the end of a trial counts as soon.",
    group="worklist",
    default=7,
    unit="days",
    follow_up=FollowUp.REFRESH,
    former_name="WORKLIST_TRIAL_DAYS",
)
#: The reasons of the worklist, whose rules are in `crm.desk.worklist`.
REASONS = {
    "invoice_overdue": "Invoice past due",
    "dunning_step": "Payment reminder due",
    "subscription_past_due": "Subscription past due",
    "trial_ending": "Trial ending",
    "canceled": "Canceled",
    "platform_change": "Change on the billing platform",
    "renewal_unattended": "Renewal without contact",
    "balance_exhausted": "Balance at zero",
    "balance_runs_out": "Balance running out",
    "balance_low": "Low balance",
    "usage_alert": "Usage alert",
    "topup_due": "Top-up due",
    "contract_mismatch": "Contract mismatch",
    "health_dropped": "Health dropped",
    "unowned": "No account manager",
    "possible_duplicate": "Possible duplicate",
    "task_due": "Task due",
    "mention": "Mention",
}
WORKLIST_REASONS_OFF = Several(
    name="WORKLIST_REASONS_OFF",
    label="Reasons left out",
    help="These reasons never put a customer on the worklist.",
    group="worklist",
    default=(),
    options=REASONS,
    follow_up=FollowUp.REFRESH,
)


def _weight(signal: str, help_text: str, default: int) -> Number:
    return Number(
        name=f"HEALTH_WEIGHT_{signal}",
        label="Open issues" if signal == "ISSUES" else signal.capitalize(),
        help=help_text,
        group="health",
        default=default,
        highest=1000,
        unit="points",
        follow_up=FollowUp.REFRESH,
    )


HEALTH_WEIGHT_PAYMENTS = _weight(
    "PAYMENTS", "The most points for payments. Past-due invoices cost points.", 30
)
HEALTH_WEIGHT_USAGE = _weight(
    "USAGE", "The most points for usage in the last 30 days against the 30 before.", 25
)
HEALTH_WEIGHT_ALLOWANCE = _weight(
    "ALLOWANCE", "The most points while no balance is at zero or in overage.", 15
)
HEALTH_WEIGHT_CONTACT = _weight("CONTACT", "The most points for a recent contact.", 10)
HEALTH_WEIGHT_TENURE = _weight("TENURE", "The most points for a long time as a customer.", 10)
HEALTH_WEIGHT_ISSUES = _weight(
    "ISSUES", "The most points without overdue tasks, cancellations and a suspension.", 10
)

SHARED_ID_SPACES = Names(
    name="SHARED_ID_SPACES",
    label="Sources that share their IDs",
    help="The same ID in two of these sources means the same customer, for records that are new from now on.",
    group="matching",
    default=(),
    known=SOURCES,
)
SOURCE_PRECEDENCE_NAME = Names(
    name="SOURCE_PRECEDENCE_NAME",
    label="Name",
    help="Which source decides a customer's name, the most trusted first.",
    group="trust",
    default=SOURCES,
    known=SOURCES,
    is_order=True,
    follow_up=FollowUp.RESOLVE,
)
SOURCE_PRECEDENCE_EMAIL = Names(
    name="SOURCE_PRECEDENCE_EMAIL",
    label="Email",
    help="Which source decides a customer's email address, the most trusted first.",
    group="trust",
    default=SOURCES,
    known=SOURCES,
    is_order=True,
    follow_up=FollowUp.RESOLVE,
)
CHANGES_KEPT_DAYS = Number(
    name="CHANGES_KEPT_DAYS",
    label="Changes for other programs",
    help="How many days the list of changed customers goes back. A program that is further behind reads every document again.",
    group="retention",
    default=30,
    unit="days",
)
EXPORTS_KEPT_DAYS = Number(
    name="EXPORTS_KEPT_DAYS",
    label="Exports",
    help="How many days the file of an export can be downloaded.",
    group="retention",
    default=1,
    lowest=1,
    unit="days",
)
IMPORTS_KEPT_DAYS = Number(
    name="IMPORTS_KEPT_DAYS",
    label="Imported files",
    help="How many days an uploaded file is kept, and its import can be reverted.",
    group="retention",
    default=90,
    lowest=1,
    unit="days",
)
JOBS_KEPT_DAYS = Number(
    name="JOBS_KEPT_DAYS",
    label="Jobs",
    help="How many days a job that ended is listed.",
    group="retention",
    default=30,
    lowest=1,
    unit="days",
)
MESSAGES_KEPT_DAYS = Number(
    name="MESSAGES_KEPT_DAYS",
    label="Notifications",
    help="How many days notifications, emails to users and webhook deliveries are listed.",
    group="retention",
    default=90,
    lowest=1,
    unit="days",
)

#: How users are told, as an option of a setting: in the bell, by email, both or not at all.
TOLD = {
    "bell": "Bell",
    "bell+now": "Bell, and an email immediately",
    "bell+daily": "Bell, and the daily digest",
    "now": "An email immediately",
    "daily": "The daily digest",
    "off": "Not at all",
}


def _notification(kind: str, label: str, when: str) -> Choice:
    return Choice(
        name=f"NOTIFY_{kind.upper()}",
        label=label,
        help=f"How users are told when {when}, unless they chose something else.",
        group="notifications",
        default="bell",
        options=TOLD,
    )


#: The setting of each kind of notification, by the name of the kind.
NOTIFICATIONS = {
    kind: _notification(kind, label, when)
    for kind, label, when in (
        ("mentioned", "Mentions", "a note mentions them"),
        ("assigned", "Assigned tasks", "a task is assigned to them"),
        ("task_due", "Due tasks", "a task of theirs is due, or its reminder is"),
        ("account", "Accounts", "an account is reassigned to them"),
        ("joined", "Merges and links", "an account of theirs is merged or linked"),
        ("alert", "Usage alerts", "a usage alert of their account fires"),
        ("past_due", "Past-due invoices", "an invoice of their account is past due"),
        ("trial_ending", "Trials", "a trial of their account is about to end"),
        ("import_done", "Imports", "an import of theirs ends"),
        ("export_done", "Exports", "an export of theirs ends"),
    )
}
DIGEST_HOUR = Number(
    name="DIGEST_HOUR",
    label="Hour of the daily digest",
    help="From 0 to 23, in the time zone of each user, unless they chose another hour.",
    group="notifications",
    default=8,
    highest=23,
)

#: Every setting, in the order of the pages.
TABLE: tuple[Setting[Any], ...] = (
    INVOICE_DUE_DAYS,
    INVOICE_PREFIX,
    INVOICE_SELLER,
    DUNNING_STEPS,
    DUNNING_OUTCOME,
    RESET_PAST_DUE,
    USAGE_GRACE_MINUTES,
    DEFAULT_CURRENCY,
    REPORTING_CURRENCY,
    WORKLIST_OVERDUE_DAYS,
    WORKLIST_BALANCE_PERCENT,
    WORKLIST_QUIET_DAYS,
    WORKLIST_CONTRACT_PERCENT,
    WORKLIST_HEALTH_DROP,
    RENEWAL_SOON_DAYS,
    TRIAL_SOON_DAYS,
    WORKLIST_REASONS_OFF,
    HEALTH_WEIGHT_PAYMENTS,
    HEALTH_WEIGHT_USAGE,
    HEALTH_WEIGHT_ALLOWANCE,
    HEALTH_WEIGHT_CONTACT,
    HEALTH_WEIGHT_TENURE,
    HEALTH_WEIGHT_ISSUES,
    SHARED_ID_SPACES,
    SOURCE_PRECEDENCE_NAME,
    SOURCE_PRECEDENCE_EMAIL,
    CHANGES_KEPT_DAYS,
    EXPORTS_KEPT_DAYS,
    IMPORTS_KEPT_DAYS,
    JOBS_KEPT_DAYS,
    MESSAGES_KEPT_DAYS,
    *NOTIFICATIONS.values(),
    DIGEST_HOUR,
)
BY_NAME = {setting.name: setting for setting in TABLE}
