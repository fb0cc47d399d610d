"""The crm document: what is read, what is refused, that it comes back as it came, in both key styles."""

import json
from typing import Any, Literal

import pytest
from glean.api_client import models as glean
from hypothesis import HealthCheck, given, settings
from msgspec import UNSET

from crm.document.import_merged import nested_ids
from crm.document.schema import (
    CrmCompany,
    CrmCustomDataValue,
    CrmCustomer,
    CrmCustomerMetadata,
    CrmPerson,
    CrmPersonMetadata,
    encode_customer,
    parse_customer,
    to_plain,
    trim,
)
from customers.ingest.reader import MAX_DEPTH, read_value
from customers.json_types import IsoDate, Refused, Remark, RemarkKind, json_schema
from customers.json_types.keys import with_keys
from tests import strategies_crm
from tests.examples import examples

MANAGER = {
    "name": "Max Manager",
    "obfuscated_id": "p-2",
    "metadata": {
        "type": "NON_EMPLOYEE",
        "manager": {"name": "Chris Chief", "obfuscated_id": "p-3"},
    },
}
PERSON: dict[str, Any] = {
    "name": "Jane Doe",
    "obfuscated_id": "p-1",
    "metadata": {
        "type": "FULL_TIME",
        "first_name": "Jane",
        "last_name": "Doe",
        "title": "CIO",
        "business_unit": "Operations",
        "department": "IT",
        "email": "jane.doe@example.com",
        "alias_emails": ["jane@example.com", "j.doe@example.com"],
        "location": "Dodoma",
        "phone": "+1 555 0100",
        "timezone": "East Africa Time",
        "photo_url": "data:image/png;base64,iVBORw0KGgo=",
        "start_date": "2019-02-01",
        "end_date": "2030-12-31",
        "bio": "Runs the machines.",
        "pronoun": "She/her",
        "preferred_name": "Jay",
        "social_network": [
            {"name": "linkedin", "profile_url": "https://example.com/in/jane"},
            {
                "name": "twitter",
                "profile_url": "https://example.com/jane",
                "profile_name": "@jane",
                "icon_url": "https://example.com/icon.png",
            },
        ],
        "manager": MANAGER,
    },
    "related_documents": [
        {
            "relation": "CASE",
            "associatedEntityId": "acme-1",
            "querySuggestion": {"query": "acme", "label": "Cases"},
        }
    ],
}
FULL: dict[str, Any] = {
    "id": "acme-1",
    "company": {
        "name": "Acme Example Ltd",
        "profile_url": "https://crm.example.com/acme",
        "website_urls": ["https://www.example.com/", "http://shop.example.com/?a=b"],
        "logo_url": "https://www.example.com/logo.svg",
        "location": "Dodoma, Tanzania",
        "phone": "+1 555 0100",
        "fax": "+1 555 0101",
        "industry": "Machines",
        "annual_revenue": 12345678.9,
        "number_of_employees": 250,
        "stock_symbol": "ACME",
        "founded_date": "1999-12-31",
        "about": "They make things.",
    },
    "domains": ["example.com", "shop.example.com"],
    "document_counts": {"sales_call": 3, "supportTicket": 0},
    "poc": [PERSON, {"name": "", "obfuscated_id": "p-4"}],
    "metadata": {
        "datasource_id": "0015000000abcde",
        "custom_data": {
            "account_tier": {"display_label": "Tier", "string_value": "Gold"},
            "Products in use": {"string_list_value": ["one", "two"]},
            "seatCount": {"number_value": 12.5},
            "isPublic": {"boolean_value": False},
            "nothing": {},
        },
    },
    "merged_customers": [
        {
            "id": "acme-2",
            "company": {"name": "Acme Old"},
            "merged_customers": [
                {"id": "acme-3", "company": {"name": "Acme Older"}, "start_date": "1970-01-01"}
            ],
        },
        {"id": "acme-4", "company": {"name": "Acme Other"}, "notes": "Came along."},
    ],
    "start_date": "2024-08-26",
    "contract_annual_revenue": 120000,
    "notes": "CIO is interested in trying out the product.",
}
MINIMAL = {"id": "1", "company": {"name": "Acme"}}


