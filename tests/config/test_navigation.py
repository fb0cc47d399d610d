"""The sidebar of the admin."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.urls import reverse

from config.navigation import GROUPS, TABLES, sidebar
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def shown(user: User, path: str = "/admin/") -> list[list[str]]:
    """The titles of the entries that the sidebar shows on a page, by group."""
    request = RequestFactory().get(path)
    request.user = user
    return [
        [item["title"] for item in group["items"] if not item.get("is_hidden")]
        for group in sidebar(request)
        if not group.get("is_hidden")
    ]


def test_an_administrator_sees_ten_entries(admin_user: User) -> None:
    assert shown(admin_user) == [[page.title for page in pages] for pages in GROUPS]
    assert sum(len(pages) for pages in GROUPS) == 10


def test_others_see_what_they_may_view_and_no_empty_group() -> None:
    user = User.objects.create_user("grace", is_staff=True)
    assert shown(user) == []
    user.user_permissions.add(Permission.objects.get(codename="view_plan"))
    assert shown(User.objects.get(pk=user.pk)) == [["Plans"]]
    assert not any("Settings" in group for group in shown(make_user("Viewer")))


def test_children_are_shown_where_one_is_on_them(admin_user: User) -> None:
    with_children = ["Customers", "Companies", "People", "Segments", "Reassign accounts"]
    for path in ("/admin/desk/customers/", "/admin/desk/people/", "/admin/customer/cus_1/billing/"):
        group = shown(admin_user, path)[0]
        assert [title for title in group if title in with_children] == with_children, path
    assert "Data" in shown(admin_user, "/admin/data/")[-1]
    assert "Companies" not in shown(admin_user, "/admin/desk/invoices/")[0]


def test_each_table_is_in_the_admin_once_and_on_the_page_of_data(admin_client: Client) -> None:
    labels = [item.model for items in TABLES.values() for item in items]
    assert len(labels) == len(set(labels)) > 40
    for label in labels:
        assert admin.site.is_registered(apps.get_model(label)), label
    page = admin_client.get("/admin/data/").content.decode()
    for label in labels:
        app, model = label.lower().split(".")
        assert f'href="{reverse(f"admin:{app}_{model}_changelist")}"' in page, label


def test_the_sidebar_marks_where_one_is(admin_client: Client) -> None:
    page = admin_client.get("/admin/desk/people/").content.decode()
    assert '<a href="/admin/desk/people/" aria-current="page">' in page
    assert page.count('aria-current="page"><span') == 1
    # One main part, which the first link of the page leads to.
    assert page.count("<main") == 1
    assert page.index('href="#content"') < page.index('href="/admin/desk/people/"')


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
