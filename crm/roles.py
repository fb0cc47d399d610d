"""Built-in roles: who may do what.

Only `TABLE` defines it. After every `migrate` the groups of these names get exactly the permissions
of the table, so a change made by hand is undone. Other groups are left alone: an installation
that needs something else makes a group of its own.

A new role is a name in `ROLES` and a mark in the lines of `TABLE`; a new permission is a name in one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.db import DEFAULT_DB_ALIAS, router, transaction

VIEWER = "Viewer"
ACCOUNT_MANAGER = "Account manager"
BILLING_OPERATIONS = "Billing operations"
ADMINISTRATOR = "Administrator"
ROLES = (VIEWER, ACCOUNT_MANAGER, BILLING_OPERATIONS, ADMINISTRATOR)

_EVERYONE = ROLES
_ACCOUNTS = (ACCOUNT_MANAGER, ADMINISTRATOR)
_BILLING = (BILLING_OPERATIONS, ADMINISTRATOR)
_MONEY = (ACCOUNT_MANAGER, BILLING_OPERATIONS, ADMINISTRATOR)
_ADMINISTRATION = (ADMINISTRATOR,)


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One line of the table: a task, the permissions that it needs (`app.verb_model`), and the roles that have them."""

    task: str
    permissions: frozenset[str]
    roles: tuple[str, ...]


def _may(verbs: str, app: str, models: str) -> set[str]:
    return {f"{app}.{verb}_{model}" for verb in verbs.split() for model in models.split()}


_PEOPLE = "activity company contact customfield document domain fieldvalue note person relationship segment tag task"
_CUSTOMERS = "address business customer paymentmethod"
_TERMS = (
    "autotopup billingaccount discount entity flag overageallowed purchase referral spendlimit usagealert"
    " usagelimit"
)
_CATALOG = "creditcost feature plan planitem"
_LEDGER = (
    "alertfired balance billingcycle grant ledgerentry license platformchange posting rollover subscription"
    " subscriptionphase trialused"
)
_INVOICES = (
    "creditnote dunningstep exchangerate invoice invoiceemail invoiceline invoiceseries payment paymentreversal pendingline"
    " seller"
)
_DUPLICATES = "duplicatecluster duplicatepair merge mergedrecord"
_DESK = "balancefacts currencyfacts customerfacts customertag deskrefresh export fielddefinition fieldfacts healthscore invoicefacts mention receivable revenuechange subscriptionfacts team usagemonth workmonth worklistdecision worklistentry worklistreason"

