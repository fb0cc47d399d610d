"""The sidebar of the admin: ten entries by what people do, and the page of all tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import get_script_prefix, reverse


@dataclass(frozen=True, slots=True)
class Item:
    """A link to the stock list of a model. `model` is its label, `icon` the name of a Material symbol."""

    title: str
    icon: str
    model: str


@dataclass(frozen=True, slots=True)
class Page:
    """A link to a page, by URL name, for users with all of `permissions`.

    Its children are shown below it where the user is on it or on one of them. The pages below the paths `under` belong to
    it too. `count` is the attribute of the user with the number beside the title.
    """

    title: str
    icon: str
    url_name: str
    permissions: tuple[str, ...]
    children: tuple[Page, ...] = ()
    under: tuple[str, ...] = ()
    count: str = ""


_SEE = "customers.view_customer"
#: A larger number is shown as `99+`.
MOST_COUNTED = 99

#: The groups of the sidebar.
GROUPS: tuple[tuple[Page, ...], ...] = (
    (
        Page("Home", "home", "admin:index", (_SEE,)),
        Page(
            "Worklist",
            "checklist",
            "desk-worklist",
            (_SEE, "crm.view_worklistentry"),
            (Page("Tasks", "task_alt", "desk-tasks", (_SEE, "crm.view_task")),),
            count="waiting_accounts",
        ),
        Page(
            "Customers",
            "group",
            "desk-customers",
            (_SEE,),
            (
                Page(
                    "Companies",
                    "domain",
                    "desk-companies",
                    (_SEE, "crm.view_company"),
                    (),
                    ("/admin/company/",),
                ),
                Page("People", "person", "desk-people", (_SEE, "crm.view_person"), (), ("/admin/person/",)),
                Page("Segments", "filter_alt", "desk-segments", (_SEE, "crm.view_segment")),
                Page(
                    "Reassign accounts",
                    "swap_horiz",
                    "desk-reassign",
                    (_SEE, "crm.change_relationship", "crm.change_task", "crm.add_note"),
                ),
            ),
            ("/admin/customer/", "/admin/customers/customer/", "/admin/export/"),
        ),
        Page(
            "Review",
            "join_inner",
            "desk-review",
            (_SEE, "crm.view_duplicatepair"),
            (Page("Shared trials", "devices_other", "desk-trials", (_SEE, "billing.view_trialused")),),
            ("/admin/merge/", "/admin/crm/duplicatecluster/"),
            count="waiting_pairs",
        ),
    ),
    (
        Page(
            "Subscriptions",
            "autorenew",
            "desk-subscriptions",
            (_SEE, "billing.view_subscription"),
            (
                Page(
                    "Balances",
                    "data_usage",
                    "desk-balances",
                    (_SEE, "billing.view_balance"),
                    (),
                    ("/admin/balance/",),
                ),
                Page("Plans", "sell", "admin:billing_plan_changelist", ("billing.view_plan",)),
                Page("Features", "widgets", "admin:billing_feature_changelist", ("billing.view_feature",)),
            ),
            ("/admin/subscription/",),
        ),
        Page(
            "Invoices",
            "receipt_long",
            "desk-invoices",
            (_SEE, "billing.view_invoice"),
            (),
            ("/admin/invoice/",),
        ),
        Page("Reports", "monitoring", "reports", (_SEE,)),
    ),
    (
        Page("Imports", "upload_file", "imports", (_SEE, "crm.add_fileimport")),
        Page("Jobs", "schedule", "jobs", ("crm.view_job",)),
        Page(
            "Settings",
            "settings",
            "settings",
            ("customers.view_storedsetting",),
            (
                Page("Custom fields", "dataset", "custom-fields", ("crm.change_fielddefinition",)),
                Page("Seller details", "store", "seller", ("billing.view_seller",)),
                Page("Data", "database", "data", ("customers.view_storedsetting",)),
            ),
        ),
    ),
)

#: All tables, as Django lists them.
TABLES: dict[str, tuple[Item, ...]] = {
    "Customers": (
        Item("Customers", "group", "customers.Customer"),
        Item("Addresses", "home_pin", "customers.Address"),
        Item("Business profiles", "storefront", "customers.Business"),
        Item("Payment methods", "credit_card", "customers.PaymentMethod"),
        Item("Possible duplicates", "join_inner", "crm.DuplicateCluster"),
    ),
    "Billing": (
        Item("Billing accounts", "account_balance_wallet", "billing.BillingAccount"),
        Item("Subscriptions", "autorenew", "billing.Subscription"),
        Item("Purchases", "shopping_bag", "billing.Purchase"),
        Item("Balances", "data_usage", "billing.Balance"),
        Item("Grants", "redeem", "billing.Grant"),
        Item("Ledger entries", "history_edu", "billing.Posting"),
        Item("Flags", "toggle_on", "billing.Flag"),
        Item("Invoices", "receipt_long", "billing.Invoice"),
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
        Item("Companies", "domain", "crm.Company"),
        Item("People", "person", "crm.Person"),
        Item("Contacts", "contacts", "crm.Contact"),
        Item("Notes", "sticky_note_2", "crm.Note"),
        Item("Tasks", "task_alt", "crm.Task"),
        Item("Calls and meetings", "call", "crm.Activity"),
        Item("Mentions", "alternate_email", "crm.Mention"),
        Item("Documents", "description", "crm.Document"),
        Item("Tags", "label", "crm.Tag"),
        Item("Domains", "language", "crm.Domain"),
    ),
    "Imports": (
        Item("Source records", "input", "customers.SourceRecord"),
        Item("Merges", "call_merge", "crm.Merge"),
        Item("Merged records", "merge", "crm.MergedRecord"),
    ),
    "Administration": (
        Item("Users", "manage_accounts", "auth.User"),
        Item("Teams", "diversity_3", "crm.Team"),
        Item("Groups", "groups", "auth.Group"),
        Item("API tokens", "key", "customers.ApiToken"),
        Item("Authenticators", "phonelink_lock", "mfa.Authenticator"),
        Item("Emails to users", "forward_to_inbox", "crm.OutgoingEmail"),
        Item("Webhooks", "webhook", "crm.WebhookEndpoint"),
        Item("Webhook deliveries", "outbox", "crm.WebhookDelivery"),
        Item("Audit log", "policy", "customers.AuditEntry"),
        Item("Failed sign-ins", "gpp_maybe", "axes.AccessAttempt"),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups as Unfold expects them, with the entries that this user may see.

    The last group, which is hidden, has the tables, so that the search finds them.
    """
    here = _current(request.path)
    groups: list[dict[str, Any]] = []
    for pages in GROUPS:
        items = [line for page in pages for line in _lines(page, request, here)]
        if items:
            groups.append({"title": "", "items": items})
    shown = {item["title"] for group in groups for item in group["items"]}
    tables = [
        _line(item.title, item.icon, _list_of(item))
        for _, items in _tables(request)
        for item in items
        if item.title not in shown
    ]
    return [*groups, {"title": "Data", "is_hidden": True, "items": tables}] if tables else groups