def read(payload: object) -> tuple[CrmCustomer, list[Remark]]:
    """What becomes of `payload` on its way through JSON text and the strict reader."""
    return parse_customer(read_value(json.dumps(payload)))


def refusal(payload: object) -> Refused:
    with pytest.raises(Refused) as refused:
        read(payload)
    return refused.value


def with_poc(**keys: Any) -> dict[str, Any]:
    return {**MINIMAL, "poc": [{"name": "Jane", "obfuscated_id": "p", **keys}]}


def sent(customer: CrmCustomer, case: Literal["snake", "camel"] = "snake") -> Any:
    return json.loads(encode_customer(customer, case))


def as_the_client_sees_it(payload: dict[str, Any]) -> Any:
    customer, _ = read(payload)
    seen = glean.Customer.model_validate(to_plain(customer, case="camel"))
    return seen.model_dump(by_alias=True, mode="json", exclude_unset=True)


@pytest.mark.parametrize("payload", [FULL, MINIMAL])
def test_a_document_comes_back_equal(payload: dict[str, Any]) -> None:
    customer, remarks = read(payload)
    assert sent(customer) == payload
    assert json.loads(json.dumps(to_plain(customer), default=float)) == payload
    assert remarks == []


def test_a_document_in_camel_case_is_the_same_document() -> None:
    customer, _ = read(FULL)
    camel = sent(customer, "camel")
    assert camel["contractAnnualRevenue"] == 120000
    assert camel["company"]["numberOfEmployees"] == 250
    assert camel["poc"][0]["metadata"]["aliasEmails"] == ["jane@example.com", "j.doe@example.com"]
    assert camel["poc"][0]["metadata"]["manager"]["obfuscatedId"] == "p-2"
    assert camel["metadata"]["customData"]["account_tier"] == {"displayLabel": "Tier", "stringValue": "Gold"}
    assert camel["documentCounts"] == FULL["document_counts"]
    assert camel["poc"][0]["relatedDocuments"] == PERSON["related_documents"]
    assert camel["mergedCustomers"][0]["mergedCustomers"][0]["startDate"] == "1970-01-01"
    assert read(camel) == (customer, [])


def test_the_public_client_reads_every_field() -> None:
    customer, _ = read(FULL)
    assert as_the_client_sees_it(FULL) == sent(customer, "camel")


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies_crm.customers(related=False))
def test_the_public_client_loses_nothing(payload: dict[str, Any]) -> None:
    assert as_the_client_sees_it(payload) == with_keys(CrmCustomer, payload, "camel")


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies_crm.customers())
def test_any_document_comes_back_equal(payload: dict[str, Any]) -> None:
    customer, remarks = read(payload)
    assert remarks == []
    assert sent(customer) == payload
    assert read(sent(customer, "camel")) == (customer, [])
    assert parse_customer(read_value(encode_customer(customer)))[0] == customer


def test_absent_and_empty_are_told_apart() -> None:
    optional = [name for name in CrmCustomer.__struct_fields__ if name not in MINIMAL]
    absent, _ = read(MINIMAL)
    assert {getattr(absent, name) for name in optional} == {UNSET}
    null, _ = read({**MINIMAL, **dict.fromkeys(optional)})
    assert {getattr(null, name) for name in optional} == {None}
    emptied, _ = read({**MINIMAL, "poc": [], "domains": [], "document_counts": {}, "notes": ""})
    assert (emptied.poc, emptied.domains, emptied.document_counts, emptied.notes) == ([], [], {}, None)


def test_what_is_empty_is_left_out() -> None:
    empty: dict[str, Any] = {
        "id": "1",
        "company": {"name": "Acme", "website_urls": [], "about": "", "annual_revenue": None},
        "domains": [],
        "poc": [],
        **dict.fromkeys(("merged_customers", "start_date")),
        "document_counts": {},
        "metadata": {"datasource_id": None, "custom_data": {}},
        "notes": "",
    }
    customer, _ = read(empty)
    assert sent(customer) == MINIMAL
    assert sent(customer, "camel") == MINIMAL
    assert trim(customer) == CrmCustomer(id="1", company=CrmCompany(name="Acme"))


