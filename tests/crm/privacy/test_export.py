"""What is held of a customer or a person comes out completely."""

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.crm.privacy.canaries import CANARIES, EMAIL, NOTE, PERSON, PERSON_EMAIL, plant
from tests.factories import make_note

pytestmark = pytest.mark.django_db


def test_everything_held_of_a_customer_is_in_the_file_and_on_the_page(tmp_path: Path):
    customer = plant()
    make_note(body="Of another customer")
    call_command("export_personal_data", EMAIL, "--output", str(tmp_path), stdout=StringIO())
    data, page = sorted(tmp_path.iterdir(), reverse=True)
    assert stat.S_IMODE(data.stat().st_mode) == 0o600
    text, html = data.read_text(), page.read_text()
    assert [canary for canary in CANARIES if canary not in text] == []
    assert [canary for canary in CANARIES if canary not in html] == []
    assert "Of another customer" not in text + html
    held = json.loads(text)["held"]
    assert [row["body"] for row in held["notes"]["rows"]] == [f"{NOTE} +12025550143"]
    assert held["customers"]["former"]
    assert str(customer.pk) in json.loads(text)["customers"]


def test_a_person_is_found_by_their_address(tmp_path: Path):
    plant()
    call_command("export_personal_data", PERSON_EMAIL, "--output", str(tmp_path), stdout=StringIO())
    [data] = tmp_path.glob("*.json")
    held = json.loads(data.read_text())["held"]
    assert [row["name"] for row in held["people"]["rows"]] == [PERSON]
    assert "notes" not in held


def test_nothing_is_written_for_an_address_that_nobody_has(tmp_path: Path):
    with pytest.raises(CommandError, match="No customer and no person"):
        call_command("export_personal_data", "x@example.org", "--output", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
