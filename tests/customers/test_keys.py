"""The two styles of keys: which are renamed, which are not, and places named as the file spells them."""

from typing import Any

import pytest

from crm.document.schema import CrmCustomer, CrmPerson
from customers.json_types import Refused
from customers.json_types.keys import as_it_came, with_keys

CAMEL = {
    "id": "1",
    "documentCounts": {"sales_call": 1, "salesCall": 2},
    "metadata": {"datasourceId": "2", "customData": {"my_key": {"displayLabel": "a"}, "myKey": {}}},
    "poc": [
        {"obfuscatedId": "p", "relatedDocuments": [{"sourceId": 1, "source_id": 2}]},
        {"metadata": {"manager": {"obfuscatedId": "m"}, "socialNetwork": [{"profileUrl": "/"}]}},
    ],
    "mergedCustomers": [{"mergedCustomers": [{"startDate": "2024-08-26"}]}],
}
SNAKE = {
    "id": "1",
    "document_counts": {"sales_call": 1, "salesCall": 2},
    "metadata": {"datasource_id": "2", "custom_data": {"my_key": {"display_label": "a"}, "myKey": {}}},
    "poc": [
        {"obfuscated_id": "p", "related_documents": [{"sourceId": 1, "source_id": 2}]},
        {"metadata": {"manager": {"obfuscated_id": "m"}, "social_network": [{"profile_url": "/"}]}},
    ],
    "merged_customers": [{"merged_customers": [{"start_date": "2024-08-26"}]}],
}


def test_keys_of_the_document_are_renamed_and_free_ones_are_not() -> None:
    assert with_keys(CrmCustomer, CAMEL, "snake") == SNAKE
    assert with_keys(CrmCustomer, SNAKE, "camel") == CAMEL


def test_what_is_in_the_style_already_stays() -> None:
    assert with_keys(CrmCustomer, SNAKE, "snake") == SNAKE
    assert with_keys(CrmCustomer, CAMEL, "camel") == CAMEL


def test_the_styles_may_be_mixed() -> None:
    mixed = {"merged_customers": [{"startDate": 1, "contract_annual_revenue": 2}], "documentCounts": {}}
    assert with_keys(CrmCustomer, mixed, "snake") == {
        "merged_customers": [{"start_date": 1, "contract_annual_revenue": 2}],
        "document_counts": {},
    }


def test_unknown_keys_stay() -> None:
    value = {"timezoneIANA": "x", "someKey": {"startDate": 1}, "some_key": 2}
    assert with_keys(CrmCustomer, value, "snake") == value
    assert with_keys(CrmCustomer, value, "camel") == value


@pytest.mark.parametrize("value", [None, 5, "x", [], [SNAKE], {"poc": 5, "metadata": {"customData": [1]}}])
def test_what_is_of_the_wrong_kind_is_left_to_the_parser(value: Any) -> None:
    renamed = with_keys(CrmCustomer, value, "snake")
    assert renamed == value or renamed == {"poc": 5, "metadata": {"custom_data": [1]}}


def test_one_key_in_both_styles_is_refused() -> None:
    value = {"poc": [{"metadata": {"manager": {"obfuscated_id": "a", "obfuscatedId": "a"}}}]}
    with pytest.raises(Refused) as refused:
        with_keys(CrmCustomer, value, "snake")
    assert refused.value.path == "$.poc[0].metadata.manager.obfuscatedId"
    assert (
        refused.value.reason
        == "Keep one of the two spellings of this key: it is given in snake_case and in camelCase."
    )
    with pytest.raises(Refused) as refused:
        with_keys(CrmPerson, {"obfuscatedId": 1, "obfuscated_id": 1}, "camel", "$.x")
    assert refused.value.path == "$.x.obfuscated_id"


@pytest.mark.parametrize(
    ("path", "as_in_the_file"),
    [
        ("$", "$"),
        ("$.id", "$.id"),
        ("$.metadata.datasource_id", "$.metadata.datasourceId"),
        ("$.metadata.custom_data.my_key.display_label", "$.metadata.customData.my_key.displayLabel"),
        ("$.poc[1].metadata.social_network[0].profile_url", "$.poc[1].metadata.socialNetwork[0].profileUrl"),
        ("$.merged_customers[0].merged_customers[0].start_date", None),
        ("$.document_counts.sales_call", "$.documentCounts.sales_call"),
        ("$.poc[7].metadata.first_name", "$.poc[7].metadata.first_name"),
    ],
)
def test_a_place_is_named_as_the_file_spells_it(path: str, as_in_the_file: str | None) -> None:
    expected = as_in_the_file or "$.mergedCustomers[0].mergedCustomers[0].startDate"
    assert as_it_came(path, CAMEL) == expected
    assert as_it_came(path, SNAKE) == path


def test_a_place_under_a_strange_key_is_named() -> None:
    value = {"metadata": {"customData": {'a "b"\n.é': {"numberValue": 1}}}}
    path = '$.metadata.custom_data["a \\"b\\"\\n.\\u00e9"].number_value'
    assert as_it_came(path, value) == '$.metadata.customData["a \\"b\\"\\n.\\u00e9"].numberValue'
