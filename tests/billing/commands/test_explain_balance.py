"""`manage.py explain_balance`: readable text, exact JSON, and help where something is wrong."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.models import Balance
from tests.factories import make_balance, make_customer, make_entity, make_feature, make_flag, make_grant

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("explain_balance", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def balance() -> Balance:
    customer = make_customer(name="Acme", external_id="acme-1")
    balance = make_balance(customer=customer, feature=make_feature(feature_id="api_calls", name="API calls"))
    make_grant(balance=balance, included_grant=Decimal("1000.5"), usage=Decimal("0.1"))
    return balance


def test_text_is_aligned_and_plain(balance: Balance) -> None:
    text = told("acme-1", "api_calls", "--use", "2000")
    assert (
        "  granted            1,000.5\n  remaining          1,000.4\n  usage                  0.1\n" in text
    )
    assert "Simulated usage of 2,000 is refused, 999.6 too many" in text
    assert "the balance is used up, and no grant allows overage" in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_what_a_use_would_draw(balance: Balance) -> None:
    text = told("acme-1", "api_calls", "--use", "0.4")
    assert "Simulated usage of 0.4\n  1.  Standalone grant of" in text
    assert "Remaining afterward: 1,000 of API calls." in text
    assert "Simulated refund of 0.1" in told("acme-1", "api_calls", "--use=-0.1")


def test_json_has_exact_figures_as_strings(balance: Balance) -> None:
    value: Any = json.loads(told("acme-1", "api_calls", "--use", "0.4", "--format", "json"))
    figures = value["balances"][0]["figures"]
    assert (figures["granted"], figures["remaining"], figures["usage"]) == ("1000.5", "1000.4", "0.1")
    assert value["use"]["parts"][0]["units"] == "0.4"
    assert value["use"]["remaining"] == {"api_calls": "1000"}
    assert value["at"].endswith("Z")


def test_of_an_entity_at_a_time(balance: Balance) -> None:
    entity = make_entity(customer=balance.customer, entity_id="east", name="East")
    make_grant(balance=balance, entity=entity, included_grant=Decimal(7), usage=Decimal(0))
    text = told(str(balance.customer_id), str(balance.feature_id), "--entity", "east", "--at", "2030-01-31")
    assert text.startswith("API calls (api_calls) of East of Acme (cus_")
    assert "at Jan 31, 2030 UTC\n" in text
    assert "  granted            1,007.5\n" in text
    assert told("acme-1", "api_calls", "--entity", str(entity.pk)).startswith("API calls (api_calls) of East")


def test_a_flag_is_told_to_be_one(balance: Balance) -> None:
    feature = make_feature(type="boolean", feature_id="sso", name="Single sign-on")
    make_flag(customer=balance.customer, feature=feature)
    assert "Single sign-on is on, outside any plan, with no expiry." in told("acme-1", "sso")


def test_names_cannot_command_the_terminal(balance: Balance) -> None:
    balance.customer.name = "Ac\x1b[31mme\nInc"
    balance.customer.save()
    text = told("acme-1", "api_calls")
    assert "\x1b" not in text
    assert "Ac\\x1b[31mme" in text


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (["nobody", "api_calls"], "No customer is known by “nobody”", 1),
        (["a\0b", "api_calls"], "No customer is known by", 1),
        (["acme-1", "nothing"], "No feature “nothing”", 1),
        (["acme-1", "a\0b"], "No feature", 1),
        (["acme-1", "seats"], "has no balance of Seats", 1),
        (["acme-1", "api_calls", "--entity", "west"], "has no entity “west”", 1),
        (["acme-1", "api_calls", "--use", "many"], "'many' cannot be read: expected a number", 1),
        (["acme-1", "api_calls", "--use", "NaN"], "cannot be used. Enter a number", 1),
        (["acme-1", "api_calls", "--use", "Infinity"], "cannot be used. Enter a number", 1),
        (["acme-1", "api_calls", "--use", "1e999999999"], "at most 15 digits before the decimal point", 1),
        (["acme-1", "api_calls", "--use", "1e-11"], "at most 10 decimals", 1),
        (["acme-1", "api_calls", "--use", "0"], "an amount other than 0", 2),
        (["acme-1", "sso", "--use", "1"], "is an on/off feature", 2),
        (["acme-1", "api_calls", "--at", "tomorrow"], "'tomorrow' cannot be read: expected a time", 1),
        (["acme-1", "api_calls", "--at", "2025-01-31T12:00:00"], "a time with its zone", 1),
        (["acme-1", "api_calls", "--at", "2025-02-30"], "cannot be read: expected a time", 1),
        (["acme-1", "api_calls", "--at", "0001-01-01"], "cannot be read: expected a time", 1),
    ],
)
def test_what_is_wrong_is_told(balance: Balance, arguments: list[str], words: str, status: int) -> None:
    make_feature(type="boolean", feature_id="sso")
    make_feature(feature_id="seats", name="Seats")
    with pytest.raises(CommandError) as refused:
        told(*arguments)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == status
