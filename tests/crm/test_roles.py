"""The built-in roles follow their table, and other groups are left alone."""

from __future__ import annotations

import io
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from crm.roles import ADMINISTRATOR, ROLES, TABLE, VIEWER, permissions_of, sync_roles

#: Rows that are part of others, tokens, which open the JSON interface, settings, and the work behind the pages.
UNSEEN = {
    "crm.view_exportpart",
    "crm.view_job",
    "crm.view_jobschedule",
    "crm.view_outgoingemail",
    "crm.view_revenuemonth",
    "crm.view_webhookdelivery",
    "crm.view_webhookendpoint",
    "crm.view_worker",
    "customers.view_auditentry",
    "customers.view_apitoken",
    "customers.view_storedsetting",
}


def names(role: str) -> set[str]:
    """The permissions of a role's group, as `app.verb_model`."""
    permissions = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


@pytest.mark.django_db
def test_the_roles_are_there_and_follow_the_table() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    for role in ROLES:
        assert names(role) == permissions_of(role)


def test_every_line_is_for_roles_that_exist() -> None:
    assert all(line.roles and set(line.roles) <= set(ROLES) and line.permissions for line in TABLE)
    assert len({line.task for line in TABLE}) == len(TABLE)


@pytest.mark.django_db
def test_everybody_may_see_every_kind_of_row_but_the_unseen() -> None:
    visible = {
        f"{label}.view_{model._meta.model_name}"
        for label in ("customers", "billing", "crm")
        for model in apps.get_app_config(label).get_models()
        if not model.__name__.startswith("Historical") and "view" in model._meta.default_permissions
    }
    assert names(VIEWER) == visible - UNSEEN


@pytest.mark.django_db
def test_only_the_administrator_has_to_do_with_users_and_tokens() -> None:
    for role in set(ROLES) - {ADMINISTRATOR}:
        assert not {name for name in names(role) if name.startswith("auth.") or "apitoken" in name}
    assert {
        "auth.add_user",
        "auth.change_group",
        "customers.add_apitoken",
        "mfa.delete_authenticator",
    } <= names("Administrator")


@pytest.mark.django_db
def test_account_managers_work_on_accounts_and_billing_operations_on_billing() -> None:
    accounts, billing = names("Account manager"), names("Billing operations")
    assert {"customers.change_customer", "crm.add_note", "crm.delete_contact"} <= accounts
    decided = {name for name in accounts if name.startswith("billing.") and ".view_" not in name}
    assert decided == {
        "billing.change_balance",
        "billing.add_subscription",
        "billing.change_subscription",
        "billing.change_invoice",
        "billing.add_payment",
        "billing.add_paymentreversal",
        "billing.add_invoiceemail",
        "billing.add_creditnote",
    }
    assert {"billing.change_subscription", "billing.add_plan"} <= billing
    jobs = {"crm.change_job", "crm.change_jobschedule"}
    assert {name for name in billing if not name.startswith("billing.") and ".view_" not in name} == jobs
    assert "customers.delete_customer" not in accounts | billing


@pytest.mark.django_db
def test_a_role_that_was_edited_by_hand_is_brought_back_and_other_groups_are_not() -> None:
    viewer, ours = Group.objects.get(name=VIEWER), Group.objects.create(name="Interns")
    extra = Permission.objects.get(codename="delete_user")
    viewer.permissions.set([extra])
    ours.permissions.set([extra])
    (correction,) = sync_roles()
    assert (correction.role, correction.removed) == (VIEWER, 1)
    assert correction.added == len(permissions_of(VIEWER))
    assert names(VIEWER) == permissions_of(VIEWER)
    assert list(ours.permissions.all()) == [extra]
    assert list(sync_roles()) == []


@pytest.mark.once
@pytest.mark.django_db
def test_the_migration_goes_back_and_forth() -> None:
    migration = import_module("crm.migrations.0002_four_roles")
    then = (
        MigrationLoader(connection, replace_migrations=False).project_state(("crm", "0002_four_roles")).apps
    )
    group = Group.objects.create(name="Ours")
    editor = SimpleNamespace(connection=connection)
    migration.remove_roles(then, editor)
    assert set(Group.objects.filter(name__in=[group.name, *migration.ROLES])) == {group}
    # As on a fresh database, where post_migrate has not made them yet.
    Permission.objects.all().delete()
    migration.make_roles(then, editor)
    # The roles of that time; those of today follow after every `migrate`.
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
    for role in migration.ROLES:
        assert names(role) == permissions_of(role)


def test_the_command_prints_the_table() -> None:
    out = io.StringIO()
    call_command("roles", stdout=out)
    head, _, *lines = out.getvalue().splitlines()
    assert [cell for cell in head.split("  ") if cell] == list(ROLES)
    may = {"Account manager", "Administrator"}
    (merging,) = [line.split() for line in lines if line.startswith("Merge customers")]
    assert dict(zip(ROLES, merging[-len(ROLES) :], strict=True)) == {
        role: "yes" if role in may else "-" for role in ROLES
    }
