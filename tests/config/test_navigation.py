"""The sidebar of the admin."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory

from config.navigation import GROUPS, Item, sidebar

pytestmark = pytest.mark.django_db


def titles(user: User) -> dict[str, list[str]]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {group["title"]: [item["title"] for item in group["items"]] for group in sidebar(request)}


def test_an_administrator_sees_every_item(admin_user: User) -> None:
    assert titles(admin_user) == {title: [item.title for item in items] for title, items in GROUPS.items()}


def test_others_see_what_they_may_view_and_no_empty_group() -> None:
    user = User.objects.create_user("grace", is_staff=True)
    assert titles(user) == {}
    user.user_permissions.add(Permission.objects.get(codename="view_group"))
    assert titles(User.objects.get(pk=user.pk)) == {"Administration": ["Groups"]}


def test_every_model_of_the_product_is_in_the_admin_and_has_a_place_once() -> None:
    labels = [item.model for items in GROUPS.values() for item in items if isinstance(item, Item)]
    assert len(labels) == len(set(labels))
    for label in labels:
        assert admin.site.is_registered(apps.get_model(label)), label


def test_the_sidebar_marks_where_one_is(admin_client: Client) -> None:
    page = admin_client.get("/admin/auth/group/").content.decode()
    assert 'href="/admin/auth/group/"' in page
    assert 'href="/admin/auth/user/"' in page


def test_lists_and_forms_of_users_and_groups_open(admin_client: Client, admin_user: User) -> None:
    for page in (
        "auth/user/",
        "auth/user/add/",
        f"auth/user/{admin_user.pk}/change/",
        "auth/group/",
        "auth/group/add/",
    ):
        assert admin_client.get(f"/admin/{page}").status_code == 200
    assert admin_client.get(f"/admin/auth/user/{admin_user.pk}/password/").status_code == 200
    assert admin_client.get("/admin/axes/accessattempt/").status_code == 200
    assert admin_client.get("/admin/axes/accessattempt/add/").status_code == 403
