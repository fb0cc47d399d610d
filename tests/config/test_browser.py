"""The shell of the admin in a real browser: signing in, the index, the theme."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.com", "correct horse battery")


def test_signing_in_leads_to_the_index(page: Page, ada: User) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/admin/")
    expect(page.get_by_role("link", name="Settings", exact=True)).to_be_visible()


def test_a_wrong_password_is_told_in_the_form(page: Page, ada: User) -> None:
    page.goto("/accounts/login/?next=/admin/auth/user/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/admin/auth/user/")
