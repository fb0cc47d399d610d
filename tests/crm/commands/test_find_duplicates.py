"""The command that finds duplicates."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.models import DuplicateCluster, DuplicatePair
from customers.models import Customer
from tests.factories import make_customer, make_trial_used

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to standard output and to standard error."""
    stdout, stderr = StringIO(), StringIO()
    call_command("find_duplicates", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


@pytest.fixture
def twice() -> list[Customer]:
    """Jane, twice; and somebody of whom that is less sure."""
    first = make_customer(name="Jane Doering", email="jane.doering@gmail.com", external_id="ext-1")
    second = make_customer(name="Jane\nDoering", email="janedoering@googlemail.com")
    make_customer(name="Jane Doering", email="jd@example.org")
    return [first, second]


def test_a_pair_a_line(twice: list[Customer]) -> None:
    first, second = twice
    out, err = run("--format", "ndjson")
    (line,) = out.splitlines()
    assert json.loads(line) == {
        "a": first.pk,
        "b": second.pk,
        "score": pytest.approx(1, abs=0.01),
        "reasons": [
            "same email address: janedoering@gmail.com",
            "the same name: “Jane Doering”, “Jane\nDoering”",
        ],
        "a_ids": [first.pk, "ext-1"],
        "b_ids": [second.pk],
    }
    assert err == "Review queue: 1 pair in 1 group (1 new, 0 back after a snooze, 0 closed).\n"


def test_for_reading(twice: list[Customer]) -> None:
    first, second = twice
    out, _ = run()
    assert out.splitlines() == [
        f"1.00   Jane Doering: {first.pk}, ext-1",
        f"       Jane\\nDoering: {second.pk}",
        "       - same email address: janedoering@gmail.com",
        "       - the same name: “Jane Doering”, “Jane\\nDoering”",
    ]


def test_the_queue_is_written_and_written_once(twice: list[Customer]) -> None:
    run()
    pair = DuplicatePair.objects.get()
    assert [pair.a, pair.b] == twice
    assert pair.cluster == DuplicateCluster.objects.get()
    _, err = run("--format", "ndjson")
    assert err.startswith("Review queue: 1 pair in 1 group (0 new")


@pytest.mark.parametrize("least", ["0.3", "1"])
def test_another_score_lists_other_pairs_and_leaves_the_queue_alone(
    twice: list[Customer], least: str
) -> None:
    out, _ = run("--format", "ndjson", "--min-score", least)
    assert len(out.splitlines()) == {"0.3": 3, "1": 0}[least]
    assert DuplicatePair.objects.count() == 1


def test_since_and_env_narrow_it(twice: list[Customer]) -> None:
    assert run("--since", "2999-01-01")[0] == ""
    assert run("--env", "sandbox")[0] == ""
    assert run("--since", "2000-01-01T00:00:00Z", "--env", "live")[0] != ""
    assert DuplicatePair.objects.count() == 1


def test_shared_trials_are_listed() -> None:
    takers = [make_customer(name=name, fingerprint="device-1", email="") for name in ("Jane", "Paul")]
    for customer in takers:
        make_trial_used(customer=customer)
    plans = [customer.trials_used.get().plan.plan_id for customer in takers]
    out, err = run("--trials")
    assert out == (
        f"fingerprint device-1: Jane ({takers[0].pk}) took {plans[0]};"
        f" Paul ({takers[1].pk}) took {plans[1]}\n"
    )
    assert err == ""
    line = json.loads(run("--trials", "--format", "ndjson")[0])
    assert (line["by"], line["value"], len(line["takers"])) == ("fingerprint", "device-1", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--min-score", "2"],
        ["--min-score", "nan"],
        ["--since", "soon"],
        ["--format", "xml"],
        ["--env", "test"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_read_is_refused(wrong: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        run(*wrong)
    assert wrong[1] in str(refused.value)


def test_an_interruption_leaves_the_queue_as_it_was(
    twice: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("crm.management.commands.find_duplicates.record", interrupted)
    with pytest.raises(CommandError) as stopped:
        run()
    assert stopped.value.returncode == 130
    assert DuplicatePair.objects.count() == 0
