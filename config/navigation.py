"""The sidebar of the admin."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Item:
    """A link to the list of a model. `model` is its label, `icon` the name of a Material symbol."""

    title: str
    icon: str
    model: str


@dataclass(frozen=True, slots=True)
class Page:
    """A link to a page of our own, by URL name, for users with all of `permissions`."""

    title: str
    icon: str
    url_name: str
    permissions: tuple[str, ...]


GROUPS: dict[str, tuple[Item | Page, ...]] = {
    "Desk": (
        Page("Home", "home", "admin:index", ("customers.view_customer",)),
        Page("Worklist", "checklist", "desk-worklist", ("customers.view_customer", "crm.view_worklistentry")),
        Page("Reports", "monitoring", "reports", ("customers.view_customer",)),
        Page("Segments", "filter_alt", "desk-segments", ("customers.view_customer", "crm.view_segment")),
        Page(
            "Reassign accounts",
            "swap_horiz",
            "desk-reassign",
            ("customers.view_customer", "crm.change_relationship", "crm.change_task", "crm.add_note"),
        ),
    ),
    "Customers": (
        Page("Customers", "group", "desk-customers", ("customers.view_customer",)),
        Item("Addresses", "home_pin", "customers.Address"),
        Item("Business profiles", "storefront", "customers.Business"),
        Item("Payment methods", "credit_card", "customers.PaymentMethod"),
        Item("Possible duplicates", "join_inner", "crm.DuplicateCluster"),
        Page(
            "Shared trials",
            "devices_other",
            "desk-trials",
            ("customers.view_customer", "billing.view_trialused"),
        ),
    ),
    "Billing": (
        Item("Billing accounts", "account_balance_wallet", "billing.BillingAccount"),
        Page(
            "Subscriptions",
            "autorenew",
            "desk-subscriptions",
            ("customers.view_customer", "billing.view_subscription"),
        ),
        Item("Purchases", "shopping_bag", "billing.Purchase"),
        Page("Balances", "data_usage", "desk-balances", ("customers.view_customer", "billing.view_balance")),
        Item("Grants", "redeem", "billing.Grant"),
        Item("Ledger entries", "history_edu", "billing.Posting"),
        Item("Flags", "toggle_on", "billing.Flag"),
        Page(
            "Invoices", "receipt_long", "desk-invoices", ("customers.view_customer", "billing.view_invoice")
        ),
        Item("Payments", "payments", "billing.Payment"),
        Item("Credit notes", "undo", "billing.CreditNote"),
        Item("Sent emails", "outgoing_mail", "billing.InvoiceEmail"),
        Item("Plans", "sell", "billing.Plan"),
        Item("Features", "widgets", "billing.Feature"),
        Item("Entities", "badge", "billing.Entity"),
        Item("Trial history", "hourglass_bottom", "billing.TrialUsed"),
        Item("Discounts", "percent", "billing.Discount"),
        Item("Referrals", "share", "billing.Referral"),
        Item("Licenses", "license", "billing.License"),
    ),
    "Accounts": (
        Item("Account details", "handshake", "crm.Relationship"),
        Page("Companies", "domain", "desk-companies", ("customers.view_customer", "crm.view_company")),
        Page("People", "person", "desk-people", ("customers.view_customer", "crm.view_person")),
        Item("Contacts", "contacts", "crm.Contact"),
        Item("Notes", "sticky_note_2", "crm.Note"),
        Page("Tasks", "task_alt", "desk-tasks", ("customers.view_customer", "crm.view_task")),
        Item("Calls and meetings", "call", "crm.Activity"),
        Item("Mentions", "alternate_email", "crm.Mention"),
        Item("Documents", "description", "crm.Document"),
        Item("Tags", "label", "crm.Tag"),
        Item("Domains", "language", "crm.Domain"),
    ),
    "Imports": (
        Page("Imports", "upload_file", "imports", ("customers.view_customer", "crm.add_fileimport")),
        Item("Source records", "input", "customers.SourceRecord"),
        Item("Merges", "call_merge", "crm.Merge"),
        Item("Merged records", "merge", "crm.MergedRecord"),
    ),
    "Administration": (
        Page("Jobs", "schedule", "jobs", ("crm.view_job",)),
        Page("Settings", "settings", "settings", ("customers.view_storedsetting",)),
        Page("Seller details", "store", "seller", ("billing.view_seller",)),
        Item("Users", "manage_accounts", "auth.User"),
        Item("Teams", "diversity_3", "crm.Team"),
        Item("Groups", "groups", "auth.Group"),
        Item("API tokens", "key", "customers.ApiToken"),
        Item("Authenticators", "phonelink_lock", "mfa.Authenticator"),
        Item("Emails to users", "forward_to_inbox", "crm.OutgoingEmail"),
        Item("Webhooks", "webhook", "crm.WebhookEndpoint"),
        Item("Webhook deliveries", "outbox", "crm.WebhookDelivery"),
        Item("Failed sign-ins", "gpp_maybe", "axes.AccessAttempt"),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups as Unfold expects them, with only the items that this user may see."""
    groups = (
        {
            "title": title,
            "separator": True,
            "items": [_link(item) for item in items if _may_see(item, request)],
        }
        for title, items in GROUPS.items()
    )
    return [group for group in groups if group["items"]]


def _may_see(item: Item | Page, request: HttpRequest) -> bool:
    if isinstance(item, Page):
        return request.user.has_perms(item.permissions)
    try:
        model_admin = admin.site.get_model_admin(apps.get_model(item.model))
    except (LookupError, NotRegistered):
        return False
    return model_admin.has_view_permission(request)


def _link(item: Item | Page) -> dict[str, Any]:
    if isinstance(item, Page):
        return {"title": item.title, "icon": item.icon, "link": reverse(item.url_name)}
    name = item.model.replace(".", "_").lower()
    return {"title": item.title, "icon": item.icon, "link": reverse(f"admin:{name}_changelist")}
