"""Log lines hold IDs, counts and words of the code, and nothing personal."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.command_line import run_command_line
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from customers.logs import add_counts, log_batch, log_event, log_failure, log_now, take_counts
from customers.models import ApiToken
from tests.admin_forms import form_data
from tests.factories import make_customer, make_user

PERSONAL = ("ada", "Ada", "@", "Lovelace", "Acme", "Interns")


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.name == "clientele"]
    assert not [line for line in found if any(word in line for word in PERSONAL)]
    return found


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The same of commands run from the command line, which set logging up again."""
    return re.findall(r"(?<= INFO clientele ).*", capsys.readouterr().err)


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "clientele")


def test_a_line_is_pairs_and_nothing_that_a_person_wrote(caplog: pytest.LogCaptureFixture) -> None:
    log_now("import", customer="cus_01", records=3, seconds=0.25, dry=True, by=None, name="Ada Lovelace")
    log_now("x", email="ada@example.com", empty="", line="a\nb", long="x" * 101)
    assert ours(caplog) == [
        "event=import customer=cus_01 records=3 seconds=0.25 dry=yes name=?",
        "event=x email=? empty=? line=? long=?",
    ]


def test_a_failure_has_its_type_and_no_message(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("ada@example.com is odd")
    except ValueError as problem:
        log_failure("renewal_failed", problem, customer="cus_01")
    assert ours(caplog) == ["event=renewal_failed customer=cus_01 error=ValueError"]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    take_counts()
    with transaction.atomic():
        log_batch("import_batch", {"created": 2}, source="crm")
        transaction.set_rollback(True)
    assert (ours(caplog), take_counts()) == ([], {})
    log_batch("import_batch", {"created": 2}, source="crm")
    assert ours(caplog) == ["event=import_batch source=crm created=2"]
    assert take_counts() == {"created": 2}


@pytest.mark.once
@pytest.mark.django_db
class TestCommands:
    def test_each_run_is_one_line_with_its_counts(self, capsys: pytest.CaptureFixture[str]) -> None:
        run_command_line(["manage.py", "doctor"])
        (line,) = logged(capsys)
        assert line.startswith("event=command name=doctor exit=0 seconds=")
        assert line.endswith(" findings=0 mended=0")

    @pytest.mark.parametrize(
        ("arguments", "status"), [(["grant", "ada@example.com", "x", "1"], 1), (["grant"], 2)]
    )
    def test_a_run_that_fails_says_so(
        self, arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            run_command_line(["manage.py", *arguments])
        (line,) = logged(capsys)
        assert line.startswith(f"event=command name=grant exit={status} ")

    def test_help_and_commands_of_others_are_not_logged(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run_command_line(["manage.py", "doctor", "--help"])
        run_command_line(["manage.py", "check"])
        assert logged(capsys) == []

    def test_counts_of_one_run_are_not_those_of_the_next(self, capsys: pytest.CaptureFixture[str]) -> None:
        add_counts(left_over=1)
        run_command_line(["manage.py", "roles"])
        assert "left_over" not in logged(capsys)[0]


@pytest.mark.once
@pytest.mark.django_db
class TestEvents:
    def test_an_import_batch(
        self,
        caplog: pytest.LogCaptureFixture,
        tmp_path: Path,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        file = tmp_path / "crm.json"
        file.write_text(json.dumps([{"id": "c1", "company": {"name": "Acme"}}, {"id": "", "company": {}}]))
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(CommandError):
            call_command("import_customers", "crm", str(file), stdout=io.StringIO(), stderr=io.StringIO())
        assert [line.split(" ")[:2] for line in ours(caplog)] == [["event=import_batch", "source=crm"]]
        assert "refused=" in ours(caplog)[0]

    def test_a_merge_and_its_undo(
        self,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        survivor, other, user = make_customer(name="Ada"), make_customer(name="Acme"), make_user()
        with django_capture_on_commit_callbacks(execute=True):
            (done,) = merge(str(survivor.pk), [str(other.pk)], by=user)
            unmerge(done)
        assert ours(caplog) == [
            f"event=merge survivor={survivor.pk} merged=1 by={user.pk}",
            f"event=unmerge merge={done.pk} survivor={survivor.pk}",
        ]

    def test_a_change_of_access(
        self,
        caplog: pytest.LogCaptureFixture,
        client: Client,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        boss, user = make_user(username="ada"), make_user("Viewer", first_name="Ada")
        group = Group.objects.create(name="Interns")
        client.force_login(boss)
        with django_capture_on_commit_callbacks(execute=True):
            url = reverse("admin:auth_user_change", args=[user.pk])
            client.post(url, form_data(client.get(url)) | {"groups": [str(group.pk)], "is_superuser": "on"})
            url = reverse("admin:auth_user_password_change", args=[user.pk])
            new = {"password1": "correct horse battery", "password2": "correct horse battery"}
            client.post(url, form_data(client.get(url)) | new)
            client.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
        assert ours(caplog) == [
            f"event=user_changed user={user.pk} by={boss.pk} fields=superuser_status+groups",
            f"event=user_changed user={user.pk} by={boss.pk} fields=password",
            f"event=group_deleted group={group.pk} by={boss.pk}",
        ]
        assert User.objects.get(pk=user.pk).is_superuser

    def test_tokens(
        self,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            token, _ = ApiToken.issue("Ada's laptop")
            call_command("revoke_api_token", "Ada's laptop", stdout=io.StringIO())
        assert ours(caplog) == [f"event=token_created token={token.pk}", "event=tokens_revoked tokens=1"]

    def test_a_blocked_sign_in(
        self,
        caplog: pytest.LogCaptureFixture,
        client: Client,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        settings.AXES_ENABLED = True
        user = make_user(username="ada")
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(5):
                client.post("/accounts/login/", {"login": "ada", "password": "wrong"})
        assert ours(caplog) == [f"event=sign_in_blocked user={user.pk}"]
        assert not [record for record in caplog.records if record.name.startswith("axes")]


@pytest.mark.django_db
def test_an_event_outside_a_transaction_is_logged_at_once(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        log_event("x", a=1)
    assert ours(caplog) == ["event=x a=1"]
