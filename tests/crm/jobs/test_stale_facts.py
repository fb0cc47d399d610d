"""The refresh of everyone is requested after an upgrade, and when lists would sort by other names or rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal
from django.db.models import Model

from billing.document.importer.catalog import upsert_features
from billing.document.schema import parse_feature
from billing.rates.enter import enter_rates, read_rate
from crm.desk.refresh import record_refresh
from crm.models import Job
from customers import clock
from tests.factories import make_feature, make_plan, make_user

pytestmark = pytest.mark.django_db

Commits = Callable[..., Any]


def requested() -> list[tuple[str, str]]:
    return list(Job.objects.values_list("kind", "state"))


def import_feature(name: str) -> None:
    sent = {"id": "calls", "name": name, "type": "metered", "consumable": True, "archived": False}
    upsert_features([parse_feature(sent)], "Import")


def migrated(*, is_backwards: bool = False) -> None:
    emit_post_migrate_signal(0, False, "default", apps=apps, plan=[(None, is_backwards)])


def test_an_upgrade_of_an_installation_with_facts_requests_it_once() -> None:
    migrated()
    # There is nothing to refresh in a new installation, nor after a `migrate` that did nothing or went back.
    assert requested() == []
    record_refresh(clock.now())
    emit_post_migrate_signal(0, False, "default", apps=apps, plan=[])
    migrated(is_backwards=True)
    assert requested() == []
    migrated()
    migrated()
    assert requested() == [("refresh", "waiting")]


@pytest.mark.parametrize(
    ("make", "field"),
    [(make_plan, "name"), (make_feature, "name"), (make_user, "first_name"), (make_user, "username")],
)
def test_a_rename_requests_it(
    make: Callable[[], Model], field: str, django_capture_on_commit_callbacks: Commits
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = make()
        row.save()
    assert requested() == []
    with django_capture_on_commit_callbacks(execute=True):
        setattr(row, field, "Heron")
        row.save()
    assert requested() == [("refresh", "waiting")]


def test_an_import_that_renames_requests_it(django_capture_on_commit_callbacks: Commits) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        import_feature("Calls")
        import_feature("Calls")
    assert requested() == []
    with django_capture_on_commit_callbacks(execute=True):
        import_feature("API calls")
    assert requested() == [("refresh", "waiting")]


def test_other_rates_request_it(django_capture_on_commit_callbacks: Commits) -> None:
    rate = read_rate("EUR", "1.10", "2026-01-05", to="USD")
    with django_capture_on_commit_callbacks(execute=True):
        enter_rates([rate])
    assert requested() == [("refresh", "waiting")]
    Job.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        enter_rates([rate])
    assert requested() == []
    with django_capture_on_commit_callbacks(execute=True):
        enter_rates([replace(rate, rate=Decimal("1.20"))])
    assert requested() == [("refresh", "waiting")]
