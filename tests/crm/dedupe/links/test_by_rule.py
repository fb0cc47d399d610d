"""Many suggested links at once: with the same name and domain, shown first, undone as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from crm.models import DuplicatePair
from tests.crm.cases.story import Story
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Two companies with a record in payments and in the CRM; one is in the CRM twice, a third shares a name alone."""
    story = Story(tmp_path)
    story.bring(
        "payments",
        {"id": "harbor", "name": "Harbor Foods Ltd", "email": "joe@harbor.example"},
        {"id": "quay", "name": "Quay Tools", "email": "ann@quay.example"},
        {"id": "zeta", "name": "Zeta Mining", "email": "zed@zeta.example"},
    )
    story.bring(
        "crm",
        {"id": "c1", "company": {"name": "Harbor Foods"}, "domains": ["harbor.example"]},
        {"id": "c2", "company": {"name": "Quay Tools"}, "domains": ["quay.example"]},
        {"id": "c3", "company": {"name": "Quay Tools"}, "domains": ["quay.example"]},
        {"id": "c4", "company": {"name": "Zeta Mining"}, "domains": ["other.example"]},
    )
    story.run("find_duplicates", "--min-score", "0.01")
    DuplicatePair.objects.update(score=0.995)
    return story


APART = [
    {"crm:c1"},
    {"crm:c2"},
    {"crm:c3"},
    {"crm:c4"},
    {"payments:harbor"},
    {"payments:quay"},
    {"payments:zeta"},
]
TOGETHER = [
    {"crm:c1", "payments:harbor"},
    {"crm:c2"},
    {"crm:c3"},
    {"crm:c4"},
    {"payments:quay"},
    {"payments:zeta"},
]


def test_the_command_links_what_is_clear_and_undoes_it_as_one(story: Story) -> None:
    shown = story.run("link_records", "--by-rule", "--dry-run")
    assert "crm:c1" in shown or "payments:harbor" in shown
    assert "1 link. Nothing was changed" in shown
    assert story.customers() == APART
    assert "0 links made." in story.run("link_records", "--by-rule", "--min-score", "1")

    undo = story.run("link_records", "--by-rule").splitlines()[-1].partition("manage.py ")[2]
    assert story.customers() == TOGETHER
    story.run(*undo.split())
    assert story.customers() == APART

    for words in (("--by-rule", "crm:c1"), ("crm:c1",), ()):
        assert "RECORD… GOAL, or --by-rule" in story.run("link_records", *words, may_fail=True)


def test_the_page_selects_them(story: Story) -> None:
    client = Client()
    client.force_login(make_user("Administrator"))
    page = client.get("/admin/review/?view=links")
    assert "Select 1 clear match<" in page.content.decode()
    assert page.content.decode().count(" checked") == 0
    assert client.get("/admin/review/?view=links&clear=1").content.decode().count(" checked") == 1
