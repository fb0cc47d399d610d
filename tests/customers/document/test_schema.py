"""The payments document: what is read, what is tidied, what is refused, and that it comes back as it came."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import UNSET

from customers.document.schema import (
    PaymentsAddress,
    PaymentsBusiness,
    PaymentsBusinessContact,
    PaymentsCustomer,
    PaymentsMethod,
    PostalAddress,
    parse_customer,
)
from customers.ingest.reader import read_value
from customers.json_types import Refused, Remark, RemarkKind, encode, json_schema, to_plain
from tests import strategies_payments
from tests.examples import examples

ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"

SEED: dict[str, Any] = {
    "id": ID,
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "phone": "+1234567890",
    "address": {
        "line1": "123 Main St",
        "line2": "Apt 4B",
        "city": "Springfield",
        "state": "IL",
        "postal_code": "62701",
        "country": "US",
    },
    "payment_method": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.000Z",
    "status": "active",
    "custom_data": {"loyalty_program": "gold"},
}

CARD = {
    "id": "card_01h3vjs3b16yc3f9q8q9pfrb79",
    "customer_id": ID,
    "type": "card",
    "brand": "visa",
    "last4": "0042",
    "exp_month": 12,
    "exp_year": 2030,
    "is_default": False,
    "status": "active",
}
MOBILE_MONEY = {
    "id": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "customer_id": ID,
    "type": "mobile_money",
    "provider": "Example Money",
    "phone": "+255712345678",
    "is_default": True,
    "status": "active",
}
BANK_ACCOUNT = {
    "id": "bank_01h3vjs3b16yc3f9q8q9pfrb7a",
    "customer_id": ID,
    "type": "bank_account",
    "bank_name": "Example Bank",
    "last4": None,
    "country": "TZ",
    "is_default": False,
    "status": "archived",
}
ADDRESS = {
    **SEED["address"],
    "id": "adr_01h3vjs3b16yc3f9q8q9pfrb79",
    "customer_id": ID,
    "description": "Home",
    "is_default": True,
    "status": "active",
    "created_at": "2024-08-26T12:15:00.001Z",
    "updated_at": "2024-08-26T12:15:00.999Z",
    "custom_data": None,
}
BUSINESS: dict[str, Any] = {
    "id": "biz_01h3vjs3b16yc3f9q8q9pfrb7a",
    "customer_id": ID,
    "name": "Doe Trading",
    "company_number": "555-0100",
    "tax_identifier": None,
    "contacts": [{"name": "Jane Doe", "email": "jane.doe@example.com"}, {"name": None, "email": None}],
    "status": "active",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-08-26T12:15:00.000Z",
    "custom_data": {"deep": [{"er": [1, 2.5, None, True, "", {}]}]},
}
EXPORTED = {
    **SEED,
    "addresses": [ADDRESS],
    "businesses": [BUSINESS],
    "payment_methods": [CARD, MOBILE_MONEY, BANK_ACCOUNT],
}


def read(payload: object) -> tuple[PaymentsCustomer, list[Remark]]:
    """What becomes of `payload` on its way through JSON text and the strict reader."""
    return parse_customer(read_value(json.dumps(payload)))


def refusal(payload: object) -> Refused:
    with pytest.raises(Refused) as refused:
        read(payload)
    return refused.value


def tidied(**keys: Any) -> tuple[PaymentsCustomer, list[tuple[str, str]]]:
    customer, remarks = read({"id": ID, **keys})
    return customer, [(remark.path, remark.text) for remark in remarks]


def test_the_example_comes_back_equal() -> None:
    customer, remarks = read(SEED)
    assert json.loads(encode(customer)) == SEED
    assert to_plain(customer) == SEED
    text = "“+1234567890” is not a valid phone number. It was kept."
    assert remarks == [Remark("$.phone", text)]


def test_an_export_comes_back_equal() -> None:
    customer, _ = read(EXPORTED)
    assert json.loads(encode(customer)) == EXPORTED


def test_the_parts_are_of_their_types() -> None:
    customer, _ = read(EXPORTED)
    assert customer.created_at == datetime(2024, 8, 26, 12, 15, tzinfo=UTC)
    assert isinstance(customer.address, PostalAddress)
    assert [type(each) for each in customer.addresses or []] == [PaymentsAddress]
    assert [type(each) for each in customer.businesses or []] == [PaymentsBusiness]
    assert [each.type for each in customer.payment_methods or []] == ["card", "mobile_money", "bank_account"]


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(strategies_payments.customers(embedded=True))
def test_any_export_comes_back_equal(payload: dict[str, Any]) -> None:
    customer, _ = read(payload)
    rendered = encode(customer)
    assert json.loads(rendered) == payload
    assert parse_customer(read_value(rendered))[0] == customer


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(strategies_payments.customers(embedded=False))
def test_any_view_comes_back_equal(payload: dict[str, Any]) -> None:
    assert json.loads(encode(read(payload)[0])) == payload


def test_absent_and_null_are_told_apart() -> None:
    absent, _ = read({"email": "jane@example.com"})
    assert [name for name in absent.__struct_fields__ if getattr(absent, name) is not UNSET] == ["email"]
    nulls = dict.fromkeys(set(absent.__struct_fields__) - {"email"})
    null, _ = read({"email": "jane@example.com", **nulls})
    assert [name for name in null.__struct_fields__ if getattr(null, name) is not None] == ["email"]


def test_absent_and_null_are_told_apart_in_the_parts() -> None:
    customer, _ = tidied(address={"city": "Dodoma", "state": None}, addresses=[{}])
    assert isinstance(customer.address, PostalAddress)
    assert (customer.address.city, customer.address.state, customer.address.line1) == ("Dodoma", None, UNSET)
    assert customer.addresses == [PaymentsAddress()]


def test_empty_texts_are_null() -> None:
    customer, remarks = tidied(name="", email=" ", phone="", address={"line1": "", "country": ""})
    assert (customer.name, customer.email, customer.phone) == (None, None, None)
    assert customer.address == PostalAddress(line1=None, country=None)
    assert [path for path, _ in remarks] == ["$.email"]


def test_only_identifiers_emails_and_phones_are_trimmed() -> None:
    payload = {"id": f" {ID}", "name": " Jane ", "email": "jane@example.com ", "payment_method": " x"}
    customer, remarks = read(payload)
    assert (customer.id, customer.name) == (ID, " Jane ")
    assert (customer.email, customer.payment_method) == ("jane@example.com", "x")
    assert {remark.path for remark in remarks} == {"$.id", "$.email", "$.payment_method"}


def test_an_unknown_key_is_left_to_the_source_record() -> None:
    customer, remarks = tidied(loyalty={"points": 3})
    assert customer == PaymentsCustomer(id=ID)
    assert remarks == []


@pytest.mark.parametrize(
    ("keys", "path", "found"),
    [
        ({"address": {"country": "Tanzania"}}, "$.address.country", lambda c: c.address.country),
        ({"addresses": [{}, {"country": "TZA"}]}, "$.addresses[1].country", lambda c: c.addresses[1].country),
        (
            {"payment_methods": [{"type": "bank_account", "country": "tanzania "}]},
            "$.payment_methods[0].country",
            lambda c: c.payment_methods[0].country,
        ),
    ],
)
def test_a_country_becomes_its_code(keys: dict[str, Any], path: str, found: Any) -> None:
    customer, remarks = tidied(**keys)
    assert found(customer) == "TZ"
    assert [at for at, _ in remarks] == [path]
    assert remarks[0][1].endswith("was changed to TZ.")


def test_an_unknown_country_is_kept() -> None:
    customer, remarks = tidied(address={"country": "Atlantis"})
    assert customer.address == PostalAddress(country="Atlantis")
    assert remarks == [("$.address.country", "“Atlantis” is not a country that we know. It was kept.")]


def test_phones_are_read_with_the_country_of_the_address() -> None:
    customer, remarks = tidied(
        phone="0712 345 678",
        address={"country": "United Republic of Tanzania"},
        payment_methods=[{"type": "mobile_money", "phone": "+255 712-345-679"}],
    )
    assert customer.phone == "+255712345678"
    assert customer.payment_methods == [PaymentsMethod(type="mobile_money", phone="+255712345679")]
    assert remarks[1:] == [
        ("$.phone", "“0712 345 678” was changed to +255712345678."),
        ("$.payment_methods[0].phone", "“+255 712-345-679” was changed to +255712345679."),
    ]


@pytest.mark.parametrize("address", [UNSET, None, {}, {"country": None}, {"country": "Atlantis"}])
def test_a_phone_without_a_known_country_is_kept(address: Any) -> None:
    customer, remarks = tidied(phone="0712 345 678", **({} if address is UNSET else {"address": address}))
    assert customer.phone == "0712 345 678"
    assert remarks[-1][0] == "$.phone"
    assert "the country is unknown" in remarks[-1][1]


def test_choices_in_another_case_are_known() -> None:
    customer, remarks = tidied(
        status="Active",
        businesses=[{"status": "ARCHIVED"}],
        payment_methods=[{"type": "Mobile Money", "status": "Active"}],
    )
    assert customer.status == "active"
    assert customer.businesses == [PaymentsBusiness(status="archived")]
    assert customer.payment_methods == [PaymentsMethod(type="mobile_money", status="active")]
    assert ("$.status", "“Active” was changed to active.") in remarks
    assert {path for path, _ in remarks} == {
        *("$.status", "$.businesses[0].status", "$.payment_methods[0].type", "$.payment_methods[0].status")
    }


def test_an_unusual_status_of_a_part_is_kept() -> None:
    customer, remarks = tidied(payment_methods=[{"status": "Expired"}])
    assert customer.payment_methods == [PaymentsMethod(status="Expired")]
    assert remarks == []


def test_a_time_without_zone_is_utc() -> None:
    customer, remarks = tidied(
        created_at="2024-08-26T12:15:00", addresses=[{"updated_at": "2024-08-26 12:15:00.5"}]
    )
    assert json.loads(encode(customer))["created_at"] == "2024-08-26T12:15:00.000Z"
    assert to_plain(customer)["addresses"] == [{"updated_at": "2024-08-26T12:15:00.500Z"}]
    told = "The time has no zone. It was read as UTC."
    assert remarks == [("$.created_at", told), ("$.addresses[0].updated_at", told)]


def test_a_time_in_another_zone_is_the_same_instant_and_keeps_its_milliseconds() -> None:
    customer, remarks = tidied(created_at="2024-08-26T15:15:00.1239+03:00", updated_at="2024-08-26T12:15Z")
    assert customer.created_at == datetime(2024, 8, 26, 12, 15, 0, 123000, tzinfo=UTC)
    assert to_plain(customer)["created_at"] == "2024-08-26T12:15:00.123Z"
    assert to_plain(customer)["updated_at"] == "2024-08-26T12:15:00.000Z"
    assert remarks == []


def test_facts_that_are_not_of_the_type_are_left_out() -> None:
    customer, remarks = tidied(
        payment_methods=[{"type": "card", "brand": None, "provider": "Example Money", "phone": None}]
    )
    assert customer.payment_methods == [PaymentsMethod(type="card", brand=None)]
    assert remarks == [
        ("$.payment_methods[0].provider", "A payment method of type card has none, so it was left out.")
    ]


def test_a_payment_method_of_unknown_type_keeps_its_facts() -> None:
    customer, _ = tidied(payment_methods=[{"id": "x", "brand": "visa", "phone": None}])
    assert customer.payment_methods == [PaymentsMethod(id="x", brand="visa", phone=None)]


def test_a_rendered_payment_method_has_the_keys_of_its_type() -> None:
    facts = dict.fromkeys(
        ("brand", "last4", "exp_month", "exp_year", "provider", "phone", "bank_name", "country")
    )
    method = PaymentsMethod(id="x", customer_id="y", type="card", is_default=True, status="active", **facts)
    common = {"id": "x", "customer_id": "y", "type": "card", "is_default": True, "status": "active"}
    assert to_plain(method) == common | dict.fromkeys(("brand", "last4", "exp_month", "exp_year"))


@pytest.mark.parametrize("key", ["addresses", "businesses", "payment_methods"])
def test_an_exact_repetition_is_left_out(key: str) -> None:
    customer, remarks = tidied(**{key: [{"id": "a"}, {"id": "b"}, {"id": "a"}, {}, {}]})
    assert [part.id for part in getattr(customer, key)] == ["a", "b", UNSET, UNSET]
    assert remarks == [(f"$.{key}[2]", "“a” is already in this list, so it was left out.")]


def test_a_part_of_another_customer_is_taken_as_this_one_s() -> None:
    customer, remarks = tidied(businesses=[{"customer_id": "cus_other"}])
    assert customer.businesses == [PaymentsBusiness(customer_id=ID)]
    assert [path for path, _ in remarks] == ["$.businesses[0].customer_id"]


def test_a_contact_without_email_has_null() -> None:
    customer, _ = tidied(
        businesses=[{"contacts": [{"name": "Jane", "email": ""}, {"email": " j@example.com"}]}]
    )
    assert customer.businesses == [
        PaymentsBusiness(
            contacts=[
                PaymentsBusinessContact(name="Jane", email=None),
                PaymentsBusinessContact(name=None, email="j@example.com"),
            ]
        )
    ]


def test_numbers_in_custom_data_are_as_json_shows_them() -> None:
    value = read_value('{"id": "1", "custom_data": {"a": 1.0, "b": [0.1, 1e3]}}')
    customer, _ = parse_customer(value)
    assert encode(customer.custom_data) == b'{"a":1,"b":[0.1,1000]}'


@pytest.mark.parametrize("known_by", [{"id": "1"}, {"email": "jane@example.com"}])
def test_an_id_or_an_email_is_enough(known_by: dict[str, Any]) -> None:
    assert read(known_by) == (PaymentsCustomer(**known_by), [])


@pytest.mark.parametrize("nobody", [{}, {"name": "Jane"}, {"id": "", "email": None}, {"id": " "}])
def test_a_customer_without_id_and_email_is_refused(nobody: dict[str, Any]) -> None:
    refused = refusal(nobody)
    assert refused.path == "$"
    assert refused.reason.startswith("The customer has neither an id nor an email.")


@pytest.mark.parametrize("value", [None, 5, "x", [], [SEED]])
def test_what_is_no_object_is_refused(value: object) -> None:
    assert refusal(value).path == "$"


@pytest.mark.parametrize(
    ("keys", "expected", "path", "text"),
    [
        ({"id": 7}, {"id": "7"}, "$.id", "7 was read as “7”."),
        (
            {"custom_data": []},
            {"custom_data": {}},
            "$.custom_data",
            "An empty list was read as an empty object.",
        ),
        ({"address": []}, {"address": None}, "$.address", "An empty list was read as null."),
        (
            {"businesses": {}},
            {"businesses": []},
            "$.businesses",
            "An empty object was read as an empty list.",
        ),
        (
            {"created_at": 1724674500000},
            {"created_at": "2024-08-26T12:15:00.000Z"},
            "$.created_at",
            "1724674500000 was read as “2024-08-26T12:15:00.000Z”.",
        ),
        (
            {"created_at": "1724674500"},
            {"created_at": "2024-08-26T12:15:00.000Z"},
            "$.created_at",
            "“1724674500” was read as “2024-08-26T12:15:00.000Z”.",
        ),
        (
            {"address": {"postal_code": 62701}},
            {"address": {"postal_code": "62701"}},
            "$.address.postal_code",
            "62701 was read as “62701”.",
        ),
        (
            {"payment_methods": [{"exp_month": "07"}]},
            {"payment_methods": [{"exp_month": 7}]},
            "$.payment_methods[0].exp_month",
            "“07” was read as 7.",
        ),
        (
            {"addresses": [{}, {"is_default": "yes"}]},
            {"addresses": [{}, {"is_default": True}]},
            "$.addresses[1].is_default",
            "“yes” was read as true.",
        ),
    ],
)
def test_what_can_only_mean_one_thing_is_read(
    keys: dict[str, Any], expected: dict[str, Any], path: str, text: str
) -> None:
    customer, remarks = tidied(**keys)
    assert to_plain(customer) == {"id": ID, **expected}
    assert remarks == [(path, text)]


def test_keys_may_be_in_camel_case() -> None:
    customer, remarks = tidied(createdAt="", customData={"a": 1}, addresses=[{"postalCode": 62701}])
    assert to_plain(customer) == {
        "id": ID,
        "created_at": None,
        "custom_data": {"a": 1},
        "addresses": [{"postal_code": "62701"}],
    }
    assert [path for path, _ in remarks] == ["$.createdAt", "$.addresses[0].postalCode"]


def test_a_default_that_is_not_the_first_and_a_second_item_with_an_id_are_left_out() -> None:
    customer, remarks = tidied(
        addresses=[{"is_default": True}, None, {"is_default": True}],
        businesses=[{"id": "a"}, {"id": "a", "name": "b"}],
    )
    assert to_plain(customer)["addresses"] == [{"is_default": True}, {"is_default": False}]
    assert to_plain(customer)["businesses"] == [{"id": "a"}]
    assert [remark for remark in remarks if remark[0] != "$.addresses[1]"] == [
        (
            "$.addresses[2].is_default",
            "More than one of the addresses is the default. The first one was used.",
        ),
        ("$.businesses[1]", "“a” is already in this list with other values, so it was left out."),
    ]


def test_a_word_that_is_not_known_is_left_empty() -> None:
    customer, remarks = tidied(status="blocked", payment_methods=[{"type": "cash"}])
    assert to_plain(customer) == {"id": ID, "status": None, "payment_methods": [{"type": None}]}
    assert remarks == [
        ("$.status", "“blocked” is not one of active, inactive, suspended. It was left empty."),
        (
            "$.payment_methods[0].type",
            "“cash” is not one of card, mobile_money, bank_account. It was left empty.",
        ),
    ]


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ({"name": ["Jane"]}, "$.name"),
        ({"email": {}}, "$.email"),
        ({"address": "123 Main St"}, "$.address"),
        ({"payment_method": {"id": "x"}}, "$.payment_method"),
        ({"created_at": ""}, "$.created_at"),
        ({"created_at": "yesterday"}, "$.created_at"),
        ({"created_at": "2024-02-30T00:00:00Z"}, "$.created_at"),
        ({"created_at": "1970-01-01T23:59:59.999Z"}, "$.created_at"),
        ({"created_at": "2200-01-01T00:00:00.001Z"}, "$.created_at"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "$.updated_at"),
        ({"custom_data": ["gold"]}, "$.custom_data"),
        ({"addresses": "x"}, "$.addresses"),
        ({"addresses": [None]}, "$.addresses[0]"),
        ({"addresses": [{}, {"is_default": "maybe"}]}, "$.addresses[1].is_default"),
        ({"businesses": [{"contacts": [{}, {"email": []}]}]}, "$.businesses[0].contacts[1].email"),
        ({"payment_methods": [{"exp_month": 13}]}, "$.payment_methods[0].exp_month"),
        ({"payment_methods": [{"exp_year": 0}]}, "$.payment_methods[0].exp_year"),
        ({"payment_methods": [{"exp_month": "7-8"}]}, "$.payment_methods[0].exp_month"),
        ({"payment_methods": [{"last4": "424"}]}, "$.payment_methods[0].last4"),
        ({"payment_methods": [{"last4": "••42"}]}, "$.payment_methods[0].last4"),
        ({"payment_methods": [{"last4": "٤٢٤٢"}]}, "$.payment_methods[0].last4"),
    ],
)
def test_what_cannot_be_read_is_left_empty_with_its_place(keys: dict[str, Any], path: str) -> None:
    customer, remarks = read({"id": ID, **keys, "custom_data": keys.get("custom_data", {"a": 1})})
    assert [(remark.path, remark.kind) for remark in remarks] == [(path, RemarkKind.UNREADABLE)]
    assert remarks[0].text.endswith((" was left empty.", " was left out."))
    assert customer.id == ID
    assert "custom_data" in keys or customer.custom_data == {"a": 1}


@pytest.mark.parametrize(
    ("keys", "path", "reason"),
    [
        ({"email": "a" * 321}, "$.email", "321 characters are too many. Use at most 320."),
        (
            {"addresses": [{"id": "a" * 256}]},
            "$.addresses[0].id",
            "256 characters are too many. Use at most 255.",
        ),
    ],
)
def test_a_refusal_says_what_to_do(keys: dict[str, Any], path: str, reason: str) -> None:
    refused = refusal({"id": ID, **keys})
    assert (refused.path, refused.reason) == (path, reason)
    assert not refused.is_secret


def test_an_identifier_may_be_as_long_as_the_database_holds() -> None:
    assert read({"id": "a" * 255})[0].id == "a" * 255
    assert refusal({"id": "a" * 256}).path == "$.id"


def test_a_full_card_number_is_refused_before_anything_else() -> None:
    refused = refusal({"name": 7, "payment_methods": [{"brand": "4242424242424242"}]})
    assert refused.path == "$.payment_methods[0].brand"
    assert refused.is_secret
    assert "4242" not in str(refused)


def test_the_schema_says_which_keys_are_always_there() -> None:
    _, components = json_schema([PaymentsCustomer], "#/components/schemas/{name}")
    assert set(components) == {
        *("PaymentsCustomer", "PostalAddress", "PaymentsAddress", "PaymentsBusiness"),
        *("PaymentsBusinessContact", "PaymentsMethod"),
    }
    assert components["PaymentsCustomer"]["required"] == list(SEED)
    assert set(components["PaymentsCustomer"]["properties"]) == set(EXPORTED)
    assert set(components["PostalAddress"]["required"]) == {*strategies_payments.POSTAL_KEYS}
    assert set(components["PaymentsAddress"]["required"]) == set(ADDRESS)
    assert set(components["PaymentsBusiness"]["required"]) == set(BUSINESS)
    assert components["PaymentsBusinessContact"]["required"] == ["name", "email"]
    always = {"id", "customer_id", "type", "is_default", "status"}
    assert set(components["PaymentsMethod"]["required"]) == always
    assert set(components["PaymentsMethod"]["properties"]) == set(CARD) | set(MOBILE_MONEY) | set(
        BANK_ACCOUNT
    )
    assert components["PaymentsCustomer"]["properties"]["status"]["anyOf"][0]["enum"] == [
        *("active", "inactive", "suspended")
    ]