def test_zero_and_false_are_not_empty() -> None:
    customer, _ = read(
        {
            **MINIMAL,
            "contract_annual_revenue": 0,
            "document_counts": {"call": 0},
            "metadata": {"custom_data": {"a": {"number_value": 0, "boolean_value": False}}},
        }
    )
    assert sent(customer) == {
        **MINIMAL,
        "contract_annual_revenue": 0,
        "document_counts": {"call": 0},
        "metadata": {"custom_data": {"a": {"number_value": 0, "boolean_value": False}}},
    }


def test_trimming_leaves_the_document_and_free_forms_alone() -> None:
    document = CrmCustomer(
        id="1",
        company=CrmCompany(name="", about=""),
        poc=[
            CrmPerson(name="", obfuscated_id="p", metadata=CrmPersonMetadata(), related_documents=[{"a": []}])
        ],
        metadata=CrmCustomerMetadata(custom_data={"a": CrmCustomDataValue(string_value=None)}),
    )
    assert to_plain(document) == {
        "id": "1",
        "company": {"name": ""},
        "poc": [{"name": "", "obfuscated_id": "p", "related_documents": [{"a": []}]}],
        "metadata": {"custom_data": {"a": {}}},
    }
    assert document.company.about == ""


def test_ids_are_trimmed_and_nothing_else() -> None:
    payload = {"id": " 1", "company": {"name": " Acme "}, "metadata": {"datasource_id": "x "}, "notes": " n "}
    customer, remarks = read(payload)
    assert (customer.id, customer.company.name, customer.notes) == ("1", " Acme ", " n ")
    assert customer.metadata == CrmCustomerMetadata(datasource_id="x")
    assert [remark.path for remark in remarks] == ["$.id", "$.metadata.datasource_id"]


def test_emails_keep_their_letter_case_and_lose_what_is_around_them() -> None:
    received = {"email": " Jane@Example.COM", "alias_emails": ["not an address", "", "<j@example.com>"]}
    customer, remarks = read(with_poc(metadata=received))
    assert sent(customer)["poc"][0]["metadata"] == {
        "email": "Jane@Example.COM",
        "alias_emails": ["not an address", "", "j@example.com"],
    }
    assert remarks == [
        Remark("$.poc[0].metadata.email", "The spaces around it were removed."),
        Remark("$.poc[0].metadata.alias_emails[2]", "“<j@example.com>” was changed to j@example.com."),
    ]


def test_links_get_a_scheme() -> None:
    company = {
        "name": "A",
        "website_urls": ["www.a.example", "https://b.example"],
        "profile_url": "//a.example/p",
    }
    customer, remarks = read({"id": "1", "company": company})
    assert customer.company.website_urls == ["https://www.a.example", "https://b.example"]
    assert customer.company.profile_url == "https://a.example/p"
    assert {remark.path for remark in remarks} == {"$.company.website_urls[0]", "$.company.profile_url"}


def test_domains_have_one_form() -> None:
    received = ["www.Acme.example", "https://acme.example/", "xn--mnchen-3ya.example", "localhost"]
    customer, remarks = read({**MINIMAL, "domains": received})
    assert customer.domains == ["acme.example", "münchen.example", "localhost"]
    assert remarks == [
        Remark("$.domains[0]", "“www.Acme.example” was changed to acme.example."),
        Remark("$.domains[1]", "“acme.example” is in the list already, so it was left out."),
        Remark("$.domains[2]", "“xn--mnchen-3ya.example” was changed to münchen.example."),
        Remark("$.domains[3]", "“localhost” is not a domain. It was kept."),
    ]


@pytest.mark.parametrize("spelled", ["full_time", "Full-Time", "full time"])
def test_a_type_of_person_in_another_case_is_known(spelled: str) -> None:
    customer, remarks = read(with_poc(metadata={"type": spelled}))
    assert sent(customer)["poc"][0]["metadata"] == {"type": "FULL_TIME"}
    assert remarks == [Remark("$.poc[0].metadata.type", f"“{spelled}” was changed to FULL_TIME.")]


