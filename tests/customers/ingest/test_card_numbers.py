"""Full card and account numbers are found, wherever they are hidden, and little else is.

The numbers are those that card issuers and the IBAN registry publish for tests and examples.
"""

from decimal import Decimal
from typing import Any

import pytest

from customers.ingest.card_numbers import refuse_account_numbers
from customers.json_types import Refused

VISA = "4242424242424242"
MASTERCARD = "5555555555554444"
AMEX = "378282246310005"
DINERS = "30569309025904"
VISA_13 = "4222222222222"
IBAN = "GB82 WEST 1234 5698 7654 32"


def refusal(value: object) -> Refused:
    with pytest.raises(Refused) as refused:
        refuse_account_numbers(value)
    assert refused.value.is_secret
    return refused.value


@pytest.mark.parametrize(
    "key",
    [
        *("number", "Number", "card_number", "cardNumber", "CARD-NUMBER", "pan", "PAN", "cvc", "CVV", "cvv2"),
        *("iban", "IBAN", "account_number", "accountNumber", "Account Number"),
    ],
)
@pytest.mark.parametrize("held", ["12", "****4242", 7, {"x": 1}, False])
def test_a_payment_method_must_not_have_keys_for_secrets(key: str, held: object) -> None:
    refused = refusal({"payment_methods": [{"id": "card_1"}, {key: held}]})
    assert refused.path.startswith("$.payment_methods[1]")
    assert "A payment method must not have this key." in refused.reason


def test_an_empty_key_for_a_secret_holds_none() -> None:
    refuse_account_numbers({"payment_methods": [{"number": None, "cvc": ""}]})


def test_the_keys_are_looked_for_at_any_depth() -> None:
    assert (
        refusal({"payment_methods": [{"card": {"number": "x"}}]}).path == "$.payment_methods[0].card.number"
    )
    assert refusal({"payment_method": {"iban": "x"}}).path == "$.payment_method.iban"


def test_elsewhere_such_a_key_is_not_a_secret_by_its_name() -> None:
    refuse_account_numbers({"custom_data": {"number": "12", "pan": "x", "account_number": "A-1001"}})


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        MASTERCARD,
        AMEX,
        DINERS,
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "3782 822463 10005",
        "4242 - 4242 - 4242 - 4242",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        f"card {VISA}, thank you",
        "4242 4242 4242 4242 12/27 123",
        "4242\u00a04242\u00a04242\u00a04242",
        "62 4242 4242 4242 4242",
        "6011000990139424",
        "3566002020360505",
        "2223003122003222",
        "6304000000000000",
        "2200000000000004",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"name": text},
        lambda text: {"address": {"line2": text}},
        lambda text: {"custom_data": {"a": [{"note": text}]}},
        lambda text: {"anything": text},
        lambda text: {"payment_methods": [{"brand": text}]},
    ],
)
def test_a_card_number_is_found_in_any_text(place: Any, text: str) -> None:
    refused = refusal(place(text))
    assert "looks like a full card number" in refused.reason
    assert not any(character.isdigit() for character in refused.reason.replace("last4", ""))


def test_the_place_is_named() -> None:
    assert refusal({"custom_data": {"a": [0, {"b c": VISA}]}}).path == '$.custom_data.a[1]["b c"]'


def test_a_key_that_is_a_card_number_is_not_repeated() -> None:
    refused = refusal({"custom_data": {VISA: True}})
    assert (refused.path, VISA in str(refused)) == ("$.custom_data", False)


@pytest.mark.parametrize("number", [int(VISA), Decimal(VISA), float(VISA)])
def test_a_card_number_is_found_as_a_number(number: object) -> None:
    assert refusal({"custom_data": {"card": number}}).path == "$.custom_data.card"


@pytest.mark.parametrize("text", [VISA_13, "6799990100000000019", "9999999999999995"])
def test_in_a_payment_method_any_digits_that_add_up_are_refused(text: str) -> None:
    assert refusal({"payment_methods": [{"provider": text}]}).path == "$.payment_methods[0].provider"


@pytest.mark.parametrize("key", ["id", "customer_id", "phone"])
def test_a_card_number_is_found_as_the_id_or_phone_of_a_payment_method(key: str) -> None:
    assert refusal({"payment_methods": [{key: VISA}]}).path == f"$.payment_methods[0].{key}"
    assert refusal({"payment_method": VISA}).path == "$.payment_method"


@pytest.mark.parametrize(
    "record",
    [
        {"id": VISA, "external_id": VISA, "customerId": VISA},
        {"custom_data": {"order_id": VISA, "seen_at": VISA}},
        {"businesses": [{"company_number": VISA, "tax_identifier": VISA}]},
        {"phone": "+4242424242424242", "custom_data": {"phone_2": "004242424242424242"}},
        {"custom_data": {"note": "4242424242424241"}},
        {"custom_data": {"note": "9999999999999995"}},
        {"custom_data": {"sha": f"a{VISA}", "hex": f"{VISA}f0", "key": "cus_01h3vjs3b16yc3f9q8q9pfrb78"}},
        {"custom_data": {"uuid": "4b3c4242-4242-4242-4242-424242424242"}},
        {"custom_data": {"sum": 4242.42, "far": Decimal("4.2e300"), "epoch": 1_724_674_500_008}},
        {"custom_data": {"numbers": "202-555-0123 202-555-0124", "dates": "2024-08-26 2024-09-01"}},
        {"created_at": "2024-08-26T12:15:00.000Z"},
        {"payment_methods": [{"last4": "4242", "phone": "+8613800000004", "exp_year": 2030}]},
        {
            "payment_methods": [
                {"id": "1234567890128", "made": "1724674500008", "created_at": "20240826121509"}
            ]
        },
        {"name": "4242 4242 4242", "custom_data": None, "is": True},
    ],
)
def test_ids_times_phones_and_tokens_pass(record: dict[str, Any]) -> None:
    refuse_account_numbers(record)


@pytest.mark.parametrize("text", [IBAN, IBAN.replace(" ", ""), IBAN.lower(), "DE89370400440532013000"])
def test_an_iban_is_found_anywhere(text: str) -> None:
    for record, path in (
        ({"custom_data": {"pay to": text}}, '$.custom_data["pay to"]'),
        ({"payment_methods": [{"id": text}]}, "$.payment_methods[0].id"),
    ):
        refused = refusal(record)
        assert refused.path == path
        assert refused.reason.startswith("This is a bank account number (IBAN).")


def test_what_only_looks_like_an_iban_passes() -> None:
    refuse_account_numbers({"name": "GB82 WEST 1234 5698 7654 33", "id": "DE00370400440532013000"})


@pytest.mark.parametrize("value", [None, 5, "text", [], {}, [{"a": 1}]])
def test_any_json_value_may_be_looked_at(value: object) -> None:
    refuse_account_numbers(value)
