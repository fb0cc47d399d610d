"""The billing platform's public client, in both its versions, against a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from autumn_sdk import Autumn, errors
from pytest_django.live_server_helper import LiveServer

from billing.document.importer import BillingImporter
from customers.models import ApiToken
from tests.api.steps import take_in_values
from tests.billing.payloads import CUSTOMER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

#: Seven customers, more than two pages of three.
PAYLOADS = [CUSTOMER | {"id": f"acme-{number}", "email": None, "stripe_id": None} for number in range(7)]
IDS = {payload["id"] for payload in PAYLOADS}

_WITH_1_0 = """
import json, sys
import autumn_sdk

assert autumn_sdk.__version__.startswith("1.0."), autumn_sdk.__version__
server, secret = sys.argv[1:]
found = []
with autumn_sdk.Autumn(secret_key=secret, server_url=server) as autumn:
    assert autumn.customers.list().limit == 10
    while True:
        page = autumn.customers.list(request={"offset": len(found), "limit": 3})
        assert page.total == len(page.list) and page.offset == len(found) and page.total_count == 7
        found += [each.model_dump(by_alias=True, mode="json", exclude_unset=True) for each in page.list]
        if not page.has_more:
            break
json.dump(found, sys.stdout)
"""


@pytest.fixture
def secret() -> str:
    """The secret of a token, beside the customers."""
    take_in_values(BillingImporter(), PAYLOADS)
    return ApiToken.issue("client")[1]


@pytest.fixture
def autumn(live_server: LiveServer, secret: str) -> Autumn:
    """The client, at the running server."""
    return Autumn(secret_key=secret, server_url=live_server.url)


def dumped(customer: Any) -> Any:
    return customer.model_dump(by_alias=True, mode="json", exclude_unset=True)


def by_id(documents: Any) -> Any:
    return {document["id"]: document for document in documents}


def test_version_1_2_lists_everybody_and_loses_nothing(autumn, read):
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = autumn.customers.list(start_cursor=cursor, limit=3)
        found += [dumped(each) for each in page.list]
        cursor = page.next_cursor
    assert by_id(found).keys() == IDS
    assert len(found) == 7
    assert by_id(found) == by_id(read("/api/v1/billing/customers")["data"])


def test_version_1_2_gets_one_with_everything(autumn, read):
    expand = ["invoices", "entities", "trials_used", "rewards", "referrals", "payment_method"]
    expand += ["subscriptions.plan", "purchases.plan", "balances.feature", "flags.feature"]
    found = dumped(autumn.customers.get(customer_id="acme-3", expand=expand))
    assert found == read("/api/v1/billing/customers/acme-3", expand=",".join(expand))
    assert found["invoices"]
    assert found["subscriptions"][0]["plan"]["id"] == found["subscriptions"][0]["plan_id"]


def test_version_1_2_filters(autumn):
    assert {each.id for each in autumn.customers.list(search="acme-3").list} == {"acme-3"}
    pro = autumn.customers.list(plans=[{"id": "pro", "versions": [2]}], subscription_status="active")
    assert {each.id for each in pro.list} == IDS
    assert autumn.customers.list(plans=[{"id": "none"}], sort_order="asc").list == []
    assert autumn.customers.list(created_at_range={"end": 1.0}).list == []


def test_version_1_2_is_told_what_is_wrong(autumn, live_server):
    with pytest.raises(errors.AutumnDefaultError, match="customer_not_found") as missing:
        autumn.customers.get(customer_id="nobody")
    assert missing.value.status_code == 404
    with pytest.raises(errors.AutumnDefaultError, match="read-only") as write:
        autumn.customers.update(customer_id="acme-3", name="Other")
    assert write.value.status_code == 405
    with pytest.raises(errors.AutumnDefaultError) as stranger:
        Autumn(secret_key="wrong", server_url=live_server.url).customers.list()
    assert stranger.value.status_code == 401


def test_version_1_0_lists_everybody_and_loses_only_what_it_has_no_word_for(
    autumn_1_0: Path, live_server: LiveServer, secret: str, read
):
    finished = subprocess.run(
        [sys.executable, "-c", _WITH_1_0, live_server.url, secret],
        env={"PYTHONPATH": str(autumn_1_0), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert [each["id"] for each in found] == [
        each["id"] for each in read("/api/v1/billing/customers")["data"]
    ]
    for served in read("/api/v1/billing/customers")["data"]:
        # What came with later versions.
        del served["licenses"]
        for balance in served["balances"].values():
            for rollover in balance.get("rollovers", ()):
                rollover.pop("granted", None)
        assert by_id(found)[served["id"]] == served