def data_page(request: HttpRequest) -> HttpResponse:
    """All tables that the user may see, each with a link to its stock list."""
    tables = [
        (title, [(item.title, item.icon, _list_of(item)) for item in items])
        for title, items in _tables(request)
    ]
    context = {**admin.site.each_context(request), "title": "Data", "tables": tables}
    return TemplateResponse(request, "config/data.html", context)


def _lines(page: Page, request: HttpRequest, here: Page | None) -> Iterator[dict[str, Any]]:
    """The entry, and its children: hidden unless the user is on one of them, or may not see the entry."""
    children = [each for each in page.children if request.user.has_perms(each.permissions)]
    may_see = request.user.has_perms(page.permissions)
    is_open = here is page or here in page.children or not may_see
    if may_see:
        yield {
            **_line(page.title, page.icon, _address(page.url_name), active=here is page),
            "count": _count(page, request),
        }
    for each in children:
        yield {
            **_line(each.title, each.icon, _address(each.url_name), active=here is each),
            "is_child": may_see,
            "is_hidden": not is_open,
        }


def _count(page: Page, request: HttpRequest) -> str:
    """The number beside a title; empty for none."""
    count = getattr(request.user, page.count, 0) if page.count else 0
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")


def _line(title: str, icon: str, link: str, *, active: bool = False) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "active": active}


def _current(path: str) -> Page | None:
    """The entry that a page belongs to: the one with the longest path that the page's path begins with."""
    best: Page | None = None
    longest = 0
    for pages in GROUPS:
        for page in pages:
            for each in (page, *page.children):
                home = _address(each.url_name)
                for start in (home, *each.under):
                    is_here = path == start if start == "/admin/" else path.startswith(start)
                    if is_here and len(start) > longest:
                        best, longest = each, len(start)
    return best


def _tables(request: HttpRequest) -> list[tuple[str, list[Item]]]:
    """The tables that the user may see, by group."""
    found = [(title, [item for item in items if _may_see(item, request)]) for title, items in TABLES.items()]
    return [(title, items) for title, items in found if items]


def _may_see(item: Item, request: HttpRequest) -> bool:
    try:
        model_admin = admin.site.get_model_admin(apps.get_model(item.model))
    except (LookupError, NotRegistered):
        return False
    return model_admin.has_view_permission(request)


def _list_of(item: Item) -> str:
    return _address(f"admin:{item.model.replace('.', '_').lower()}_changelist")


def _address(url_name: str) -> str:
    """The address of a page that needs no argument. Every page has a hundred of them in its sidebar."""
    return _address_below(get_script_prefix(), url_name)


@cache
def _address_below(prefix: str, url_name: str) -> str:
    """The address where the site is mounted at `prefix`, which `reverse` puts in front."""
    return reverse(url_name)
