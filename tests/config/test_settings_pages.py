"""The pages of settings: who sees them, what they save, and what happens when two people edit."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.settings_pages.groups import GROUPS
from crm.jobs.resolve import resolve_all
from crm.models import Job, Team
from crm.roles import ROLES
from customers import clock
from customers.configuration.table import INVOICE_DUE_DAYS, TABLE
from customers.configuration.values import STORED, assumed, store, value_of
from customers.models import Customer, StoredSetting
from tests.factories import make_customer, make_invoice, make_note, make_source_record, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

INVOICES = {
    "seen-invoice-due-days": "45",
    "invoice-due-days": "45",
    "seen-invoice-prefix": "INV",
    "invoice-prefix": "INV",
    "seen-invoice-seller": "",
    "invoice-seller": "",
}


def stored() -> dict[str, str]:
    return dict(StoredSetting.objects.values_list("name", "value"))


def errors(response: Any) -> dict[str, str]:
    return {row.setting.name: row.error for row in response.context["rows"] if row.error}


def test_every_setting_has_a_page_and_every_page_a_setting(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    assert {setting.group for setting in TABLE} == GROUPS.keys()
    page = admin_client.get("/admin/settings/").content.decode()
    for group in GROUPS:
        assert f'href="/admin/settings/{group}/"' in page
        with django_assert_max_num_queries(9):
            shown = admin_client.get(f"/admin/settings/{group}/").content.decode()
        for setting in TABLE:
            if setting.group == group:
                assert setting.label in shown
                assert setting.help.replace("'", "&#x27;") in shown
                assert setting.name not in shown
    assert admin_client.get("/admin/settings/nonsense/").status_code == 404


def test_only_administrators_change_settings() -> None:
    for role in ROLES:
        client = Client()
        client.force_login(make_user(role=role))
        may = role == "Administrator"
        assert (client.get("/admin/settings/invoices/").status_code == 200) == may
        assert (client.post("/admin/settings/invoices/", INVOICES).status_code == 302) == may
        assert client.get("/admin/settings/").status_code == 200
        assert ("/admin/settings/invoices/" in client.get("/admin/settings/").content.decode()) == may
    viewer = make_user(is_superuser=False)
    viewer.user_permissions.add(Permission.objects.get(codename="view_storedsetting"))
    client = Client()
    client.force_login(viewer)
    assert "Save settings" not in client.get("/admin/settings/invoices/").content.decode()
    assert client.post("/admin/settings/invoices/", INVOICES).status_code == 403
    assert client.post("/admin/settings/invoices/reset/", {"setting": "INVOICE_DUE_DAYS"}).status_code == 403


def test_a_search_finds_a_setting_by_its_words(admin_client: Client) -> None:
    page = admin_client.get("/admin/settings/?q=late+usage").content.decode()
    assert "/admin/settings/usage/" in page
    assert "/admin/settings/invoices/" not in page
    assert "No settings found" in admin_client.get("/admin/settings/?q=zebra").content.decode()


def test_saving_stores_what_changed_and_says_who(admin_client: Client, admin_user: User) -> None:
    done = admin_client.post("/admin/settings/invoices/", {**INVOICES, "invoice-due-days": "30"}, follow=True)
    assert "Saved payment terms." in done.content.decode()
    row = StoredSetting.objects.get()
    assert (row.name, row.value, row.changed_by) == ("INVOICE_DUE_DAYS", "30", admin_user)
    assert "Changed by" in done.content.decode()
    done = admin_client.post(
        "/admin/settings/invoices/reset/", {"setting": "INVOICE_DUE_DAYS", "seen": "30"}, follow=True
    )
    assert "Reset Payment terms." in done.content.decode()
    assert stored() == {}
    name = admin_user.get_username()
    assert [change.words for change in done.context["history"]] == [
        f"{name} reset Payment terms",
        f"{name} changed Payment terms to 30 days",
    ]


def test_what_does_not_fit_says_what_to_enter_and_nothing_is_saved(admin_client: Client) -> None:
    done = admin_client.post(
        "/admin/settings/invoices/", {**INVOICES, "invoice-due-days": "soon", "invoice-prefix": "R"}
    )
    assert errors(done) == {"INVOICE_DUE_DAYS": "Enter a whole number from 0 to 3650, such as 45."}
    assert 'value="soon"' in done.content.decode()
    assert stored() == {}


def test_the_second_editor_is_shown_what_the_first_changed(admin_client: Client) -> None:
    store(INVOICE_DUE_DAYS, 14, make_user(first_name="Max", last_name="Mwangi"))
    mine = {**INVOICES, "invoice-due-days": "30"}
    done = admin_client.post("/admin/settings/invoices/", mine)
    message = errors(done)["INVOICE_DUE_DAYS"]
    assert message.startswith("Max Mwangi changed this after you opened the page. It is now “14 days”.")
    assert stored() == {"INVOICE_DUE_DAYS": "14"}
    admin_client.post("/admin/settings/invoices/", {**mine, "seen-invoice-due-days": "14"})
    assert stored() == {"INVOICE_DUE_DAYS": "30"}


def test_another_field_of_an_old_page_undoes_nothing(admin_client: Client) -> None:
    store(INVOICE_DUE_DAYS, 14, None)
    admin_client.post("/admin/settings/invoices/", {**INVOICES, "invoice-prefix": "R"})
    assert stored() == {"INVOICE_DUE_DAYS": "14", "INVOICE_PREFIX": "R"}


def test_a_locked_setting_is_shown_and_not_changed(admin_client: Client, settings: Any) -> None:
    settings.LOCKED_SETTINGS = frozenset({"INVOICE_DUE_DAYS"})
    assert "Locked for this installation" in admin_client.get("/admin/settings/invoices/").content.decode()
    admin_client.post("/admin/settings/invoices/", {**INVOICES, "invoice-due-days": "30"})
    assert stored() == {}


def test_boxes_and_lines_are_read(admin_client: Client) -> None:
    admin_client.post(
        "/admin/settings/matching/", {"seen-shared-id-spaces": "", "shared-id-spaces": ["billing", "crm"]}
    )
    admin_client.post("/admin/settings/usage/", {"seen-reset-past-due": "0", "reset-past-due": "1"})
    admin_client.post("/admin/settings/invoices/", {**INVOICES, "invoice-seller": "Example Ltd\r\nVAT EX1"})
    assert stored() == {
        "SHARED_ID_SPACES": "billing,crm",
        "RESET_PAST_DUE": "1",
        "INVOICE_SELLER": "Example Ltd\nVAT EX1",
    }
    same = {
        **INVOICES,
        "seen-invoice-seller": "Example Ltd\r\nVAT EX1",
        "invoice-seller": "Example Ltd\r\nVAT EX1",
    }
    assert (
        "Nothing to save"
        in admin_client.post("/admin/settings/invoices/", same, follow=True).content.decode()
    )


def test_thresholds_are_followed_by_a_refresh(admin_client: Client) -> None:
    fields = {"seen-worklist-overdue-days": "1", "worklist-overdue-days": "3"}
    admin_client.post("/admin/settings/worklist/", fields)
    assert list(Job.objects.values_list("kind", flat=True)) == ["refresh"]


class TestTrustOrder:
    ORDER = "crm,payments,billing"

    def two_sources(self) -> Customer:
        customer = make_customer(name="Acme Ltd", email="")
        for source, name in (("payments", "Acme Ltd"), ("crm", "ACME")):
            claims = {"name": {"value": name, "since": "2026-01-02T03:04:05+00:00"}}
            make_source_record(customer=customer, source=source, claims=claims)
        return customer

    def test_a_preview_saves_nothing(self, admin_client: Client) -> None:
        self.two_sources()
        fields = {"seen-source-precedence-name": "payments,billing,crm", "source-precedence-name": self.ORDER}
        done = admin_client.post("/admin/settings/trust/", {**fields, "preview": "1"})
        preview = done.context["preview"]
        assert preview.summary.startswith("Name or email changes for 1 of 1 customer")
        assert [(move.before, move.after) for move in preview.moves] == [("Acme Ltd", "ACME")]
        assert (stored(), Job.objects.count()) == ({}, 0)
        admin_client.post("/admin/settings/trust/", fields)
        assert list(Job.objects.values_list("kind", flat=True)) == ["resolve"]

    def test_the_job_resolves_customers_and_leaves_locked_fields(self) -> None:
        first, second = self.two_sources(), self.two_sources()
        Customer.objects.filter(pk=second.pk).update(pinned_fields=["name"])
        with assumed({"SOURCE_PRECEDENCE_NAME": tuple(self.ORDER.split(","))}):
            result = resolve_all(_Job())
        assert result.text == "1 customer of 2 customers changed"
        names = dict(Customer.objects.values_list("pk", "name"))
        assert (names[first.pk], names[second.pk]) == ("ACME", "Acme Ltd")


class _Job:
    id = "job"
    arguments: Mapping[str, Any] = {}
    requested_by_id: int | None = None

    def progress(self, done: int, total: int = 0) -> None:
        pass

    def say(self, text: str) -> None:
        pass


def test_a_preview_of_health_weights(admin_client: Client) -> None:
    customer = make_customer(name="Acme Ltd")
    make_note(customer=customer, created_at=clock.now() - timedelta(days=60))
    make_invoice(customer=customer, status="paid")
    page = admin_client.get("/admin/settings/health/")
    fields = {f"seen-{row.key}": row.text for row in page.context["rows"]}
    fields |= {row.key: row.text for row in page.context["rows"]}
    done = admin_client.post(
        "/admin/settings/health/", {**fields, "health-weight-payments": "60", "preview": "1"}
    )
    preview = done.context["preview"]
    assert preview.summary == "The score changes for 1 of 1 customer."
    assert sum(band.before for band in preview.bands) == sum(band.after for band in preview.bands) == 1
    assert stored() == {}
    STORED.forget()
    assert value_of(INVOICE_DUE_DAYS) == 45


def test_the_page_of_a_team_shows_who_changed_it(admin_client: Client, admin_user: User) -> None:
    form = {"name": "Northern accounts", "members": []}
    admin_client.post("/admin/crm/team/add/", form)
    team = Team.objects.get()
    LogEntry.objects.update(user=make_user(first_name="Max", last_name="Mwangi"))
    page = admin_client.get(f"/admin/crm/team/{team.pk}/change/").content.decode()
    assert "Max Mwangi" in re.sub("<[^>]*>", "", page.partition("Last change")[2][:500])
    assert "1 team" in admin_client.get("/admin/settings/").content.decode()
