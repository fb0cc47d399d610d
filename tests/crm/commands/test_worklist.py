"""The commands that compute and list the worklist."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.desk.spreadsheets.csv_safety import from_cell, plain_cell
from crm.models import WorklistEntry
from tests.factories import (
    MOMENT,
    make_customer,
    make_desk_refresh,
    make_relationship,
    make_subscription,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)


def run(*arguments: str, name: str = "worklist") -> tuple[str, str]:
    """What a command writes to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def two() -> dict[str, Any]:
    """An account of ada's with two reasons, and one of nobody's whose name is a formula."""
    ada = make_user(username="ada")
    first = make_worklist_entry(
        customer=make_customer(name="Acme\x1b[31m"), person=ada, weight=90, heaviest=50
    )
    reason = {"since": MOMENT, "link": "/admin/"}
    make_worklist_reason(entry=first, words="Pro is past due", **reason)
    make_worklist_reason(entry=first, words="trial ends Friday", weight=40, rule="trial_ending", **reason)
    make_worklist_reason(entry=first, words="decided", decision="done", **reason)
    second = make_worklist_entry(
        customer=make_customer(name='=HYPERLINK("x")'), person=None, weight=10, heaviest=10
    )
    make_worklist_reason(entry=second, words="no account manager", rule="unowned", weight=10, **reason)
    return {"first": first, "second": second}


@pytest.mark.django_db
def test_it_lists_them_for_reading(two: dict[str, Any]) -> None:
    out, err = run()
    assert out.splitlines() == [
        f"  90  Acme\\x1b[31m ({two['first'].customer_id}), ada",
        "      - Pro is past due",
        "      - trial ends Friday",
        f'  10  =HYPERLINK("x") ({two["second"].customer_id}), no account manager',
        "      - no account manager",
    ]
    assert "refresh_desk" in err


@pytest.mark.django_db
def test_it_lists_those_of_one_owner_or_rule(two: dict[str, Any]) -> None:
    assert run("--owner", "ada")[0].count("\n") == 3
    assert run("--rule", "unowned")[0].count("\n") == 2
    with pytest.raises(CommandError, match="no user “eve”"):
        run("--owner", "eve")


@pytest.mark.django_db
def test_it_lists_them_as_json(two: dict[str, Any]) -> None:
    make_desk_refresh(name="worklist", finished_at=MOMENT)
    out, err = run("--format", "json")
    assert json.loads(out)[1] == {
        "customer_id": str(two["second"].customer_id),
        "customer": '=HYPERLINK("x")',
        "for": None,
        "weight": 10,
        "reasons": [
            {
                "rule": "unowned",
                "words": "no account manager",
                "weight": 10,
                "since": "2024-08-26T12:15:00.000Z",
                "link": "/admin/",
            }
        ],
    }
    assert err == "As of 2024-08-26T12:15:00.000Z.\n"
    WorklistEntry.objects.all().delete()
    assert json.loads(run("--format", "json")[0]) == []


@pytest.mark.django_db
def test_as_csv_no_cell_is_a_formula(two: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv")[0])))
    assert [(row["customer"], row["words"]) for row in rows[1:]] == [
        ("Acme\x1b[31m", "trial ends Friday"),
        ('\'=HYPERLINK("x")', "no account manager"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =1", "'=1", "plain", "", "a=b"])
def test_a_cell_is_no_formula_and_gives_back_what_it_was_made_of(text: str) -> None:
    assert plain_cell(text)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert not plain_cell(text).startswith(" =")
    assert from_cell(plain_cell(text)) == text


@pytest.mark.django_db
def test_the_refresh_says_what_it_came_to() -> None:
    customer = make_relationship(owner=make_user(), contract_annual_revenue=None).customer
    make_subscription(customer=customer, past_due=True)
    make_customer()
    expected = "Worklist: 1 of 2 customers need attention, 1 reason changed."
    assert expected in run(name="refresh_desk")[0].splitlines()
    assert "0 reasons changed" in run(name="refresh_desk")[0]
