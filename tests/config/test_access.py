"""Users and groups: nobody grants what they lack, and nobody brings withdrawn access back unseen."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from tests.admin_forms import form_data
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PASSWORD = "correct horse battery"


def page(row: User | Group, kind: str = "change") -> str:
    return reverse(f"admin:auth_{row._meta.model_name}_{kind}", args=[row.pk])


def password_page(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


def permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


@pytest.fixture
def actor() -> User:
    """An Administrator who is no superuser."""
    return make_user("Administrator", username="ada")


@pytest.fixture
def client(actor: User) -> Client:
    client = Client()
    client.force_login(actor)
    return client


@pytest.fixture
def boss() -> User:
    return make_user(username="boss", password=PASSWORD)


@pytest.fixture
def max_() -> User:
    return make_user("Account manager", username="max", password=PASSWORD)


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}


class TestTwoPeopleOnOneForm:
    @pytest.mark.parametrize("field", ["groups", "user_permissions"])
    def test_access_that_was_withdrawn_is_not_brought_back(
        self, field: str, client: Client, max_: User
    ) -> None:
        max_.user_permissions.add(permission("crm.add_team"))
        opened = form_data(client.get(page(max_)))
        getattr(max_, field).clear()
        answer = client.post(page(max_), opened | {"first_name": "Max"})
        assert list(errors(answer)) == [field]
        assert "This changed after you opened the form: it is empty now." in errors(answer)[field][0]
        max_.refresh_from_db()
        assert (max_.first_name, getattr(max_, field).count()) == ("", 0)

    def test_an_account_that_was_deactivated_stays_so(self, client: Client, max_: User) -> None:
        opened = form_data(client.get(page(max_)))
        User.objects.filter(pk=max_.pk).update(is_active=False)
        assert list(errors(client.post(page(max_), opened | {"first_name": "Max"}))) == ["is_active"]
        max_.refresh_from_db()
        assert not max_.is_active

    def test_a_group_keeps_what_another_person_took_from_it(self, client: Client) -> None:
        group = Group.objects.create(name="Interns")
        group.permissions.set([permission("crm.view_note"), permission("crm.add_note")])
        opened = form_data(client.get(page(group)))
        group.permissions.remove(permission("crm.add_note"))
        answer = client.post(page(group), opened | {"name": "Trainees"})
        assert "it is now " in errors(answer)["permissions"][0]
        group.refresh_from_db()
        assert (group.name, group.permissions.count()) == ("Interns", 1)
        # Once it was shown, saving again is a decision.
        again = form_data(answer)
        assert client.post(page(group), again).status_code == 302
        assert group.permissions.count() == 2

    def test_an_honest_form_is_saved_although_the_person_signed_in_since(
        self, client: Client, max_: User
    ) -> None:
        opened = form_data(client.get(page(max_)))
        Client().force_login(max_)
        assert client.post(page(max_), opened | {"first_name": "Max"}).status_code == 302
        max_.refresh_from_db()
        assert max_.first_name == "Max"
        assert [group.name for group in max_.groups.all()] == ["Account manager"]

    def test_a_password_that_was_disabled_stays_so(self, client: Client, max_: User) -> None:
        opened = form_data(client.get(password_page(max_)))
        max_.set_unusable_password()
        max_.save()
        new = {"password1": "another horse battery", "password2": "another horse battery"}
        answer = client.post(password_page(max_), opened | new)
        assert "changed after you opened the page" in str(answer.context["form"].non_field_errors())
        max_.refresh_from_db()
        assert not max_.has_usable_password()
        assert client.post(password_page(max_), form_data(answer) | new).status_code == 302
        max_.refresh_from_db()
        assert max_.check_password("another horse battery")


class TestNobodyGrantsWhatTheyLack:
    @pytest.mark.parametrize("name", ["actor", "max_"])
    def test_a_superuser_is_not_made(self, name: str, client: Client, request: pytest.FixtureRequest) -> None:
        user = request.getfixturevalue(name)
        form = client.get(page(user))
        assert form.context["adminform"].form.fields["is_superuser"].disabled
        answer = client.post(page(user), form_data(form) | {"is_superuser": "on"})
        assert errors(answer) == {"is_superuser": ["Only a superuser can make someone a superuser."]}
        user.refresh_from_db()
        assert not user.is_superuser

    def test_permissions_and_groups_that_they_lack_are_neither_offered_nor_taken(
        self, client: Client, max_: User
    ) -> None:
        lacked = permission("auth.delete_permission")
        group = Group.objects.create(name="Keys")
        group.permissions.add(lacked)
        form = client.get(page(max_))
        fields = form.context["adminform"].form.fields
        assert lacked not in fields["user_permissions"].queryset
        assert set(fields["groups"].queryset.values_list("name", flat=True)) == {
            "Viewer",
            "Account manager",
            "Billing operations",
            "Administrator",
        }
        for field, row in (("user_permissions", lacked), ("groups", group)):
            answer = client.post(page(max_), form_data(form) | {field: [str(row.pk)]})
            assert list(errors(answer)) == [field]
        assert not max_.has_perm("auth.delete_permission")

    def test_what_they_have_themselves_is_granted(self, client: Client, max_: User) -> None:
        administrators = Group.objects.get(name="Administrator")
        opened = form_data(client.get(page(max_)))
        assert client.post(page(max_), opened | {"groups": [str(administrators.pk)]}).status_code == 302
        assert list(max_.groups.all()) == [administrators]

    def test_nobody_with_more_access_is_changed(self, client: Client, boss: User, max_: User) -> None:
        keeper = make_user("Viewer", username="keeper", password=PASSWORD)
        keeper.user_permissions.add(permission("auth.delete_permission"))
        User.objects.filter(pk=keeper.pk).update(is_active=False)
        for user in (boss, keeper):
            assert client.get(page(user)).status_code == 200
            honest = form_data(client.get(page(max_)))
            assert client.post(page(user), honest | {"username": user.username}).status_code == 403
            assert client.get(password_page(user)).status_code == 403
            new = {"password1": "another horse battery", "password2": "another horse battery"}
            assert client.post(password_page(user), new).status_code == 403
            assert client.post(page(user, "delete"), {"post": "yes"}).status_code == 403
            chosen = {"action": "delete_selected", "_selected_action": [str(user.pk)], "post": "yes"}
            client.post(reverse("admin:auth_user_changelist"), chosen)
            assert User.objects.get(pk=user.pk).check_password(PASSWORD)
        assert User.objects.get(pk=boss.pk).is_active

    def test_nobody_with_more_access_loses_the_second_step(
        self, client: Client, boss: User, max_: User
    ) -> None:
        for user, status in ((boss, 403), (max_, 302)):
            step = Authenticator.objects.create(user=user, type="totp", data={})
            url = reverse("admin:mfa_authenticator_delete", args=[step.pk])
            assert client.post(url, {"post": "yes"}).status_code == status

    def test_a_group_is_given_nothing_that_they_lack(self, client: Client, actor: User) -> None:
        lacked = permission("auth.delete_permission")
        group = Group.objects.create(name="Ours")
        actor.groups.add(group)
        opened = form_data(client.get(page(group)))
        answer = client.post(page(group), opened | {"permissions": [str(lacked.pk)]})
        assert list(errors(answer)) == ["permissions"]
        added = client.post(reverse("admin:auth_group_add"), {"name": "New", "permissions": [str(lacked.pk)]})
        assert list(errors(added)) == ["permissions"]
        assert not Group.objects.filter(name="New").exists()
        assert not group.permissions.exists()

    def test_a_group_with_more_access_is_left_alone(self, client: Client) -> None:
        group = Group.objects.create(name="Keys")
        group.permissions.add(permission("auth.delete_permission"))
        assert client.get(page(group)).status_code == 200
        assert client.post(page(group), {"name": "Mine"}).status_code == 403
        assert client.post(page(group, "delete"), {"post": "yes"}).status_code == 403

    def test_a_superuser_grants_anything(self, boss: User, max_: User) -> None:
        client = Client()
        client.force_login(boss)
        lacked = permission("auth.delete_permission")
        opened = form_data(client.get(page(max_)))
        answer = client.post(
            page(max_), opened | {"is_superuser": "on", "user_permissions": [str(lacked.pk)]}
        )
        assert answer.status_code == 302
        max_.refresh_from_db()
        assert max_.is_superuser
        assert list(max_.user_permissions.all()) == [lacked]


def test_a_built_in_role_is_shown_and_not_changed(boss: User) -> None:
    client = Client()
    client.force_login(boss)
    viewers = Group.objects.get(name="Viewer")
    form = client.get(page(viewers))
    assert "This role is built in" in form.content.decode()
    assert client.post(page(viewers), {"name": "Viewer", "permissions": []}).status_code == 403
    assert client.post(page(viewers, "delete"), {"post": "yes"}).status_code == 403