@pytest.mark.parametrize("moment", ["2024-08-26", "2024-08-26T12:15:00.000Z", "2024-08-26T23:59:59-11:00"])
def test_a_date_may_come_with_a_time_of_day(moment: str) -> None:
    customer, _ = read({**MINIMAL, "start_date": moment})
    assert customer.start_date == IsoDate(2024, 8, 26)
    assert sent(customer)["start_date"] == "2024-08-26"


@pytest.mark.parametrize("written", ["250", "250.0", "2.5e2"])
def test_a_whole_number_may_be_written_as_a_fraction(written: str) -> None:
    company = f'{{"name": "A", "numberOfEmployees": {written}}}'
    text = f'{{"id": "1", "company": {company}, "document_counts": {{"a": {written}}}}}'
    customer, _ = parse_customer(read_value(text))
    assert encode_customer(customer) == (
        b'{"id":"1","company":{"name":"A","number_of_employees":250},"document_counts":{"a":250}}'
    )


def test_numbers_keep_their_digits() -> None:
    text = '{"id": "1", "company": {"name": "A", "annual_revenue": 19.990}, "contract_annual_revenue": 1e3}'
    customer, _ = parse_customer(read_value(text))
    assert encode_customer(customer) == (
        b'{"id":"1","company":{"name":"A","annual_revenue":19.99},"contract_annual_revenue":1000}'
    )


def test_domains_are_there_once() -> None:
    customer, remarks = read(
        {**MINIMAL, "domains": ["b.example.com", " a.example.com", "", "b.example.com "]}
    )
    assert customer.domains == ["b.example.com", "a.example.com"]
    assert remarks == [
        Remark("$.domains[1]", "“ a.example.com” was changed to a.example.com."),
        Remark("$.domains[2]", "This is empty, so it was left out."),
        Remark("$.domains[3]", "“b.example.com” is in the list already, so it was left out."),
    ]


def test_the_same_contact_twice_is_there_once() -> None:
    jane, max_ = {"name": "Jane", "obfuscated_id": "p"}, {"name": "Max", "obfuscatedId": "q"}
    customer, remarks = read({**MINIMAL, "poc": [jane, max_, {"name": "Jane", "obfuscatedId": "p "}]})
    assert [person["name"] for person in sent(customer)["poc"]] == ["Jane", "Max"]
    assert remarks == [
        Remark("$.poc[2].obfuscatedId", "The spaces around it were removed."),
        Remark("$.poc[2]", "“p” is in this list already, so it was left out."),
    ]


def test_the_same_contact_at_two_merged_customers_is_fine() -> None:
    jane = {"name": "Jane", "obfuscated_id": "p"}
    payload = {**MINIMAL, "poc": [jane], "merged_customers": [{**MINIMAL, "id": "2", "poc": [jane]}]}
    customer, remarks = read(payload)
    assert sent(customer) == payload
    assert remarks == []


def test_nobody_is_above_themselves() -> None:
    jane = {"name": "Jane", "obfuscated_id": "p"}
    boss = {"name": "Boss", "obfuscated_id": "b", "metadata": {"title": "CEO", "manager": jane}}
    customer, remarks = read(with_poc(metadata={"manager": boss}))
    assert sent(customer)["poc"][0]["metadata"]["manager"]["metadata"] == {"title": "CEO"}
    assert remarks == [
        Remark(
            "$.poc[0].metadata.manager.metadata.manager",
            "“p” can't be their own manager, so the manager was left out.",
        )
    ]


