"""Two billing accounts of one customer: which one an ID shows, and which one usage by it draws from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from customers.models import Customer
from tests.crm.cases.story import Story
from tests.crm.import_documents import document
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def billing_account(name: str, granted: int) -> dict[str, Any]:
    row = {
        "id": f"row-{name}",
        "plan_id": None,
        "included_grant": granted,
        "prepaid_grant": 0,
        "remaining": granted,
        "usage": 0,
        "unlimited": False,
        "reset": None,
        "price": None,
        "expires_at": None,
    }
    balance = {
        "feature_id": "calls",
        "granted": granted,
        "remaining": granted,
        "usage": 0,
        "unlimited": False,
        "overage_allowed": False,
        "max_purchase": None,
        "next_reset_at": None,
        "breakdown": [row],
    }
    return {"id": name, "name": f"Harbor {name}", "email": None, "balances": {"calls": balance}}


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Accounts `main` with 100 calls and `labs` with 30, merged into one customer."""
    story = Story(tmp_path)
    story.bring("billing", billing_account("main", 100), billing_account("labs", 30))
    story.merged("main", "labs")
    return story


@pytest.fixture
def api(client: Client) -> Client:
    client.force_login(make_user())
    return client


def calls_left(api: Client, identifier: str) -> tuple[Any, Any]:
    """The ID and the calls that remain, as the billing view and the billing client's read agree."""
    shown = api.get(f"/api/v1/billing/customers/{identifier}").json()
    read = api.post("/v1/customers.get", {"customer_id": identifier}, content_type="application/json").json()
    assert read == shown
    return shown["id"], shown["balances"]["calls"]["remaining"]


def test_the_id_of_an_account_shows_that_account_and_our_id_shows_all(story: Story, api: Client) -> None:
    ours = str(Customer.objects.get(merged_into=None).pk)

    assert calls_left(api, "main") == ("main", 100)
    assert calls_left(api, "labs") == ("labs", 30)
    assert calls_left(api, ours)[1] == 130

    story.undo()
    assert calls_left(api, ours)[1] == 100


def test_usage_by_the_id_of_an_account_draws_from_it_alone(story: Story, api: Client) -> None:
    ours = str(Customer.objects.get(merged_into=None).pk)

    said = story.run("record_usage", "labs", "calls", "31", may_fail=True)
    assert "Refused" in said
    story.run("record_usage", "labs", "calls", "20")
    assert (calls_left(api, "main")[1], calls_left(api, "labs")[1]) == (100, 10)

    lines = [{"customer": "labs", "feature": "calls", "amount": amount} for amount in (4, 40)]
    lines += [{"customer": ours, "feature": "calls", "amount": 90}]
    path = story.folder / "uses.ndjson"
    path.write_text("\n".join(map(json.dumps, lines)))
    said = story.run("record_usage", "--file", str(path), may_fail=True)
    assert "2 recorded" in said
    assert "1 refused" in said
    assert (calls_left(api, "main")[1], calls_left(api, "labs")[1]) == (10, 6)


def test_a_check_by_the_id_of_an_account_looks_at_it_alone(story: Story, api: Client) -> None:
    def allowed(identifier: str) -> Any:
        asked = {"customer_id": identifier, "feature_id": "calls", "required_balance": 50}
        return api.post("/v1/balances.check", asked, content_type="application/json").json()["allowed"]

    assert [allowed(each) for each in ("main", "labs")] == [True, False]


def test_the_crm_shows_the_account_of_an_id(tmp_path: Path, api: Client) -> None:
    story = Story(tmp_path)
    for key, name in (("c1", "Zeta Mining"), ("c2", "Zeta Rail")):
        story.bring("crm", document(id=key, company={"name": name}))
    story.merged("c1", "c2")

    def shown(identifier: str) -> Any:
        return api.get(f"/api/v1/crm/customers/{identifier}").json()

    assert [shown(key)["company"]["name"] for key in ("c1", "c2")] == ["Zeta Mining", "Zeta Rail"]
    assert "merged_customers" not in shown("c2")
    assert [
        each["id"] for each in shown(str(Customer.objects.get(merged_into=None).pk))["merged_customers"]
    ] == ["c2"]
