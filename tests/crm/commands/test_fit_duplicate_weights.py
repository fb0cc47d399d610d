"""The command that fits the weights of duplicates."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from crm.models import DuplicatePair
from tests.factories import make_customer, make_duplicate_pair

pytestmark = pytest.mark.django_db

DOMAIN = [["same domain", 1.0, 0.0]]


def run(*arguments: str) -> tuple[list[str], str]:
    """What the command writes to standard output, by line, and to standard error."""
    stdout, stderr = StringIO(), StringIO()
    call_command("fit_duplicate_weights", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue().splitlines(), stderr.getvalue()


def decide(number: int, decision: str, terms: list[list[object]]) -> None:
    for _ in range(number):
        make_duplicate_pair(a=make_customer(), b=make_customer(), decision=decision, terms=terms)


def planted(folder: Path, number: int) -> str:
    """A file of duplicates that share a domain only."""
    file = folder / "planted.ndjson"
    file.write_text(f"{json.dumps({'terms': DOMAIN, 'is_duplicate': True})}\n" * number)
    return str(file)


def test_decisions_move_the_weights_and_open_pairs_do_not() -> None:
    decide(3, DuplicatePair.Decision.MERGED, DOMAIN)
    decide(1, DuplicatePair.Decision.NOT_DUPLICATES, [["same phone", 1.0, 0.0]])
    decide(5, DuplicatePair.Decision.OPEN, [["same fingerprint", 1.0, 0.0]])
    decide(1, DuplicatePair.Decision.MERGED, [])
    decide(1, DuplicatePair.Decision.MERGED, [["a rule of the past", 1.0, 0.0]])
    out, err = run("--ridge", "1")
    assert err == "Fitted to 4 decisions and 0 planted pairs, compared on 4 pairs.\n"
    changed = {
        line[9:49].strip(): tuple(map(float, line[49:].split())) for line in out if line.startswith("rules")
    }
    assert set(changed) == {"same domain", "same phone"}
    assert changed["same domain"][0] < changed["same domain"][1]
    assert changed["same phone"][0] > changed["same phone"][1]


def test_planted_pairs_are_fitted_to_and_others_compared(tmp_path: Path) -> None:
    file = planted(tmp_path, 400)
    out, err = run(file, "--check", file)
    assert err == "Fitted to 0 decisions and 400 planted pairs, compared on 400 pairs.\n"
    assert "today: precision 1.0000, recall 0.0000 at 0.75" in out
    assert "fitted: precision 1.0000, recall 1.0000 at 0.75" in out


def test_without_an_example_there_is_nothing_to_fit_to() -> None:
    with pytest.raises(CommandError, match="nothing to fit to"):
        run()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "can't be read"),
        ('{"terms": [["same shoe", 1, 0]], "is_duplicate": true}', "line 1: no rule is called “same shoe”"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "planted.ndjson"
    file.write_text(text)
    with pytest.raises(CommandError, match=problem):
        run(str(file))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        run(str(tmp_path / "none.ndjson"))
