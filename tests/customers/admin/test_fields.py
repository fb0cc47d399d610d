"""The form fields of the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from customers.admin.fields import FigureFormField, JsonField
from customers.document.schema import PaymentsBusinessContact
from customers.formats import opens_a_page, plain_text
from customers.json_types import Link


def test_reads_json() -> None:
    field = JsonField(required=False)
    assert field.clean('{"a": [1, 2.5, true, null], "é": "🙂"}') == {"a": [1, 2.5, True, None], "é": "🙂"}
    assert field.clean("") is None
    assert JsonField(required=False, when_empty=dict).clean("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a": "\\u0000"}',
        '{"a": NaN}',
        "[Infinity]",
        '["\\ud800"]',
        '{"a": 1, "a": 2}',
        "[" * 100 + "]" * 100,
        "[" * 100_000,
        "1e999",
        str(2**64),
        "\0",
    ],
)
def test_whatever_is_wrong_is_a_form_error(text: str) -> None:
    field = JsonField(required=False)
    with pytest.raises(ValidationError) as refused:
        field.clean(text)
    assert refused.value.messages[0]
    assert field.has_changed({}, text)
    assert str(field.prepare_value(field.bound_data(text, {}))) == text


def test_an_error_names_its_place() -> None:
    with pytest.raises(ValidationError) as refused:
        JsonField(shape=[PaymentsBusinessContact]).clean('[{"name": "Jo"}, {"name": 5}]')
    assert refused.value.messages[0].startswith("At $[1].name: ")


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (dict, '{"a": 1}', "[1]"),
        ([str], '["a"]', "[1]"),
        ([str], "[]", '"a"'),
        ([dict], '[{"a": 1}]', '["a"]'),
        ([Link], '["https://example.com/"]', '["javascript:alert(1)"]'),
        ([PaymentsBusinessContact], '[{"name": "Jo", "email": null}]', '[{"email": 1}]'),
    ],
)
def test_keeps_to_its_shape(shape: Any, good: str, bad: str) -> None:
    field = JsonField(shape=shape, required=False)
    field.clean(good)
    with pytest.raises(ValidationError):
        field.clean(bad)


def test_items_of_a_document_come_back_as_it_would_send_them() -> None:
    field = JsonField(shape=[PaymentsBusinessContact])
    found = field.clean('[{"name": "Jo", "unknown": 1}]')
    assert found == [{"name": "Jo", "email": None}]


def test_layout_is_no_change_and_true_is_not_1() -> None:
    field = JsonField(required=False)
    assert not field.has_changed({"a": 1, "b": []}, '{"b":[],\n"a":1}')
    assert field.has_changed({"a": 1}, '{"a": true}')
    assert not field.has_changed(None, "")
    assert field.has_changed({"a": 1}, "")


def test_shows_json_for_reading() -> None:
    assert JsonField().prepare_value({"é": 1}) == '{\n  "é": 1\n}'
    assert JsonField().prepare_value(None) == ""


def test_figures_have_no_idle_zeros() -> None:
    assert FigureFormField().prepare_value(Decimal("20.0000000000")) == "20"
    assert FigureFormField().prepare_value(Decimal("0.0000000001")) == "0.0000000001"
    assert FigureFormField().prepare_value("what was typed") == "what was typed"
    assert FigureFormField().prepare_value(None) is None
    assert not FigureFormField(decimal_places=10).has_changed(Decimal("20.0000000000"), "20")
    assert [plain_text(value) for value in (Decimal("1E+3"), Decimal("19.990"), 7)] == ["1000", "19.99", "7"]


@pytest.mark.parametrize(
    ("link", "opens"),
    [
        ("https://example.com/", True),
        ("HTTP://example.com", True),
        ("docs/terms", False),
        ("javascript:alert(1)", False),
        (" java\tscript:alert(1)", False),
        ("data:text/html,x", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_open_a_page(link: str | None, opens: bool) -> None:
    assert opens_a_page(link) is opens
