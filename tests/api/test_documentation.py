"""The examples of docs/api.md work as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_customer, make_plan, make_tag

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """The address and the parameters of each line that reads something, but for those with a shortened cursor."""
    text = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    for line in re.findall(r"^ +get (/api/.+)$", text, re.MULTILINE):
        address, *options = shlex.split(line)
        assert set(options[::2]) <= {"-d", "--data-urlencode"}, line
        if "…" not in line:
            yield address, dict(option.split("=", 1) for option in options[1::2])


def test_each_example_is_answered(api: Client) -> None:
    User.objects.create_user("max")
    make_customer(external_id="acme-42")
    make_plan(plan_id="pro")
    make_tag(name="pilot")
    answers = {(address, *values.items()): api.get(address, values) for address, values in examples()}
    wrong = {asked: answer.content for asked, answer in answers.items() if answer.status_code != 200}
    late = ("/api/v1/invoices", ("status", "late"))
    assert b"must be one of draft, open, paid, void, uncollectible" in wrong.pop(late)
    assert wrong == {}
    assert len(answers) > 15


def test_every_document_and_list_has_an_example(api: Client) -> None:
    described = set(api.get("/api/v1/openapi.json").json()["paths"])
    text = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    lists = {path for path in described if path.startswith("/api/v1/") and "{" not in path}
    assert lists <= set(re.findall(r"get (/api/v1/[\w/]+)", text))
