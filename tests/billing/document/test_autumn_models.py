import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from autumn_sdk.models import Customer
from hypothesis import given, settings

from billing.document.schema import EXPANDABLE, expanded
from customers.json_types import encode
from tests.billing.payloads import CUSTOMER, PLAN, parsed
from tests.examples import examples
from tests.strategies_billing import customers
from tests.strategies_catalog import Json

#: What the client's version 1.0 has no word for yet.
SINCE_1_2 = {"licenses", "granted of a rollover", "config of a plan", "metadata of a plan"}

_PARSE_WITH_1_0 = """
import json, sys
import autumn_sdk
from autumn_sdk.models import Customer

assert autumn_sdk.__version__.startswith("1.0."), autumn_sdk.__version__
for line in sys.stdin:
    customer = Customer.model_validate(json.loads(line))
    print(json.dumps(customer.model_dump(by_alias=True, mode="json", exclude_unset=True)))
"""


def view(payload: Json) -> Json:
    """`payload` as the view serves it with everything expanded, read as the client reads it."""
    served: Json = json.loads(encode(expanded(parsed(payload), EXPANDABLE)))
    return served


def through_1_2(served: Json) -> Json:
    dumped: Json = Customer.model_validate(served).model_dump(by_alias=True, mode="json", exclude_unset=True)
    return dumped


def without_what_1_0_lacks(served: Json) -> tuple[Json, set[str]]:
    """`served` as 1.0 knows it, and what was left out."""
    known: Json = json.loads(json.dumps(served))
    dropped = set()
    if known.pop("licenses", None) is not None:
        dropped.add("licenses")
    for balance in known.get("balances", {}).values():
        for rollover in balance.get("rollovers", []):
            if rollover.pop("granted", None) is not None:
                dropped.add("granted of a rollover")
    for taken in [*known.get("subscriptions", []), *known.get("purchases", [])]:
        for key in ("config", "metadata"):
            if taken.get("plan", {}).pop(key, None) is not None:
                dropped.add(f"{key} of a plan")
    return known, dropped


def test_the_newest_client_loses_nothing():
    served = view(CUSTOMER)
    assert served["subscriptions"][0]["plan"]["config"] == {}
    assert through_1_2(served) == served


@settings(deadline=None, max_examples=examples(10))
@given(customers(complete=True))
def test_the_newest_client_loses_nothing_of_any_document(payload):
    served = view(payload)
    assert through_1_2(served) == served


def test_the_newest_client_notices_what_would_be_lost():
    served: Any = view(CUSTOMER)
    served["subscriptions"][0]["plan"]["items"][0]["colour"] = "blue"
    assert through_1_2(served) != served


def test_the_oldest_client_loses_only_what_came_later(autumn_1_0: Path):
    boost = CUSTOMER["purchases"][0] | {"plan": PLAN | {"id": "boost", "metadata": {"note": "one-off"}}}
    served = view(CUSTOMER | {"purchases": [boost]})
    known, dropped = without_what_1_0_lacks(served)
    assert dropped == SINCE_1_2

    done = subprocess.run(
        [sys.executable, "-c", _PARSE_WITH_1_0],
        env={"PYTHONPATH": str(autumn_1_0)},
        input=json.dumps(served),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == known