def test_customers_and_managers_nest_as_deep_as_the_reader_goes() -> None:
    levels = (MAX_DEPTH - 2) // 2
    chain: dict[str, Any] = {"id": f"{levels}", "company": {"name": "Acme"}}
    for level in reversed(range(levels)):
        chain = {"id": f"{level}", "company": {"name": "Acme"}, "merged_customers": [chain]}
    customer, _ = read(chain)
    assert sent(customer) == chain
    assert read(sent(customer, "camel"))[0] == customer

    person: dict[str, Any] = {"name": "x", "obfuscated_id": "top"}
    for level in range((MAX_DEPTH - 4) // 2):
        person = {"name": "x", "obfuscated_id": f"{level}", "metadata": {"manager": person}}
    assert sent(read({**MINIMAL, "poc": [person]})[0]) == {**MINIMAL, "poc": [person]}


@pytest.mark.parametrize(
    ("merged", "path"),
    [
        ([{"id": "1"}], "$.merged_customers[0].id"),
        ([{"id": "2"}, {"id": "2 "}], "$.merged_customers[1].id"),
        (
            [{"id": "2", "merged_customers": [{"id": "3"}, {"id": "1"}]}],
            "$.merged_customers[0].merged_customers[1].id",
        ),
        (
            [{"id": "2", "mergedCustomers": [{"id": "3"}, {"id": "2"}]}],
            "$.merged_customers[0].mergedCustomers[1].id",
        ),
    ],
)
def test_a_customer_that_is_in_a_document_already_is_left_out(
    merged: list[dict[str, Any]], path: str
) -> None:
    def complete(customer: dict[str, Any]) -> dict[str, Any]:
        inner = {
            key: [complete(each) for each in value] if isinstance(value, list) else value
            for key, value in customer.items()
        }
        return {"company": {"name": "Acme"}, **inner}

    customer, remarks = read(complete({"id": "1", "merged_customers": merged}))
    (found,) = [remark for remark in remarks if "spaces" not in remark.text]
    assert found.path == path
    assert found.text.endswith("is in this document already, so it was left out.")
    ids = [customer.id, *nested_ids(customer)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("payload", "path", "reason"),
    [
        ({"company": {"name": "A"}}, "$.id", "Add the required key `id`."),
        ({**MINIMAL, "id": " "}, "$.id", "A customer must have an id."),
        ({**MINIMAL, "id": []}, "$.id", "Expected `str`, got `array`."),
        (
            {**MINIMAL, "id": "a" * 256},
            "$.id",
            "256 characters are too many. Use at most 255.",
        ),
        (
            {**MINIMAL, "domains": ["a", "b" * 256]},
            "$.domains[1]",
            "256 characters are too many. Use at most 255.",
        ),
        (
            {**MINIMAL, "metadata": {"customData": {"k" * 256: {}}}},
            f"$.metadata.customData.{'k' * 256}",
            "256 characters are too many. Use at most 255.",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(payload: dict[str, Any], path: str, reason: str) -> None:
    refused = refusal(payload)
    assert (refused.path, refused.reason) == (path, reason)


@pytest.mark.parametrize(
    ("keys", "expected", "path", "text"),
    [
        (
            {"company": UNSET},
            {"company": {"name": ""}},
            "$.company",
            "Add the required key `company`. It was left empty.",
        ),
        ({"company": {"about": "x"}}, {"company": {"name": "", "about": "x"}}, "$.company.name", None),
        ({"company": {"name": " "}}, {"company": {"name": ""}}, "$.company.name", None),
        ({"poc": [{"name": "Jane"}]}, {}, "$.poc[0].obfuscated_id", None),
        ({"poc": [{"name": "Jane", "obfuscated_id": " "}]}, {}, "$.poc[0].obfuscated_id", None),
        (
            {"poc": [{"obfuscatedId": "p"}]},
            {"poc": [{"name": "", "obfuscated_id": "p"}]},
            "$.poc[0].name",
            "Add the required key `name`. It was left empty.",
        ),
        (
            {"poc": [{"name": "a", "obfuscatedId": "p"}, {"name": "b", "obfuscatedId": "p"}]},
            {"poc": [{"name": "a", "obfuscated_id": "p"}]},
            "$.poc[1]",
            "“p” is in this list already with other values, so it was left out.",
        ),
        (
            {"poc": [{"name": "a", "obfuscated_id": "p", "metadata": {"type": "TEMP"}}]},
            {"poc": [{"name": "a", "obfuscated_id": "p", "metadata": {"type": "TEMP"}}]},
            "$.poc[0].metadata.type",
            "“TEMP” is not one of FULL_TIME, CONTRACTOR, NON_EMPLOYEE, FORMER_EMPLOYEE. It was kept.",
        ),
        (
            {"start_date": "2024-08-26", "startDate": "2025-01-01"},
            {"start_date": "2024-08-26"},
            "$.startDate",
            None,
        ),
        ({"id": 7}, {"id": "7"}, "$.id", "7 was read as “7”."),
        (
            {"company": {"name": "A", "numberOfEmployees": "12000"}},
            {"company": {"name": "A", "number_of_employees": 12000}},
            "$.company.numberOfEmployees",
            "“12000” was read as 12000.",
        ),
        ({"start_date": 1724630400000}, {"start_date": "2024-08-26"}, "$.start_date", None),
        ({"metadata": []}, {}, "$.metadata", "An empty list was read as null."),
        (
            {"metadata": {"custom_data": {"a": {}, "b": {"number_value": "1"}}}},
            {"metadata": {"custom_data": {"a": {}, "b": {"number_value": 1}}}},
            "$.metadata.custom_data.b.number_value",
            None,
        ),
        (
            {"company": {"name": "A", "website_urls": ["mailto:a@a.example", "www.a.example"]}},
            {"company": {"name": "A", "website_urls": ["https://www.a.example"]}},
            "$.company.website_urls[0]",
            None,
        ),
    ],
)
def test_what_is_doubtful_costs_no_more_than_itself(
    keys: dict[str, Any], expected: dict[str, Any], path: str, text: str | None
) -> None:
    payload = {key: value for key, value in {**MINIMAL, **keys}.items() if value is not UNSET}
    customer, remarks = read(payload)
    assert sent(customer) == {**MINIMAL, **expected}
    assert path in {remark.path for remark in remarks}
    assert text is None or text in {remark.text for remark in remarks}


def test_a_place_behind_an_item_that_was_left_out_is_that_of_the_file() -> None:
    company = {"name": "A", "website_urls": ["mailto:a@a.example", 5, "https://b.example", "www.a.example"]}
    _, remarks = read({**MINIMAL, "company": company, "poc": [None, {"name": " ", "obfuscated_id": "p"}]})
    assert [remark.path for remark in remarks] == [
        *("$.company.website_urls[0]", "$.company.website_urls[1]", "$.poc[0]"),
        *("$.company.website_urls[3]", "$.poc[1].name"),
    ]


@pytest.mark.parametrize("value", [None, 5, "x", [], [MINIMAL]])
def test_what_is_no_object_is_refused(value: object) -> None:
    assert refusal(value).path == "$"


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ({"company": None}, "$.company"),
        ({"company": "Acme"}, "$.company"),
        ({"company": {"name": "A", "numberOfEmployees": "51-200"}}, "$.company.numberOfEmployees"),
        ({"contract_annual_revenue": "12.000"}, "$.contract_annual_revenue"),
        ({"start_date": ""}, "$.start_date"),
        ({"start_date": "2024-02-30"}, "$.start_date"),
        ({"company": {"name": "A", "numberOfEmployees": -1}}, "$.company.numberOfEmployees"),
        ({"company": {"name": "A", "number_of_employees": 2.5}}, "$.company.number_of_employees"),
        ({"company": {"name": "A", "annualRevenue": -0.5}}, "$.company.annualRevenue"),
        ({"company": {"name": "A", "websiteUrls": ["/", "javascript:alert(1)"]}}, "$.company.websiteUrls[1]"),
        ({"company": {"name": "A", "logo_url": "data:text/html;base64,QQ=="}}, "$.company.logo_url"),
        ({"company": {"name": "A", "logo_url": "data:image/svg+xml;base64,QQ=="}}, "$.company.logo_url"),
        ({"company": {"name": "A", "profile_url": "data:image/png;base64,QQ=="}}, "$.company.profile_url"),
        ({"company": {"name": "A", "profile_url": 5}}, "$.company.profile_url"),
        ({"company": {"name": "A", "founded_date": "1999"}}, "$.company.founded_date"),
        ({"contract_annual_revenue": -1}, "$.contract_annual_revenue"),
        ({"contractAnnualRevenue": "1 or 2"}, "$.contractAnnualRevenue"),
        ({"contract_annual_revenue": True}, "$.contract_annual_revenue"),
        ({"contract_annual_revenue": 1e16}, "$.contract_annual_revenue"),
        ({"start_date": 1724674500000}, "$.start_date"),
        ({"notes": ["x"]}, "$.notes"),
        ({"domains": "example.com"}, "$.domains"),
        ({"documentCounts": {"a": 1, "b": -1, "c": 2}}, "$.documentCounts.b"),
        ({"document_counts": {"a b": 1.5}}, '$.document_counts["a b"]'),
        ({"document_counts": [1]}, "$.document_counts"),
        ({"poc": {"name": "Jane"}}, "$.poc"),
        ({"poc": [None]}, "$.poc[0]"),
        (
            {"metadata": {"custom_data": {"a": {}, "b": {"number_value": "one"}}}},
            "$.metadata.custom_data.b.number_value",
        ),
        ({"metadata": {"customData": {"b": {"booleanValue": 2}}}}, "$.metadata.customData.b.booleanValue"),
        ({"metadata": {"custom_data": {"a": "gold"}}}, "$.metadata.custom_data.a"),
        ({"merged_customers": [{"company": {"name": "B"}}]}, "$.merged_customers[0].id"),
    ],
)
def test_what_cannot_be_read_is_left_empty_with_its_place(keys: dict[str, Any], path: str) -> None:
    customer, (remark,) = read({**MINIMAL, "fax": "unknown", "domains": ["a.example"], **keys})
    assert (remark.path, remark.kind) == (path, RemarkKind.UNREADABLE)
    assert remark.text.endswith((" was left empty.", " was left out."))
    assert "domains" in keys or customer.domains == ["a.example"]


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"socialNetwork": [{"name": "x"}]}, "$.poc[0].metadata.socialNetwork[0].profile_url"),
        (
            {"social_network": [{"name": "x", "profile_url": "vbscript:x"}]},
            "$.poc[0].metadata.social_network[0].profile_url",
        ),
        ({"photoUrl": "data:text/html,x"}, "$.poc[0].metadata.photoUrl"),
        ({"alias_emails": [[]]}, "$.poc[0].metadata.alias_emails[0]"),
        ({"manager": {"name": "M"}}, "$.poc[0].metadata.manager.obfuscated_id"),
        ({"manager": "M"}, "$.poc[0].metadata.manager"),
    ],
)
def test_what_is_wrong_with_a_person_costs_that_alone(metadata: dict[str, Any], path: str) -> None:
    customer, (remark,) = read(with_poc(metadata={"title": "CIO", **metadata}))
    assert (remark.path, remark.kind) == (path, RemarkKind.UNREADABLE)
    assert sent(customer)["poc"][0]["metadata"]["title"] == "CIO"