TABLE = (
    RoleLine(
        "See customers, account details, billing and the desk",
        frozenset(
            _may("view", "customers", f"{_CUSTOMERS} receivedpayload sourcerecord")
            | _may("view", "billing", f"{_TERMS} {_CATALOG} {_LEDGER} {_INVOICES}")
            | _may("view", "crm", f"{_PEOPLE} {_DUPLICATES} {_DESK}")
        ),
        _EVERYONE,
    ),
    RoleLine(
        "Add and change customers, addresses, business profiles and payment methods",
        frozenset(_may("add change", "customers", _CUSTOMERS)),
        _ACCOUNTS,
    ),
    RoleLine(
        "Work on accounts: details, people, notes, tasks, calls, documents, tags, segments",
        frozenset(
            _may("add change", "crm", f"{_PEOPLE} customertag")
            | _may("delete", "crm", "contact customertag customfield document domain")
        ),
        _ACCOUNTS,
    ),
    RoleLine(
        "Decide on worklist entries and possible duplicates",
        frozenset(_may("change", "crm", "duplicatecluster duplicatepair worklistdecision")),
        _ACCOUNTS,
    ),
    RoleLine("Merge customers and undo a merge", frozenset({"crm.merge_customers"}), _ACCOUNTS),
    RoleLine("Export customers", frozenset({"crm.add_export"}), _ACCOUNTS),
    RoleLine("Import files", frozenset({"crm.add_fileimport"}), _ACCOUNTS),
    RoleLine(
        "Attach, change and cancel subscriptions",
        frozenset(_may("add change", "billing", "subscription")),
        _MONEY,
    ),
    RoleLine(
        "Grant and adjust balances, reverse ledger entries", frozenset({"billing.change_balance"}), _MONEY
    ),
    RoleLine(
        "Issue, void, write off and send invoices, record and reverse payments, write credit notes",
        frozenset(
            {"billing.change_invoice"}
            | _may("add", "billing", "creditnote invoiceemail payment paymentreversal")
        ),
        _MONEY,
    ),
    RoleLine(
        "Change billing accounts, purchases, limits, alerts, discounts and referrals",
        frozenset(_may("add change", "billing", _TERMS)),
        _BILLING,
    ),
    RoleLine(
        "Change the seller's details printed on invoices", frozenset({"billing.change_seller"}), _BILLING
    ),
    RoleLine("Enter exchange rates", frozenset(_may("add change", "billing", "exchangerate")), _BILLING),
    RoleLine(
        "Change the catalog: features, plans, prices",
        frozenset(_may("add change", "billing", _CATALOG) | _may("delete", "billing", "creditcost planitem")),
        _BILLING,
    ),
    RoleLine("See jobs", frozenset(_may("view", "crm", "job jobschedule worker")), _MONEY),
    RoleLine("Run, pause and cancel jobs", frozenset(_may("change", "crm", "job jobschedule")), _BILLING),
    RoleLine(
        "Manage teams, delete notes and tags",
        frozenset(_may("add change delete", "crm", "team") | _may("delete", "crm", "note tag")),
        _ADMINISTRATION,
    ),
    RoleLine(
        "Change the settings of the installation",
        frozenset(_may("view change", "customers", "storedsetting")),
        _ADMINISTRATION,
    ),
    RoleLine(
        "Define custom fields",
        frozenset(_may("add change delete", "crm", "fielddefinition")),
        _ADMINISTRATION,
    ),
    RoleLine("See the audit log", frozenset({"customers.view_auditentry"}), _ADMINISTRATION),
    RoleLine(
        "Manage users, groups, API tokens and how people sign in",
        frozenset(
            _may("view add change delete", "auth", "group user")
            | _may("view add change delete", "customers", "apitoken")
            | _may("view", "crm", "outgoingemail")
            | _may("view add change delete", "crm", "webhookendpoint")
            | _may("view change", "crm", "webhookdelivery")
            | _may("view delete", "mfa", "authenticator")
            | _may("view delete", "axes", "accessattempt")
        ),
        _ADMINISTRATION,
    ),
)


def permissions_of(role: str) -> set[str]:
    """The permissions (`app.verb_model`) that the table gives to a role."""
    return set().union(*(line.permissions for line in TABLE if role in line.roles))


@dataclass(frozen=True, slots=True)
class Correction:
    """How many permissions a role's group was given, and how many it lost, to follow the table."""

    role: str
    added: int
    removed: int


def sync_roles(apps: Any = installed_apps, using: str = DEFAULT_DB_ALIAS) -> Iterator[Correction]:
    """Give the group of each role exactly its permissions, and yield the groups that were corrected.

    A permission whose model does not exist yet (`migrate` to an older state) is left out.
    """
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return
    if not router.allow_migrate_model(using, group_model):
        return
    ids = {
        f"{app}.{codename}": key
        for key, app, codename in permission_model.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for role in ROLES:
        with transaction.atomic(using=using):
            group, _ = group_model.objects.using(using).get_or_create(name=role)
            wanted = {ids[name] for name in permissions_of(role) & ids.keys()}
            held = set(group.permissions.values_list("pk", flat=True))
            group.permissions.add(*wanted - held)
            group.permissions.remove(*held - wanted)
        if wanted != held:
            yield Correction(role, len(wanted - held), len(held - wanted))


def sync_after_migrate(
    sender: AppConfig, apps: Any = installed_apps, using: str = DEFAULT_DB_ALIAS, **options: Any
) -> None:
    """Run `sync_roles` after `migrate`."""
    for _ in sync_roles(apps, using):
        pass


def role_table() -> list[tuple[str, dict[str, bool]]]:
    """For each task of the table, whether each role may do it."""
    return [(line.task, {role: role in line.roles for role in ROLES}) for line in TABLE]
