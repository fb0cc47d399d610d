"""The roles come with a migration, and go with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

ROLES = {"Viewer", "Account manager", "Billing operations", "Administrator"}


def names(role: str) -> set[str]:
    """The permissions of a role, as `app.verb_model`."""
    permissions = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


@pytest.mark.django_db
def test_the_roles_are_there() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == ROLES


@pytest.mark.django_db
def test_only_the_administrator_has_to_do_with_users_and_tokens() -> None:
    for role in ROLES - {"Administrator"}:
        assert not {name for name in names(role) if name.startswith("auth.") or "apitoken" in name}
    assert {
        "auth.add_user",
        "auth.change_group",
        "customers.add_apitoken",
        "mfa.delete_authenticator",
    } <= names("Administrator")


@pytest.mark.django_db
def test_the_viewer_only_views() -> None:
    assert {name.partition(".")[2].partition("_")[0] for name in names("Viewer")} == {"view"}


@pytest.mark.django_db
def test_account_managers_work_on_accounts_and_billing_operations_on_billing() -> None:
    accounts, billing = names("Account manager"), names("Billing operations")
    assert {"customers.change_customer", "crm.add_note", "crm.delete_contact"} <= accounts
    decided = {name for name in accounts if name.startswith("billing.") and ".view_" not in name}
    assert decided == {"billing.change_balance", "billing.add_subscription", "billing.change_subscription"}
    assert {"billing.change_subscription", "billing.add_plan"} <= billing
    assert not {name for name in billing if not name.startswith("billing.") and ".view_" not in name}
    assert "customers.delete_customer" not in accounts | billing


@pytest.mark.once
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_migration_goes_back_and_forth() -> None:
    before = {role: names(role) for role in ROLES}
    group = Group.objects.create(name="Ours")
    try:
        MigrationExecutor(connection).migrate([("crm", "0001_schema")])
        assert set(Group.objects.all()) == {group}
        # As on a fresh database, where post_migrate has not made them yet.
        Permission.objects.all().delete()
    finally:
        call_command("migrate", "crm", verbosity=0)
    assert {role: names(role) for role in ROLES} == before
