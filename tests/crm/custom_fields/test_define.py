"""Custom fields are defined, changed and removed by administrators, on a page that offers the keys that sources sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.custom_fields.define import BadDefinition, change_field, define_field
from crm.custom_fields.keys import received_keys
from crm.models import FieldDefinition, FieldFacts, FieldValue, Job
from crm.roles import ACCOUNT_MANAGER, ADMINISTRATOR
from tests.desk import refresh_all_facts
from tests.factories import (
    make_billing_account,
    make_custom_field,
    make_customer,
    make_field_value,
    make_user,
)

pytestmark = pytest.mark.django_db

TIER = {"label": "Tier", "type": "text", "origin": "payments", "key": "tier"}


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def test_an_administrator_defines_a_field_from_a_received_key(django_capture_on_commit_callbacks) -> None:
    make_customer(custom_data={"tier": "gold", "seats": 5})
    make_customer(custom_data={"tier": "silver"})
    client = client_of(ADMINISTRATOR)
    page = client.get(reverse("custom-fields"))
    [(_, tier, customers, url), *_] = page.context["keys"]
    assert (tier.key, customers, tier.kind) == ("tier", "2 customers", "text")
    chosen = client.get(reverse("custom-fields") + url).context["form"]
    assert (chosen["label"], chosen["origin"], chosen["key"]) == ("Tier", "payments", "tier")
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("custom-fields"), TIER).status_code == 302
    field = FieldDefinition.objects.get()
    assert (field.name, field.label, field.key) == ("tier", "Tier", "tier")
    # The facts of all customers follow in the background.
    assert Job.objects.filter(kind="refresh").exists()
    page = client.get(reverse("custom-fields"))
    assert [key for _, key, *_ in page.context["keys"] if key.key == "tier"] == []
    assert "defined Tier (Text, Payments platform)" in page.content.decode()


def test_the_keys_of_all_sources_are_counted() -> None:
    customer = make_customer(custom_data={"tier": "gold", "empty": ""})
    make_billing_account(customer=customer, metadata={"seats": 5, "since": "2026-03-31"})
    make_custom_field(customer=customer, key="vip", string_value=None, boolean_value=True)
    found = {(each.origin, each.key): (each.customers, each.sample, each.kind) for each in received_keys()}
    assert found == {
        ("payments", "tier"): (1, "gold", "text"),
        ("billing", "seats"): (1, "5", "number"),
        ("billing", "since"): (1, "2026-03-31", "date"),
        ("crm", "vip"): (1, "yes", "yes_no"),
    }


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ({"label": " "}, "label"),
        ({"label": "tier"}, "label"),
        ({"kind": "color"}, "type"),
        ({"kind": "choice"}, "options"),
        ({"origin": "moon"}, "origin"),
        ({"key": ""}, "key"),
        ({"key": "tier"}, "key"),
        ({"label": "a\0b"}, "label"),
        ({"key": "a\0b"}, "key"),
        ({"kind": "choice", "options": ["a\0b"]}, "options"),
    ],
)
def test_a_definition_that_cannot_be_says_where(given: dict[str, str], column: str) -> None:
    plain: dict[str, Any] = {
        "label": "Level",
        "kind": "text",
        "origin": "payments",
        "key": "level",
        "options": (),
        "by": None,
    }
    define_field(**{**plain, "label": "Tier", "key": "tier"})
    with pytest.raises(BadDefinition) as caught:
        define_field(**{**plain, **given})
    assert caught.value.column == column


def test_names_are_made_of_labels_and_stay() -> None:
    plain: dict[str, Any] = {"kind": "text", "origin": "ours", "key": "", "options": (), "by": None}
    labels = ["Größe (m²)", "Grosse M2", "2nd line", "名前"]
    fields = [define_field(label=label, **plain) for label in labels]
    names = [field.name for field in fields]
    assert len(set(names)) == 4
    assert names[2] == "field_2nd_line"
    # Filters of the fields Migrated and Plan are called so.
    assert {define_field(label=label, **plain).name for label in ("Migrated from", "Plan is")} == {
        "migrated_from_field",
        "plan_is_field",
    }
    changed = change_field(fields[0].pk, label="Size", kind="number", options=(), by=None)
    assert (changed.name, changed.label, changed.type) == (names[0], "Size", "number")


def test_removing_a_field_deletes_what_users_entered() -> None:
    value = make_field_value()
    refresh_all_facts()
    client = client_of(ADMINISTRATOR)
    page = client.get(reverse("custom-field", args=[value.field_id]))
    assert "Deletes 1 entered value." in page.content.decode()
    client.post(reverse("custom-field-remove", args=[value.field_id]))
    assert not FieldDefinition.objects.exists()
    assert not FieldValue.objects.exists()
    assert not FieldFacts.objects.exists()
    [removed] = FieldValue.history.filter(history_type="-")
    assert removed.history_user.groups.get().name == ADMINISTRATOR


def test_a_wrong_form_keeps_what_was_entered() -> None:
    client = client_of(ADMINISTRATOR)
    page = client.post(reverse("custom-fields"), {**TIER, "label": ""})
    assert page.status_code == 200
    assert "Enter a name of at most 60 characters." in page.content.decode()
    assert page.context["form"]["key"] == "tier"


def test_only_administrators_define_fields() -> None:
    field = make_field_value().field
    client = client_of(ACCOUNT_MANAGER)
    for url in (
        reverse("custom-fields"),
        reverse("custom-field", args=[field.pk]),
        reverse("custom-field-remove", args=[field.pk]),
    ):
        assert client.post(url, TIER).status_code == 403
    assert client.get(reverse("custom-fields")).status_code == 403
    assert client_of(ADMINISTRATOR).get(reverse("custom-field", args=["fld_x"])).status_code == 404
