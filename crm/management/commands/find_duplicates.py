"""Find possible duplicates."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.management.arguments import moment
from crm.dedupe.duplicates.review import Recorded, record
from crm.dedupe.duplicates.sweep import FoundPair, Sweep, swept
from crm.dedupe.duplicates.trials import SharedTrials, shared_trials
from crm.dedupe.duplicates.weights import DEFAULT_SCORE
from crm.jobs.duplicates import DUPLICATES, pairs_in_words
from crm.queue import record_run
from customers import clock
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import counted
from customers.logs import add_counts
from customers.models import Environment

#: Customers that one line names.
_SHOWN = 10


class Command(BaseCommand):
    help = (
        "Compare all customers that are neither merged nor archived, and list possible duplicates with the"
        f" reasons. Pairs with a score of {DEFAULT_SCORE} or more go to the review queue, and decisions there stay."
        " Run it every night."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=moment,
            metavar="T",
            help="only pairs with a customer that was created, changed or received since then: 2026-03-01T09:30:00Z, or a date",
        )
        parser.add_argument(
            "--min-score",
            type=_score,
            default=DEFAULT_SCORE,
            metavar="S",
            help=f"list pairs with this score or higher, from 0 to 1 (default: {DEFAULT_SCORE})",
        )
        parser.add_argument(
            "--format",
            choices=["text", "ndjson"],
            default="text",
            help="text to read, or one JSON object per line (default: text)",
        )
        parser.add_argument(
            "--env", choices=Environment.values, help="only the customers of this environment"
        )
        parser.add_argument(
            "--trials",
            action="store_true",
            help="list shared trials instead: several customers, one device, company or payment method",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_text = options["format"] == "text"
        try:
            if options["trials"]:
                for shared in shared_trials(options["env"]):
                    say(self.stdout, _trials_in_words(shared) if self.is_text else _as_line(shared))
                return
            begun = clock.now()
            least = min(options["min_score"], DEFAULT_SCORE)
            with swept(since=options["since"], min_score=least, env=options["env"], step=self._bar) as sweep:
                self._close_bar()
                recorded = record(sweep.pairs(), since=options["since"], env=options["env"])
                self._list(sweep, options["min_score"])
            record_run(
                DUPLICATES,
                "find_duplicates",
                stderr=self.stderr,
                started_at=begun,
                result=pairs_in_words(recorded),
            )
            add_counts(waiting=recorded.waiting, new=recorded.new, closed=recorded.closed)
            self.stderr.write(_in_words(recorded), str)
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. The review queue is unchanged.", returncode=INTERRUPTED) from None
        finally:
            self._close_bar()

    def _list(self, sweep: Sweep, min_score: float) -> None:
        for pair in sweep.pairs(min_score):
            say(self.stdout, _pair_in_words(pair) if self.is_text else _pair_as_line(pair))

    def _bar(self, what: str, number: int) -> Callable[[int], object]:
        self._close_bar()
        self.bar = tqdm(total=number, desc=what, file=sys.stderr, leave=False, disable=None)
        return self.bar.update

    def _close_bar(self) -> None:
        bar = getattr(self, "bar", None)
        if bar is not None:
            bar.close()


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise ArgumentTypeError(f"“{text}” is not a number from 0 to 1, such as {DEFAULT_SCORE}")
    return score


def _pair_as_line(pair: FoundPair) -> str:
    return _as_line(
        {
            "a": pair.a,
            "b": pair.b,
            "score": pair.score,
            "reasons": pair.reasons,
            "a_ids": pair.a_ids,
            "b_ids": pair.b_ids,
        }
    )


def _as_line(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _pair_in_words(pair: FoundPair) -> str:
    sides = (
        f"       {one_line(name or 'no name')}: {one_line(', '.join(ids))}"
        for name, ids in ((pair.a_name, pair.a_ids), (pair.b_name, pair.b_ids))
    )
    reasons = (f"       - {one_line(reason)}" for reason in pair.reasons)
    first, second = sides
    return "\n".join((f"{pair.score:.2f}   {first.strip()}", second, *reasons))


def _trials_in_words(shared: SharedTrials) -> str:
    takers = "; ".join(
        f"{taker.name or 'no name'} ({taker.customer}) took {', '.join(taker.plans)}"
        for taker in shared.takers[:_SHOWN]
    )
    more = len(shared.takers) - _SHOWN
    return one_line(f"{shared.what}: {takers}" + (f"; and {more} more" if more > 0 else ""))


def _in_words(recorded: Recorded) -> str:
    return (
        f"Review queue: {counted(recorded.waiting, 'pair')} in {counted(recorded.clusters, 'group')}"
        f" ({recorded.new} new, {recorded.again} back after a snooze, {recorded.closed} closed)."
    )
