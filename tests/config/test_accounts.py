"""Invitations, password resets, changes of an email address, and the notices about them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from crm.jobs.kinds import KINDS
from crm.jobs.worker import WorkerProcess
from crm.models import Job, OutgoingEmail
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PASSWORD, NEW = "correct horse battery", "staple of a donkey"


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", "Ada@example.com", PASSWORD)


def run_jobs() -> None:
    WorkerProcess({"password_resets": KINDS["password_resets"]}).run_until_idle()


def request_reset(address: str) -> Any:
    return Client().post("/accounts/password/reset/", {"email": address}, follow=True)


def link_in(email: OutgoingEmail) -> str:
    found = re.search(r"http://localhost:8000(/accounts/\S+)", email.text)
    assert found is not None, email.text
    return found[1]


def set_password(client: Client, link: str, password: str = NEW) -> Any:
    opened = client.get(link)
    return client.post(
        opened.headers["Location"], {"password1": password, "password2": password}, follow=True
    )


def may_sign_in(name: str, password: str) -> bool:
    response = Client().post("/accounts/login/", {"login": name, "password": password})
    return response.status_code == 302


def test_a_reset_tells_nobody_who_has_an_account(ada: User) -> None:
    known, unknown = (request_reset(address) for address in ("ada@example.com", "eve@example.com"))
    assert known.redirect_chain == unknown.redirect_chain
    without_nonce = [re.sub(r'value="\w{64}"', "", each.content.decode()) for each in (known, unknown)]
    assert without_nonce[0] == without_nonce[1]
    assert OutgoingEmail.objects.count() == 0
    run_jobs()
    [email] = OutgoingEmail.objects.all()
    assert (email.user, email.address, email.subject) == (ada, "Ada@example.com", "Reset your password")
    assert [job.arguments for job in Job.objects.all()] == [{}, {}]


def test_a_link_works_once_and_the_user_is_told(client: Client, ada: User) -> None:
    request_reset("ADA@example.com")
    request_reset("ada@example.com")
    run_jobs()
    link = link_in(OutgoingEmail.objects.get())
    assert "Sign in" in set_password(client, link).content.decode()
    assert may_sign_in("ada", NEW)
    assert not may_sign_in("ada", PASSWORD)
    assert "Request new link" in client.get(link).content.decode()
    notice = OutgoingEmail.objects.get(kind="password_reset", subject="Your password was changed")
    assert "your user name ada" in notice.text


def test_a_deactivated_user_gets_no_link(ada: User) -> None:
    User.objects.update(is_active=False)
    request_reset("ada@example.com")
    run_jobs()
    assert not OutgoingEmail.objects.exists()


def test_too_many_requests_from_one_address(ada: User) -> None:
    found = [request_reset(f"user{number}@example.com").status_code for number in range(11)]
    assert found == [200] * 10 + [429]


def test_an_invited_user_sets_their_own_password(client: Client, ada: User) -> None:
    client.force_login(ada)
    role = Group.objects.get(name="Account manager")
    values = {"email": "max@example.com", "username": "max", "groups": [role.pk]}
    assert client.post("/admin/invite/", values).headers["Location"] == "/admin/auth/user/"
    max_ = User.objects.get(username="max")
    assert (max_.is_staff, max_.is_superuser, list(max_.groups.all())) == (True, False, [role])
    assert "Choose another address" in client.post("/admin/invite/", values).content.decode()
    email = OutgoingEmail.objects.get()
    assert (email.address, email.subject) == ("max@example.com", "You're invited to Clientele")
    assert "ada invited you" in email.text
    again = f"/admin/invite/{max_.pk}/"
    assert again in client.get(f"/admin/auth/user/{max_.pk}/invite-again", follow=True).redirect_chain[-1][0]
    client.post(again)
    assert OutgoingEmail.objects.count() == 2
    set_password(Client(), link_in(email))
    assert may_sign_in("max", NEW)
    assert client.post(again).status_code == 403


def test_an_administrator_opens_users_who_can_be_invited_again(client: Client) -> None:
    client.force_login(make_user("Administrator"))
    max_ = make_user("Viewer", email="max@example.com")
    for password, is_offered in (("", True), (PASSWORD, False)):
        max_.set_password(password or None)
        max_.save()
        page = client.get(f"/admin/auth/user/{max_.pk}/change/").content.decode()
        assert ("Invite again" in page) is is_offered
    assert "Invite user" in client.get("/admin/auth/user/").content.decode()


def test_who_may_invite_and_into_what(client: Client) -> None:
    administrator, manager = make_user("Administrator"), make_user("Account manager")
    client.force_login(manager)
    assert client.get("/admin/invite/").status_code == 403
    stronger = Group.objects.create(name="Stronger")
    stronger.permissions.set(manager.user_permissions.model.objects.all())
    client.force_login(administrator)
    values = {"email": "max@example.com", "username": "max", "groups": [stronger.pk]}
    assert client.post("/admin/invite/", values).status_code == 200
    assert not User.objects.filter(username="max").exists()


def test_a_new_address_counts_when_it_is_confirmed(client: Client, ada: User) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert client.get("/accounts/email/").headers["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "Ada@example.com" in client.get("/accounts/email/").content.decode()
    client.post("/accounts/email/", {"email": "new@example.com"})
    ada.refresh_from_db()
    assert ada.email == "Ada@example.com"
    email = OutgoingEmail.objects.get(kind="email_confirmation")
    assert email.address == "new@example.com"
    stranger = Client()
    stranger.force_login(make_user())
    assert "another user" in stranger.post(link_in(email)).content.decode()
    for _ in range(2):
        client.post(link_in(email))
    ada.refresh_from_db()
    assert ada.email == "new@example.com"
    notice = OutgoingEmail.objects.get(kind="email_changed")
    assert (notice.address, "new@example.com" in notice.text) == ("Ada@example.com", True)


def test_changes_by_others_are_told(client: Client, ada: User) -> None:
    max_ = make_user("Account manager", email="max@example.com")
    client.force_login(ada)
    page = f"/admin/auth/user/{max_.pk}/password/"
    seen = client.get(page).context["form"]["seen_password"].value()
    client.post(page, {"password1": NEW, "password2": NEW, "usable_password": "true", "seen_password": seen})
    assert may_sign_in(max_.username, NEW)
    assert OutgoingEmail.objects.get().kind == "password_changed"


def test_without_a_mail_server(client: Client, ada: User, settings: Settings) -> None:
    settings.EMAIL_IS_SET_UP = False
    assert "Forgot your password?" not in client.get("/accounts/login/").content.decode()
    assert "Ask an administrator" in client.get("/accounts/password/reset/").content.decode()
    client.force_login(ada)
    client.post("/admin/invite/", {"email": "max@example.com", "username": "max"})
    assert not User.objects.filter(username="max").exists()
    assert timedelta(days=3).total_seconds() == settings.PASSWORD_RESET_TIMEOUT
