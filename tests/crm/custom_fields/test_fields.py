"""A custom field from its definition on: a row on the page, a column, a filter, and a value that users enter."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.custom_fields.values import values_of
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from crm.desk.segments.filter import BadValue, FilterContext
from crm.desk.segments.query import Query
from crm.desk.segments.saved import save_segment
from crm.desk.spreadsheets.columns import columns_for, rows_of
from crm.models import FieldDefinition, FieldFacts, FieldValue, Preferences
from customers import clock
from customers.models import Customer
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.billing.sheets.acts import confirm, lines, problem, signed_in, toast
from tests.desk import refresh_all_facts
from tests.factories import (
    make_billing_account,
    make_custom_field,
    make_customer,
    make_field_definition,
    make_field_value,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/desk/customers/"


def field_of(origin: str, kind: str = "text", **more: Any) -> FieldDefinition:
    return make_field_definition(
        **{"origin": origin, "type": kind, "name": "tier", "label": "Tier", "key": "tier", **more}
    )


def entering(client: Client, customer: Customer, name: str, value: str) -> Any:
    """The sheet of a field with its preview of a value."""
    url = act_url("enter-value", customer, field=name)
    return client.post(url, {**form_data(client.get(url)), "value": value, "preview": "1"})


def found(address: str) -> set[str]:
    refresh_all_facts()
    customers = Query.read(QueryDict(address)).customers(FilterContext(None, clock.now()))
    return set(customers.values_list("name", flat=True))


def test_each_source_gives_its_own_values() -> None:
    customer = make_customer(custom_data={"tier": "gold"})
    make_billing_account(customer=customer, metadata={"tier": 3})
    make_custom_field(customer=customer, key="tier", string_value=None, boolean_value=True)
    fields = [
        field_of(origin, name=origin, label=origin) for origin in ("payments", "billing", "crm", "ours")
    ]
    make_field_value(customer=customer, field=fields[3], text="Jane")
    key = str(customer.pk)
    with CaptureQueriesContext(connection) as captured:
        values = values_of([key], fields)[key]
    assert len(captured) == 4
    assert {name: shown.words for name, shown in values.items()} == {
        "payments": "gold",
        "billing": "3",
        "crm": "yes",
        "ours": "Jane",
    }


def test_the_details_show_every_value_and_name_what_does_not_fit() -> None:
    customer = make_customer(custom_data={"tier": "gold", "seats": "many", "site": "https://example.com/"})
    field_of("payments")
    field_of("payments", "number", name="seats", label="Seats", key="seats")
    field_of("payments", "link", name="site", label="Site", key="site")
    field_of("payments", name="none", label="None", key="none")
    # The CRM's own data that no field is defined for stands beside them; a defined one stands there once.
    field_of("crm", name="region", label="Sales region", key="region")
    make_custom_field(customer=customer, key="region", display_label="Region", string_value="Lake")
    make_custom_field(customer=customer, key="other", display_label="Other", string_value="Value")
    page = signed_in().get(reverse("desk-details", args=[customer.pk]))
    [section] = [each for each in page.context["sections"] if each.key == "fields"]
    assert [(fact.label, fact.value, fact.remark) for fact in section.lines] == [
        ("Sales region", "Lake", ""),
        ("Seats", "many", "Not a value of the type number"),
        ("Site", "https://example.com/", ""),
        ("Tier", "gold", ""),
        ("Other", "Value", ""),
    ]
    text = page.content.decode()
    assert "Not a value of the type number" in text
    assert 'href="https://example.com/"' in text


def test_a_value_is_entered_inline_and_undone() -> None:
    client, customer = signed_in(), make_customer()
    field = make_field_definition(name="champion", label="Champion")
    details = reverse("desk-details", args=[customer.pk])
    url = act_url("enter-value", customer, field="champion")
    assert url in client.get(details).content.decode()
    shown = entering(client, customer, "champion", value=" Jane  Doe ")
    assert lines(shown) == {"Champion": ("None", "Jane Doe")}
    message, undo = toast(confirm(client, shown))
    assert message == "Set Champion to Jane Doe."
    row = FieldValue.objects.get()
    assert (row.customer, row.field, row.text) == (customer, field, "Jane Doe")
    # The list shows it as soon as the user comes back.
    assert FieldFacts.objects.get().text == "Jane Doe"
    second = entering(client, customer, "champion", value="Max")
    _, undo_second = toast(confirm(client, second))
    client.post(undo)
    assert FieldValue.objects.get().text == "Max"
    client.post(undo_second)
    assert FieldValue.objects.get().text == "Jane Doe"
    cleared = entering(client, customer, "champion", value="")
    message, undo = toast(confirm(client, cleared))
    assert (message, FieldValue.objects.count(), FieldFacts.objects.count()) == ("Cleared Champion.", 0, 0)
    client.post(undo)
    assert FieldValue.objects.get().text == "Jane Doe"
    viewer = signed_in("Viewer")
    assert (viewer.get(url).status_code, url in viewer.get(details).content.decode()) == (403, False)


def test_what_does_not_fit_is_not_entered() -> None:
    client, customer = signed_in(), make_customer()
    make_field_definition(name="seats", label="Seats", type="number")
    page = entering(client, customer, "seats", value="many")
    assert "Enter a number such as 500 or 99.50." in page.content.decode()
    # Two users at once: the second reviews what the first entered.
    seen = entering(client, customer, "seats", value="5")
    FieldValue.objects.create(customer=customer, field=FieldDefinition.objects.get(), text="7")
    assert problem(confirm(client, seen)) != ""
    assert FieldValue.objects.get().text == "7"


def test_a_field_is_a_column_of_choice_that_sorts_and_is_exported() -> None:
    for name, tier in (("Ash", "silver"), ("Birch", "Gold"), ("Cedar", None)):
        make_customer(name=name, custom_data={"tier": tier} if tier else None)
    field_of("payments")
    refresh_all_facts()
    user = make_user()
    client = Client()
    client.force_login(user)
    assert "Tier" not in [each.column.label for each in client.get(LIST).context["headings"]]
    client.post(reverse("desk-list-columns", args=["customers"]), {"column": ["custom.tier"]})
    assert Preferences.objects.get(user=user).columns["customers"] == ["custom.tier"]
    page = client.get(LIST, {"sort": "custom.tier"})
    assert [(row.name, row.cells[0][1].text) for row in page.context["rows"]] == [
        ("Birch", "Gold"),
        ("Ash", "silver"),
        ("Cedar", ""),
    ]
    page = client.get(LIST, {"sort": "-custom.tier"})
    assert [row.name for row in page.context["rows"]] == ["Ash", "Birch", "Cedar"]
    answer: Any = client.get(LIST, {"export": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows == [["Customer", "Tier"], ["Ash", "silver"], ["Birch", "Gold"], ["Cedar", ""]]


def test_an_export_of_customers_has_a_column_for_each_field() -> None:
    customer = make_customer(name="Ash", custom_data={"tier": 5, "name": "gold"})
    make_field_value(customer=customer, field=make_field_definition(label="Champion"), text="Jane")
    field_of("payments", "number")
    field_of("payments", name="name", label="Name", key="name")
    refresh_all_facts()
    headings = columns_for()
    assert headings[-3:] == ["Champion", "Custom field Name", "Tier"]
    row = dict(zip(headings, rows_of([str(customer.pk)], headings)[0], strict=True))
    assert (row["Name"], row["Tier"], row["Custom field Name"], row["Champion"]) == ("Ash", 5, "gold", "Jane")
    assert "Tier" not in columns_for(lambda permission: permission != "crm.view_fieldvalue")
    # A field that is removed while an export waits leaves its column empty.
    FieldDefinition.objects.filter(label="Tier").delete()
    assert rows_of([str(customer.pk)], ["Tier", "Name"]) == [[None, "Ash"]]


def test_the_queries_of_the_list_do_not_grow_with_rows_or_fields() -> None:
    client = signed_in()
    counts = []
    for number in range(3):
        make_customer(custom_data={"tier": "gold", f"key{number}": 1})
        field_of("payments", name=f"f{number}", label=f"F{number}", key=f"key{number}")
        refresh_all_facts()
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        counts.append(len(captured))
    assert len(set(counts)) == 1


@pytest.mark.parametrize(
    ("kind", "values", "cases"),
    [
        (
            "text",
            {"Ash": "Gold", "Birch": "silver", "Cedar": None},
            {
                "custom.tier=gold": {"Ash"},
                "custom.tier=gold&custom.tier=Silver": {"Ash", "Birch"},
                "custom.tier=gol": set(),
                "custom.tier_is=none": {"Cedar"},
                "custom.tier_is=any": {"Ash", "Birch"},
            },
        ),
        (
            "number",
            {"Ash": 5, "Birch": "20.5", "Cedar": "many"},
            {
                "custom.tier_from=5&custom.tier_to=20": {"Ash"},
                "custom.tier_from=20.5": {"Birch"},
                "custom.tier_is=misfit": {"Cedar"},
            },
        ),
        (
            "date",
            {"Ash": "2026-03-31", "Birch": "2026-04-01", "Cedar": "soon"},
            {"custom.tier_from=2026-04-01": {"Birch"}, "custom.tier_to=2026-03-31": {"Ash"}},
        ),
        (
            "yes_no",
            {"Ash": True, "Birch": False, "Cedar": None},
            {"custom.tier=yes": {"Ash"}, "custom.tier=no": {"Birch"}},
        ),
    ],
)
def test_customers_are_filtered_by_a_field(
    kind: str, values: dict[str, Any], cases: dict[str, set[str]]
) -> None:
    field_of("payments", kind)
    for name, value in values.items():
        make_customer(name=name, custom_data={"tier": value})
    for address, names in cases.items():
        assert found(address) == names, address


def test_a_filter_is_said_in_words_and_an_unknown_field_is_refused() -> None:
    field = field_of("payments", "number")
    query = Query.read(QueryDict("custom.tier_from=1000&custom.tier_to=2000&status=active"))
    assert query.words == "status Active, Tier from 1,000 to 2,000"
    assert Query.read(query.as_json()) == query
    with pytest.raises(BadValue, match="Tier from: enter a number"):
        Query.read(QueryDict("custom.tier_from=much"))
    field.delete()
    # A segment must not find more customers than it did.
    with pytest.raises(BadValue, match="“tier_from”, because there is no such custom field"):
        Query.read(query.as_json())


def test_list_segment_and_json_filter_alike() -> None:
    field_of("payments", "choice", options=["Gold", "Silver"])
    for name, tier in (("Ash", "gold"), ("Birch", "silver"), ("Cedar", "tin")):
        make_customer(name=name, custom_data={"tier": tier})
    refresh_all_facts()
    user = make_user()
    client = Client()
    client.force_login(user)
    page = client.get(LIST, {"custom.tier": "Gold"})
    assert [row.name for row in page.context["rows"]] == ["Ash"]
    assert [chip.words for chip in page.context["chips"]] == ["Tier Gold"]
    adding = client.get(LIST, {"add": "custom.tier"}).context["adding"]
    assert [value for value, *_ in adding["fields"][0].choices] == ["Gold", "Silver"]
    save_segment("Golden", Query.read(QueryDict("custom.tier=Gold")), by=user)

    def names(**given: str) -> list[str]:
        answer = client.get("/api/v1/customers", given)
        assert answer.status_code == 200, answer.content
        return sorted(each["name"] for each in answer.json()["data"])

    assert names(segment="Golden") == ["Ash"]
    assert names(custom_field="tier:GOLD") == ["Ash"]
    assert names(custom_field="tier:misfit") == ["Cedar"]
    assert client.get("/api/v1/customers", {"custom_field": "color:red"}).status_code == 400
    assert client.get("/api/v1/customers", {"custom_field": "tier"}).status_code == 400


def test_yes_and_no_in_json() -> None:
    field_of("payments", "yes_no")
    make_customer(name="Ash", custom_data={"tier": True})
    refresh_all_facts()
    client = signed_in()
    for text, count in (("yes", 1), ("Yes", 1), ("true", 1), ("False", 0), ("ANY", 1)):
        answer = client.get("/api/v1/customers", {"custom_field": f"tier:{text}"})
        assert (answer.status_code, len(answer.json()["data"])) == (200, count), text


def test_ranges_in_json() -> None:
    field_of("payments", "number")
    for number in (5, 10, 20):
        make_customer(name=str(number), custom_data={"tier": number})
    refresh_all_facts()
    client = signed_in()

    def names(text: str) -> list[str]:
        answer = client.get("/api/v1/customers", {"custom_field": text})
        assert answer.status_code == 200, answer.content
        return sorted(each["name"] for each in answer.json()["data"])

    assert names("tier:10..20") == ["10", "20"]
    make_customer(name="third", custom_data={"tier": 33.333333333333336})
    refresh_all_facts()
    assert names("tier:33..34") == ["third"]
    assert names("tier:..10") == ["10", "5"]
    assert names("tier:20") == ["20"]


def test_values_follow_a_merge_and_its_undo() -> None:
    field = make_field_definition(name="champion", label="Champion")
    kept, gone = make_customer(), make_customer()
    make_field_value(customer=gone, field=field, text="Jane")
    [made] = merge(str(kept.pk), [str(gone.pk)], by=None)
    refresh_all_facts()
    assert FieldFacts.objects.get(customer=kept).text == "Jane"
    own = make_field_value(customer=kept, field=field, text="Max")
    refresh_all_facts()
    # The customer's own value comes first.
    assert FieldFacts.objects.get(customer=kept).text == "Max"
    unmerge(made, by=None)
    refresh_all_facts()
    assert dict(FieldFacts.objects.values_list("customer", "text")) == {kept.pk: "Max", gone.pk: "Jane"}
    assert own.customer == kept


def test_what_is_cleared_or_changed_after_a_merge_leaves_the_other_customer_its_own() -> None:
    field = make_field_definition(name="champion", label="Champion")
    client, kept, gone = signed_in(), make_customer(), make_customer()
    make_field_value(customer=kept, field=field, text="Max")
    make_field_value(customer=gone, field=field, text="Jane")
    [made] = merge(str(kept.pk), [str(gone.pk)], by=None)

    def shown() -> list[str]:
        values = values_of([str(kept.pk)], [field])[str(kept.pk)]
        return [each.text for each in values.values()]

    _, undo = toast(confirm(client, entering(client, kept, "champion", value="")))
    assert shown() == []
    client.post(undo)
    assert shown() == ["Max"]
    confirm(client, entering(client, kept, "champion", value=""))
    unmerge(made, by=None)
    assert dict(FieldValue.objects.exclude(text="").values_list("customer", "text")) == {gone.pk: "Jane"}


def test_undoing_the_first_value_of_a_survivor_shows_that_of_the_merged_customer_again() -> None:
    field = make_field_definition(name="champion", label="Champion")
    client, kept, gone = signed_in(), make_customer(), make_customer()
    row = make_field_value(customer=gone, field=field, text="Jane")
    merge(str(kept.pk), [str(gone.pk)], by=None)
    message, undo = toast(confirm(client, entering(client, kept, "champion", value="Max")))
    assert message == "Set Champion to Max."
    row.refresh_from_db()
    assert row.text == "Jane"
    client.post(undo)
    assert [each.text for each in FieldValue.objects.all()] == ["Jane"]


def test_the_documents_of_the_sources_have_no_values_of_ours() -> None:
    customer = make_customer(custom_data={"tier": "gold"})
    make_field_value(customer=customer, text="Jane")
    client = signed_in()
    for path in ("customers", "billing/customers", "crm/customers"):
        assert "Jane" not in client.get(f"/api/v1/{path}/{customer.pk}").content.decode()
    assert Customer.objects.get().custom_data == {"tier": "gold"}


def test_json_includes_the_fields_where_they_are_asked_for() -> None:
    customer = make_customer(custom_data={"tier": 12.5, "seats": "many", "vip": True, "since": "2026-03-31"})
    for key, kind in (("tier", "number"), ("seats", "number"), ("vip", "yes_no"), ("since", "date")):
        field_of("payments", kind, name=key, label=key.capitalize(), key=key)
    make_field_value(
        customer=customer, field=make_field_definition(name="champion", label="Champion"), text="Jane"
    )
    client = signed_in()
    url = f"/api/v1/customers/{customer.pk}"
    plain = client.get(url).json()
    answer = client.get(url, {"expand": "custom_fields"}).json()
    fields = answer.pop("custom_fields")
    assert answer == plain
    assert {name: (each["value"], each["fits"]) for name, each in fields.items()} == {
        "tier": (12.5, True),
        "seats": ("many", False),
        "vip": (True, True),
        "since": ("2026-03-31", True),
        "champion": ("Jane", True),
    }
    assert fields["seats"] == {"label": "Seats", "type": "number", "value": "many", "fits": False}
    [listed] = client.get("/api/v1/customers", {"expand": "custom_fields"}).json()["data"]
    assert listed["custom_fields"] == fields
    assert client.get(url, {"expand": "custom_fields", "as_of": "2999-01-01"}).status_code == 400
    user = make_user(role="Viewer")
    user.groups.clear()
    user.user_permissions.set(Permission.objects.filter(codename="view_customer"))
    client.force_login(user)
    assert client.get(url).status_code == 200
    assert client.get(url, {"expand": "custom_fields"}).status_code == 403
