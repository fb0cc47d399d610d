"""Faults that users of other billing systems reported in public, told with a made-up customer.

`right` says which rule decides, and `report` where the kind was reported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from billing.doctor.checks import CHECKS
from tests.billing.cases.story import Story

#: `renew` runs in the stories when they say so, and doctor names what it has not done yet.
_DUE = {"resets", "expiries", "subscriptions", "billing cycles"}

FILE = json.loads(Path(__file__).with_name("reported.json").read_text())


@pytest.mark.django_db
@pytest.mark.parametrize("case", FILE["cases"], ids=[case["id"] for case in FILE["cases"]])
def test_reported(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch)
    for step in case["steps"]:
        named = isinstance(step.get("catalog"), str)
        story.step(step | {"catalog": FILE["catalogs"][step["catalog"]]} if named else step)
    checks = [check for check in CHECKS if check.words not in _DUE]
    assert not [finding for check in checks for finding in check.run(lambda count: None, fix=False)]
    seen = story.seen | {name: story.see(what) for name, what in case["see"].items()}
    assert {name: seen[name] for name in case["expected"]} == case["expected"], case["right"]
