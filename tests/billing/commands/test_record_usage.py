"""Recording uses by hand and from a file."""

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.models import Grant, Posting
from billing.usage.record_many import record_usage_batch
from tests.factories import make_balance, make_customer, make_entity, make_feature, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls() -> Grant:
    """The customer acme has 100 calls, of which 30 are used."""
    customer = make_customer(external_id="acme", name="Acme", email="acme@example.com", stripe_id="cus_1")
    feature = make_feature(feature_id="calls", name="Calls", event_names=["called", "seen"])
    balance = make_balance(customer=customer, feature=feature)
    return make_grant(balance=balance, created_at=datetime(2026, 1, 1, tzinfo=UTC))


def run(*arguments: str, status: int = 0) -> tuple[str, str]:
    """What it wrote to standard output and to standard error, having ended with `status`."""
    out, err = io.StringIO(), io.StringIO()
    if status == 0:
        call_command("record_usage", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()
    with pytest.raises(CommandError) as caught:
        call_command("record_usage", *arguments, stdout=out, stderr=err)
    assert caught.value.returncode == status
    return out.getvalue(), f"{err.getvalue()}{caught.value}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a file of lines into the working directory, and answers its name."""
    monkeypatch.chdir(tmp_path)

    def write(*lines: Any, name: str = "uses.ndjson") -> str:
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        Path(name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return name

    return write


def usage(grant: Grant) -> Decimal:
    return Decimal(Grant.objects.get(pk=grant.pk).usage)


class TestOne:
    def test_what_was_drawn_and_what_remains(self, calls: Grant) -> None:
        out, _ = run("acme", "calls", "12.5", "--at", "2026-02-03T04:05:06+01:00", "--reason", "Tried")

        assert out.splitlines() == [
            "Used 12.5 Calls: Acme",
            "  12.5 from the grant: Standalone grant of Jan 1, 2026",
            "Remaining Calls: 57.5",
        ]
        posting = Posting.objects.latest("pk")
        assert (posting.done_by, posting.reason) == ("record_usage", "Tried")
        assert posting.occurred_at == datetime(2026, 2, 3, 3, 5, 6, tzinfo=UTC)

    def test_refused_whole(self, calls: Grant) -> None:
        _, err = run("acme", "calls", "71", status=1)

        assert err.startswith("Refused. Nothing was changed. 1 of 71 Calls can't be deducted: ")
        assert usage(calls) == 30

    def test_capped(self, calls: Grant) -> None:
        out, _ = run("acme", "calls", "71", "--cap")

        assert "Dropped 1, because the balance is used up, and no grant allows overage" in out
        assert usage(calls) == 100

    def test_a_refund(self, calls: Grant) -> None:
        out, _ = run("acme", "calls", "-20")

        assert out.startswith("Refunded 20 Calls: Acme\n  20 returned to the grant: ")
        assert usage(calls) == 10

    def test_a_key_again(self, calls: Grant) -> None:
        first, _ = run("acme", "calls", "5", "--key", "k")
        again, _ = run("acme@example.com", "calls", "5.0", "--key", "k")

        told = "This usage was already recorded under its key. Nothing was changed. The result was:\n"
        assert again == told + first
        assert usage(calls) == 35

    def test_a_key_in_conflict(self, calls: Grant) -> None:
        run("acme", "calls", "5", "--key", "k")

        _, err = run("acme", "calls", "6", "--key", "k", status=1)

        assert "The key 'k' was used before for something else" in err

    @pytest.mark.parametrize(
        ("arguments", "told", "status"),
        [
            ([], "Give CUSTOMER FEATURE AMOUNT, or --file FILE", 2),
            (["acme", "calls"], "Give CUSTOMER FEATURE AMOUNT, or --file FILE", 2),
            (["acme", "calls", "1", "--errors", "bad"], "Use --errors only with --file", 2),
            (["acme", "calls", "1", "--file", "x"], "Leave out CUSTOMER FEATURE AMOUNT", 2),
            (["--file", "x", "--key", "k", "--entity", "e"], "Leave out --entity, --key", 2),
            (
                ["acme", "calls", "1", "--at", "9000-01-01"],
                "Enter a time that has passed. 9000-01-01 00:00",
                1,
            ),
            (["acme", "calls", "x"], "'x' cannot be read", 1),
            (["acme", "calls", "1", "--at", "noon"], "'noon' cannot be read", 1),
            (["acme", "calls", "1", "--key", ""], "Enter a key, or leave it out", 1),
            (["acme", "calls", "1", "--key", "a\0"], "Enter a key without null characters", 1),
            (["nobody", "calls", "1"], "No customer is known by “nobody”", 1),
            (["acme", "fax", "1"], "No feature “fax”", 1),
            (["acme", "calls", "1", "--entity", "s9"], "has no entity “s9”", 1),
            (["--file", "missing.ndjson"], "missing.ndjson: There is no such file. Check", 1),
        ],
        ids=str,
    )
    def test_refusals(self, calls: Grant, arguments: list[str], told: str, status: int) -> None:
        assert told in run(*arguments, status=status)[1]
        assert usage(calls) == 30


class TestFile:
    def test_every_way_to_say_a_use(self, calls: Grant, write: Callable[..., str]) -> None:
        customer = calls.balance.customer
        seat = make_entity(customer=customer, entity_id="s1")
        merged = make_customer(external_id="old", merged_into=customer)
        name = write(
            {"customer": "acme", "feature": "calls"},
            {"customer": customer.pk, "feature": calls.balance.feature_id, "amount": 2},
            {"customer": "acme@example.com", "event_name": "called", "amount": 0.5, "entity": "s1"},
            {"customer": "cus_1", "event_name": "seen", "at": "2026-02-03T04:05:06Z", "entity": None},
            {"customer": "old", "feature": "calls", "at": 1767225600000, "entity": seat.pk},
            {"customer": merged.pk, "feature": "calls", "amount": -1, "at": "2026-02-03"},
        )

        assert run("--file", name) == ("uses.ndjson: 6 recorded, 0 recorded before, 0 refused\n", "")

        # 1 + 2 + 0.5 + 1 + 1 - 1
        assert usage(calls) == Decimal("34.5")
        postings = Posting.objects.filter(done_by="record_usage")
        assert {posting.customer_id for posting in postings} == {customer.pk}
        assert postings.filter(entity=seat).count() == 2
        assert postings.filter(occurred_at=datetime(2026, 1, 1, tzinfo=UTC)).count() == 1

    def test_an_amount_may_be_a_text_of_digits(self, calls: Grant, write: Callable[..., str]) -> None:
        before = usage(calls)
        line = {"customer": "acme", "feature": "calls"}
        run("--file", write(line | {"amount": "2.25"}, line | {"amount": "-1"}))
        assert usage(calls) == before + Decimal("1.25")

    def test_keys_in_one_file(self, calls: Grant, write: Callable[..., str]) -> None:
        line = {"customer": "acme", "feature": "calls", "amount": 5, "key": "k"}
        name = write(line, {**line, "customer": "cus_1"}, {**line, "amount": 6})

        out, err = run("--file", name, status=1)

        assert out == "uses.ndjson: 1 recorded, 1 recorded before, 1 refused\n"
        assert "uses.ndjson: record 3: $.key: The key 'k' was used before for something else." in err
        assert run("--file", write(line))[0] == "uses.ndjson: 0 recorded, 1 recorded before, 0 refused\n"
        assert usage(calls) == 35

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ({"feature": "calls"}, "$: Add the required key `customer`"),
            ({"customer": "acme"}, "$: Name the feature with `feature`, or its event"),
            (
                {"customer": "acme", "feature": "calls", "event_name": "called"},
                "$: Name the feature with `feature`, or",
            ),
            ({"customer": "nobody", "feature": "calls"}, "$.customer: No customer is known by “nobody”"),
            ({"customer": "", "feature": "calls"}, "$.customer: No customer is known by “”"),
            ({"customer": "two@example.com", "feature": "calls"}, "$.customer: 2 customers are known by"),
            ({"customer": "acme", "feature": "fax"}, "$.feature: There is no feature “fax”"),
            ({"customer": "acme", "event_name": "faxed"}, "$.event_name: No feature has the event “faxed”"),
            ({"customer": "acme", "event_name": "both"}, "$.event_name: Several features have the event"),
            (
                {"customer": "acme", "feature": "calls", "entity": "s9"},
                "$.entity: The customer has no entity",
            ),
            ({"customer": "acme", "feature": "calls", "amount": "1,5"}, "$.amount: Expected a number"),
            ({"customer": "acme", "feature": "calls", "amount": True}, "$.amount: Expected a number"),
            (
                {"customer": "acme", "feature": "calls", "at": "9000-01-01"},
                "$: Enter a time that has passed. 9000-01-01 00:00 UTC is more than 5 minutes ahead",
            ),
            (
                {"customer": "acme", "feature": "calls", "amount": 1e15},
                "$.amount: Enter a number with at most 15 digits",
            ),
            (
                '{"customer": "acme", "feature": "calls", "amount": 1e-11}',
                "$.amount: Enter a number with at most 10 decimals",
            ),
            (
                {"customer": "acme", "feature": "calls", "at": "2026-01-01T00:00"},
                "$.at: Expected a time in ISO",
            ),
            ({"customer": "acme", "feature": "calls", "at": 1e300}, "$.at: The time is out of range"),
            ({"customer": "acme", "feature": "calls", "at": []}, "$.at: Expected a time"),
            ({"customer": "acme", "feature": "calls", "key": ""}, "$: Enter a key, or leave it out"),
            (
                {"customer": "acme", "feature": "calls", "value": 1},
                "$: Remove the unknown key `value`",
            ),
            ({"customer": "acme", "feature": "calls", "amount": 71}, "$: 2 of 71 Calls can't be deducted"),
            ("{broken", "$"),
            ("7", "$: A record must be a JSON object"),
        ],
        ids=str,
    )
    def test_a_bad_line_between_good_ones(
        self, calls: Grant, write: Callable[..., str], line: Any, told: str
    ) -> None:
        for number in range(2):
            make_customer(email="two@example.com")
            make_feature(feature_id=f"both{number}", event_names=["both"])
        good = {"customer": "acme", "feature": "calls"}

        out, err = run("--file", write(good, line, good), "--errors", "bad.ndjson", status=1)

        assert out == "uses.ndjson: 2 recorded, 0 recorded before, 1 refused\n"
        assert f"uses.ndjson: record 2: {told}" in err
        assert "1 record refused. Correct them in bad.ndjson" in err
        [written] = Path("bad.ndjson").read_text().splitlines()
        assert json.loads(written)["record"] == 2
        assert usage(calls) == 32

    def test_mended_refusals_are_recorded(self, calls: Grant, write: Callable[..., str]) -> None:
        name = write({"customer": "acme", "feature": "calls", "amount": 71, "key": "k"})
        run("--file", name, "--errors", "bad.ndjson", status=1)
        Path("bad.ndjson").write_text(Path("bad.ndjson").read_text().replace("71", "70"))

        assert run("--file", "bad.ndjson")[0] == "bad.ndjson: 1 recorded, 0 recorded before, 0 refused\n"
        assert usage(calls) == 100

    def test_capped(self, calls: Grant, write: Callable[..., str]) -> None:
        name = write({"customer": "acme", "feature": "calls", "amount": 71})

        out, err = run("--file", name, "--cap")

        assert out == "uses.ndjson: 1 recorded, 0 recorded before, 0 refused\n"
        assert "uses.ndjson: record 1: dropped 1: the balance is used up" in err

    def test_standard_input(self, calls: Grant, monkeypatch: pytest.MonkeyPatch) -> None:
        content = io.BytesIO(b'{"customer": "acme", "feature": "calls", "amount": 3}')
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=content))

        assert run("--file", "-")[0] == "standard input: 1 recorded, 0 recorded before, 0 refused\n"
        assert usage(calls) == 33

    def test_many_batches(
        self, calls: Grant, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("billing.usage.usage_file.BATCH", 4)
        name = write(
            *[{"customer": "acme", "feature": "calls", "amount": 9, "key": f"k{n}"} for n in range(10)]
        )

        out, _ = run("--file", name, status=1)

        assert out == "uses.ndjson: 7 recorded, 0 recorded before, 3 refused\n"
        assert usage(calls) == 93

    def test_stopped(self, calls: Grant, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("billing.usage.usage_file.BATCH", 1)
        monkeypatch.setattr("billing.usage.usage_file.record_usage_batch", _interrupted_at_the_second())
        line = {"customer": "acme", "feature": "calls"}

        _, err = run("--file", write(line, line), status=130)

        assert "Stopped. At least 1 record had been saved" in err


def _interrupted_at_the_second() -> Callable[..., Any]:
    from_the_start = iter([False, True])

    def recorded(uses: Any) -> Any:
        if next(from_the_start):
            raise KeyboardInterrupt
        return record_usage_batch(uses)

    return recorded