def test_a_text_that_is_too_long_is_refused() -> None:
    assert refusal(with_poc(metadata={"email": "a" * 321})).path == "$.poc[0].metadata.email"


@pytest.mark.parametrize("documents", [{}, ["x"], [[]]])
def test_related_documents_are_a_list_of_objects(documents: object) -> None:
    customer, (remark,) = read(with_poc(related_documents=documents))
    assert remark.path.startswith("$.poc[0].related_documents")
    assert "x" not in str(sent(customer)["poc"][0].get("related_documents"))


def test_the_schema_describes_what_nests_in_itself() -> None:
    (schema,), components = json_schema([CrmCustomer], "#/components/schemas/{name}")
    assert schema == {"$ref": "#/components/schemas/CrmCustomer"}
    assert set(components) == {
        *("CrmCustomer", "CrmCompany", "CrmPerson", "CrmPersonMetadata", "CrmSocialNetwork"),
        *("CrmCustomerMetadata", "CrmCustomDataValue"),
    }
    assert components["CrmCustomer"]["required"] == ["id", "company"]
    assert components["CrmPerson"]["required"] == ["name", "obfuscated_id"]
    assert components["CrmSocialNetwork"]["required"] == ["name", "profile_url"]
    assert components["CrmCustomDataValue"]["required"] == []
    assert set(components["CrmCustomer"]["properties"]) == set(FULL)
    assert set(components["CrmCompany"]["properties"]) == set(FULL["company"])
    assert set(components["CrmPersonMetadata"]["properties"]) == set(PERSON["metadata"])
    merged = components["CrmCustomer"]["properties"]["merged_customers"]["anyOf"]
    assert {"type": "array", "items": {"$ref": "#/components/schemas/CrmCustomer"}} in merged
