"""The billing platform's public client, in both its versions, against a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from autumn_sdk import Autumn, errors, models
from pytest_django.live_server_helper import LiveServer

from billing.document.importer import BillingImporter
from billing.models import Entity, Feature
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers.models import ApiToken, Customer
from tests.api.steps import take_in_values
from tests.billing.payloads import CUSTOMER
from tests.factories import make_entity, make_grant

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


#: Lists of what Clientele doesn't hold.
EMPTY = {"rewards.list", "referral_programs.list", "sandboxes.list", "webhooks.list"}

_READS_WITH_1_0 = """
import json, sys
import autumn_sdk

assert autumn_sdk.__version__.startswith("1.0."), autumn_sdk.__version__
server, secret = sys.argv[1:]
with autumn_sdk.Autumn(secret_key=secret, server_url=server) as autumn:
    found = {
        "plans.list": autumn.plans.list(),
        "features.list": autumn.features.list(),
        "features.get": autumn.features.get(feature_id="api_calls"),
        "entities.get": autumn.entities.get(entity_id="seat-of-3"),
        "events.list": autumn.events.list(customer_id="acme-3", offset=1, limit=1),
        "balances.check": autumn.check(customer_id="acme-3", feature_id="api_calls"),
    }
json.dump({name: each.model_dump(by_alias=True, mode="json", exclude_unset=True) for name, each in found.items()}, sys.stdout)
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


def use(customer: Customer, feature: Feature, amount: str, entity: Entity | None = None) -> None:
    """Record usage, or a refund."""
    record_usage(
        UsageRequest(
            customer_id=str(customer.pk),
            feature=feature,
            amount=Decimal(amount),
            done_by="tests",
            entity=entity,
        )
    )


def without(document: Any, *keys: str) -> Any:
    return {key: value for key, value in document.items() if key not in keys}


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


def test_version_1_2_reads_everything_else_and_loses_nothing(autumn, ask, secret):
    customer = Customer.objects.get(external_id="acme-3")
    entity = make_entity(customer=customer, entity_id="seat-of-3")
    balance = customer.balances.get(feature__feature_id="api_calls")
    make_grant(balance=balance, entity=entity)
    use(customer, balance.feature, "2.5", entity)
    use(customer, balance.feature, "-1", entity)
    of_one = {"customer_id": "acme-3"}
    check = {**of_one, "feature_id": "api_calls", "required_balance": 2.5, "entity_id": "seat-of-3"}
    usage = {"feature_id": "api_calls", "range": "7d", "timezone": "America/New_York"}
    plan_id = customer.subscriptions.all()[0].plan.plan_id
    for name, body, found in (
        ("subscriptions.list", of_one, autumn.customers.list_subscriptions(**of_one)),
        ("purchases.list", of_one, autumn.customers.list_purchases(**of_one)),
        ("balances.list", of_one, autumn.balances.list(**of_one)),
        ("plans.list", {"all_versions": True}, autumn.plans.list(request={"all_versions": True})),
        ("plans.get", {"plan_id": plan_id}, autumn.plans.get(plan_id=plan_id)),
        ("entities.list", of_one, autumn.entities.list(**of_one)),
        ("entities.get", {"entity_id": "seat-of-3"}, autumn.entities.get(entity_id="seat-of-3")),
        ("events.aggregate", usage, autumn.events.aggregate(**usage)),
        ("balances.check", check, autumn.check(**check)),
        ("invoices.listTemplates", {}, autumn.invoices.list_templates()),
        ("rewards.list", {}, autumn.rewards.list()),
        ("referral_programs.list", {}, autumn.referrals.list_programs()),
        ("sandboxes.list", {}, autumn.sandboxes.list(request={})),
        ("webhooks.list", {}, autumn.webhooks.list(request={})),
    ):
        served = ask(f"/v1/{name}", body)
        # This page has no `has_more`.
        assert dumped(found) == (without(served, "has_more") if name == "entities.list" else served), name
        if name.endswith("s.list") and name not in EMPTY:
            assert found.list, name
    # Keys that only other versions of the client read, or only our own lists show, are left out.
    page, served = autumn.events.list(**of_one), ask("/v1/events.list", of_one)
    assert dumped(page) == {key: served[key] for key in ("list", "next_cursor")}
    assert [each.value for each in page.list] == [-1, 2.5]
    page, served = autumn.invoices.list(**of_one), ask("/v1/invoices.list", of_one)
    for invoice, shown in zip(map(dumped, page.list), served["list"], strict=True):
        assert {key: shown[key] for key in invoice if key != "items"} == without(invoice, "items")
        for item, line in zip(invoice["items"], shown["items"], strict=True):
            assert {key: line[key] for key in item} == item
    assert page.list


def test_version_1_2_reads_features_and_loses_nothing(ask, secret):
    # Its module of features can't be imported: one of its classes uses another before that is defined.
    for name, body, model in (
        ("features.list", {}, models.ListFeaturesResponse),
        ("features.get", {"feature_id": "api_calls"}, models.GetFeatureResponse),
    ):
        served = ask(f"/v1/{name}", body)
        assert dumped(model.model_validate(served)) == served


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


def test_version_1_0_makes_its_other_reads(autumn_1_0: Path, live_server: LiveServer, secret: str, ask):
    customer = Customer.objects.get(external_id="acme-3")
    make_entity(customer=customer, entity_id="seat-of-3")
    balance = customer.balances.get(feature__feature_id="api_calls")
    use(customer, balance.feature, "2")
    use(customer, balance.feature, "1")
    finished = subprocess.run(
        [sys.executable, "-c", _READS_WITH_1_0, live_server.url, secret],
        env={"PYTHONPATH": str(autumn_1_0), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["features.list"] == ask("/v1/features.list")
    assert found["features.get"] == ask("/v1/features.get", {"feature_id": "api_calls"})
    assert [each["id"] for each in found["plans.list"]["list"]] == [
        each["id"] for each in ask("/v1/plans.list")["list"]
    ]
    assert found["entities.get"]["id"] == "seat-of-3"
    assert found["balances.check"]["allowed"] is True
    events = found["events.list"]
    assert (events["offset"], events["limit"], events["total"], events["has_more"]) == (1, 1, 1, False)
    assert [each["value"] for each in events["list"]] == [2]
