"""The command doctor: a line for each finding, and an exit status."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.models import Grant
from tests.billing.corrupt import unguarded
from tests.factories import MOMENT, make_customer, make_grant, make_subscription

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[list[str], str, int]:
    """The lines on standard output, the error, and the exit status."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except CommandError as problem:
        return out.getvalue().splitlines(), str(problem), problem.returncode
    return out.getvalue().splitlines(), "", 0


def test_where_nothing_is_amiss_one_line_says_what_was_checked() -> None:
    make_grant()
    lines, error, status = run()
    assert " ".join(lines) == (
        "No problems in 1 customer, 0 subscriptions, 1 grant, 0 rollovers, 2 ledger entries, 0 invoices."
    )
    assert (error, status) == ("", 0)


def test_without_fix_nothing_is_changed() -> None:
    grant = make_grant(usage=30)
    with unguarded():
        Grant.objects.filter(pk=grant.pk).update(usage=31)
    for _ in range(2):
        lines, error, status = run()
        assert " ".join(lines) == (
            f"{grant.pk} ({grant.balance}): usage is 31, but its ledger entries sum to 30."
            " Run with --fix to post an entry of 1."
        )
        assert status == 1
        assert error.startswith("Found 1 problem in 1 customer, ")
        assert error.endswith("Run with --fix to fix 1 of them.")


def test_fix_says_what_it_mended_and_what_remains_decides_the_status() -> None:
    grant = make_grant(usage=30)
    with unguarded():
        Grant.objects.filter(pk=grant.pk).update(usage=31)
    make_subscription(status="scheduled", started_at=MOMENT)
    lines, error, status = run("--fix")
    assert status == 1
    assert lines[0].endswith("Posted an entry of 1.")
    assert lines[1].endswith("Run `manage.py renew`.")
    assert lines[2:] == ["Fixed 1 problem."]
    assert error.startswith("Found 1 problem in ")
    assert "--fix" not in error


def test_what_fix_mends_whole_is_no_failure() -> None:
    grant = make_grant(usage=30)
    with unguarded():
        Grant.objects.filter(pk=grant.pk).update(usage=31)
    lines, error, status = run("--fix")
    assert (error, status) == ("", 0)
    assert lines[1] == "Fixed 1 problem."
    assert lines[2].startswith("No other problems in ")
    assert len(run("--fix")[0]) == 1


def test_a_name_cannot_break_the_line() -> None:
    make_subscription(
        customer=make_customer(name="two\nlines\x1b[31m"), status="scheduled", started_at=MOMENT
    )
    lines, _, _ = run()
    assert len(lines) == 1
    assert "two\\nlines\\x1b[31m" in lines[0]
