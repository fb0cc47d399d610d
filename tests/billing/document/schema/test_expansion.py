import copy

import pytest

from billing.document.schema import EXPANDABLE, expanded
from tests.billing.payloads import BALANCE, CUSTOMER, FEATURE, PLAN, ROW, changed, parsed, sent
from tests.strategies_billing import as_read


def test_a_view_shows_only_what_was_asked_for():
    view = sent(expanded(parsed(CUSTOMER), set()))
    hidden = {"invoices", "entities", "trials_used", "rewards", "referrals", "payment_method"}
    assert set(view) == set(CUSTOMER) - hidden
    assert "plan" not in view["subscriptions"][0]
    assert "feature" not in view["balances"]["api_calls"]
    assert view["balances"]["api_calls"]["breakdown"] == [ROW]


@pytest.mark.parametrize(
    "name", ["invoices", "entities", "trials_used", "rewards", "referrals", "payment_method"]
)
def test_a_key_that_was_asked_for_is_there(name):
    customer = parsed(CUSTOMER)
    plain, view = sent(expanded(customer, set())), sent(expanded(customer, {name}))
    assert view == plain | {name: as_read(CUSTOMER[name])}


def test_an_empty_list_that_was_asked_for_is_there():
    view = sent(expanded(parsed({"id": "acme", "invoices": [], "rewards": None}), {"invoices", "rewards"}))
    assert view["invoices"] == []
    assert view["rewards"] is None


def test_plans_and_features_are_expanded_where_asked():
    payload = copy.deepcopy(CUSTOMER)
    payload["purchases"][0]["plan"] = PLAN | {"id": "boost"}
    payload["flags"]["sso"]["feature"] = FEATURE | {"id": "sso", "type": "boolean"}
    customer = parsed(payload)

    view = sent(expanded(customer, {"subscriptions.plan", "flags.feature"}))
    assert view["subscriptions"][0]["plan"] == as_read(PLAN)
    assert "plan" not in view["purchases"][0]
    assert view["flags"]["sso"]["feature"]["type"] == "boolean"
    assert "feature" not in view["balances"]["api_calls"]

    view = sent(expanded(customer, {"purchases.plan", "balances.feature"}))
    assert "plan" not in view["subscriptions"][0]
    assert view["purchases"][0]["plan"]["id"] == "boost"
    assert "feature" not in view["flags"]["sso"]
    assert view["balances"]["api_calls"]["feature"]["name"] == "API calls"


def test_a_view_leaves_optional_lists_out_that_are_empty():
    view = sent(expanded(parsed(CUSTOMER), EXPANDABLE))
    assert set(view["billing_controls"]) == {"auto_topups"}
    assert "event_names" not in view["balances"]["api_calls"]["feature"]
    assert "rollovers" in view["balances"]["api_calls"]
    without = changed(CUSTOMER, "balances", "api_calls", to=BALANCE | {"rollovers": []})
    assert "rollovers" not in sent(expanded(parsed(without), set()))["balances"]["api_calls"]


def test_a_view_leaves_the_document_as_it_was():
    customer = parsed(CUSTOMER)
    expanded(customer, set())
    assert sent(customer) == as_read(CUSTOMER)


def test_what_cannot_be_expanded_is_named():
    with pytest.raises(
        ValueError, match=r"^Cannot expand plans, x: expected balances\.feature, billing_controls"
    ):
        expanded(parsed(CUSTOMER), {"x", "plans", "invoices"})
