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

from tests.factories import (
    make_balance,
    make_billing_account,
    make_customer,
    make_entity,
    make_feature,
    make_plan,
    make_relationship,
    make_tag,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

DOCUMENTATION = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """The address and the parameters of each line that reads something, but for those with a shortened cursor."""
    for line in re.findall(r"^ +get (/api/.+)$", DOCUMENTATION, re.MULTILINE):
        address, *options = shlex.split(line)
        assert set(options[::2]) <= {"-d", "--data-urlencode"}, line
        if "…" not in line:
            yield address, dict(option.split("=", 1) for option in options[1::2])


def test_each_example_is_answered(api: Client) -> None:
    User.objects.create_user("max")
    make_relationship(customer=make_customer(external_id="acme-42"))
    make_plan(plan_id="pro")
    make_tag(name="pilot")
    answers = {(address, *values.items()): api.get(address, values) for address, values in examples()}
    wrong = {asked: answer.content for asked, answer in answers.items() if answer.status_code != 200}
    # The customer wasn't known then.
    then = ("/api/v1/customers/acme-42", ("as_of", "2026-03-01T00:00:00Z"))
    assert b"customer_not_known_then" in wrong.pop(then)
    late = ("/api/v1/invoices", ("status", "late"))
    assert b"must be one of draft, open, paid, void, uncollectible" in wrong.pop(late)
    assert wrong == {}
    assert len(answers) > 15


def test_each_read_of_the_client_is_answered(api: Client) -> None:
    customer = make_customer(external_id="acme-42")
    make_billing_account(customer=customer)
    make_balance(customer=customer, feature=make_feature(feature_id="api_calls"))
    make_entity(customer=customer, entity_id="seat-1")
    make_plan(plan_id="pro")
    lines = re.findall(r"^ +post (/v1/[\w.]+) '(.+)'$", DOCUMENTATION, re.MULTILINE)
    wrong = {}
    for address, body in lines:
        answer = api.post(address, body, content_type="application/json")
        if answer.status_code != 200:
            wrong[address] = answer.content
    assert wrong == {}
    described = api.get("/api/v1/openapi.json").json()["paths"]
    assert {address for address, _ in lines} == {path for path in described if path.startswith("/v1/")}


def test_every_document_and_list_has_an_example(api: Client) -> None:
    described = api.get("/api/v1/openapi.json").json()["paths"]
    shown = set(re.findall(r"get (/api/v1/[\w/-]+)", DOCUMENTATION))
    wanted = {path.replace("{identifier}", "acme-42") for path in described if path.startswith("/api/v1/")}
    assert wanted - shown == set()


def test_every_parameter_of_a_list_is_named(api: Client) -> None:
    described = api.get("/api/v1/openapi.json").json()["paths"]
    named = (
        set(re.findall(r"`(\w+)", DOCUMENTATION))
        | set(re.findall(r" -d (\w+)=", DOCUMENTATION))
        | {"identifier"}
    )
    missing = {
        (path, parameter["name"])
        for path, operations in described.items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if not {parameter["name"], re.sub("_(after|before)$", "", parameter["name"])} & named
    }
    assert missing == set()


def test_every_key_of_an_answer_is_one_of_the_description(api: Client) -> None:
    description = api.get("/api/v1/openapi.json").content.decode()
    answers = "".join(
        re.findall(r"^ +\{\"(?:data|list|id)\".*?(?=\n\n)", DOCUMENTATION, re.MULTILINE | re.DOTALL)
    )
    keys = set(re.findall(r'"(\w+)":', answers)) - {"loyalty_program"}
    assert len(keys) > 40
    assert {key for key in keys if f'"{key}"' not in description} == set()
