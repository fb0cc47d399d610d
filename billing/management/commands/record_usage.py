"""Record what customers used."""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.explain.words import STEPS
from billing.formats import name_of_grant, quantity
from billing.management.arguments import amount, customer_called, entity_called, feature_called, moment
from billing.models import Feature, Grant
from billing.usage.deduct import UsageRefused, UsageRequest, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record import record_usage
from billing.usage.usage_file import UsageFileOutcome, UsageFileReport, record_usage_file
from customers.cli import INTERRUPTED, STDIN, USAGE, Refuse, errors_file, one_line, origin_of, say
from customers.formats import number
from customers.ingest.reader import Unreadable, open_input, read_records
from customers.logs import add_counts
from customers.models import Customer, Environment

_DONE_BY = "record_usage"
_SHOWN = 20
_SINGLE = ("customer", "feature", "amount")
_ONLY_SINGLE = {"entity": "--entity", "key": "--key", "at": "--at", "reason": "--reason"}


class Command(BaseCommand):
    """Thin: read the options, record, report."""

    help = (
        "Record that a customer used a feature: one use, or with --file many, one JSON object a line with customer,"
        " feature (or event_name), and where needed amount (1 if left out), entity, key and at (ISO 8601 or"
        " milliseconds). What does not fit into the customer's balances is refused whole; a negative amount is a"
        " refund. A key is used once, for ever: the same use again under it changes nothing. The exit status is 1 if"
        " anything was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One use, or a file of them."""
        parser.add_argument(
            "customer", nargs="?", metavar="CUSTOMER", help="any identifier that finds the customer"
        )
        parser.add_argument("feature", nargs="?", metavar="FEATURE", help="the feature's id")
        parser.add_argument(
            "amount", nargs="?", type=amount, metavar="AMOUNT", help="how much; below zero: a refund"
        )
        parser.add_argument("--entity", metavar="E", help="the entity of the customer that used it")
        parser.add_argument("--key", metavar="K", help="the idempotency key of this use")
        parser.add_argument(
            "--at", type=moment, metavar="T", help="when (default: now): 2026-03-01T09:30:00Z, or a date"
        )
        parser.add_argument("--reason", default="", metavar="R", help="why, for the ledger")
        parser.add_argument(
            "--cap",
            action="store_true",
            help="take what fits and drop the rest, instead of refusing the whole",
        )
        parser.add_argument("--env", choices=Environment.values, help="whose customer (default: live first)")
        parser.add_argument("--file", metavar="FILE", help="read uses from there; - for standard input")
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="with --file: write each refused record there, on one line with its number, the place and the"
            " reason; mended, it can be recorded. An older file of that name is replaced",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Record, and say what came of it."""
        is_single = any(options[name] is not None for name in _SINGLE)
        if options["file"] is None:
            if not all(options[name] is not None for name in _SINGLE):
                raise CommandError("Give CUSTOMER FEATURE AMOUNT, or --file FILE.", returncode=USAGE)
            if options["errors"] is not None:
                raise CommandError("--errors goes with --file.", returncode=USAGE)
        else:
            singly = [flag for name, flag in _ONLY_SINGLE.items() if options[name]]
            if is_single or singly:
                given = ", ".join([*(["CUSTOMER FEATURE AMOUNT"] if is_single else []), *singly])
                raise CommandError(
                    f"--file says all of that in its lines: leave out {given}.", returncode=USAGE
                )
        self.counts: Counter[UsageFileOutcome] = Counter()
        try:
            if options["file"] is None:
                self._record_one(options)
            else:
                self._record_file(options)
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, `manage.py migrate` makes it. {self._so_far()}"
            ) from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {self._so_far()}", returncode=INTERRUPTED) from None

    def _record_one(self, options: dict[str, Any]) -> None:
        customer = customer_called(options["customer"], options["env"])
        feature = feature_called(options["feature"])
        use = UsageRequest(
            customer_id=str(customer.pk),
            feature=feature,
            amount=options["amount"],
            done_by=_DONE_BY,
            entity=entity_called(options["entity"], customer) if options["entity"] else None,
            key=options["key"],
            at=options["at"],
            cap=options["cap"],
            reason=options["reason"],
        )
        try:
            used = record_usage(use)
        except UsageRefused as refused:
            raise CommandError(f"Refused, and nothing was changed: {refused}") from None
        except KeyConflict as conflict:
            raise CommandError(str(conflict)) from None
        for line in _in_words(used, feature, customer):
            say(self.stdout, line)

    def _record_file(self, options: dict[str, Any]) -> None:
        name: str = options["file"]
        shown = origin_of(name) if name == STDIN else one_line(name)
        unreadable = ""
        with errors_file(options["errors"], [name]) as refuse:
            try:
                with open_input(name) as stream, _progress(stream, name) as bar:
                    records = read_records(cast("BinaryIO", _ProgressStream(stream, bar)))
                    reports = record_usage_file(
                        records, done_by=_DONE_BY, env=options["env"], cap=options["cap"]
                    )
                    self._tell(shown, _shown_on(bar, reports), refuse, options["errors"])
            except Unreadable as problem:
                unreadable = f"{shown}: {problem}"
        add_counts(**{outcome.value: number for outcome, number in self.counts.items()})
        if self.counts or not unreadable:
            say(self.stdout, f"{shown}: {self._in_counts()}")
        self._end(unreadable, options["errors"])

    def _tell(
        self, shown: str, reports: Iterator[UsageFileReport], refuse: Refuse, errors: str | None
    ) -> None:
        """Count the reports, and show the first of the refusals."""
        dropped = 0
        for report in reports:
            self.counts[report.outcome] += 1
            if report.used is not None and report.used.dropped:
                dropped += 1
                if dropped <= _SHOWN:
                    told = f"dropped {number(report.used.dropped)}: {report.used.why}"
                    self._complain(f"{shown}: record {report.number}: {one_line(told)}", str)
            if (bad := report.bad) is not None:
                refuse(bad)
                if self.counts[UsageFileOutcome.REFUSED] <= _SHOWN:
                    self._complain(f"{shown}: record {bad.number}: {one_line(f'{bad.path}: {bad.reason}')}")
        if (more := self.counts[UsageFileOutcome.REFUSED] - _SHOWN) > 0:
            where = one_line(errors) if errors else "--errors FILE to have them all"
            self._complain(f"{shown}: … and {more} more refused; see {where}")
        if dropped > _SHOWN:
            self._complain(f"{shown}: … and {dropped - _SHOWN} more of which something was dropped", str)

    def _in_counts(self) -> str:
        return ", ".join(f"{self.counts[outcome]} {outcome.value}" for outcome in UsageFileOutcome)

    def _so_far(self) -> str:
        done = self.counts[UsageFileOutcome.RECORDED] + self.counts[UsageFileOutcome.REPLAYED]
        if not self.counts:
            return "Nothing was reported as recorded yet; a use that has a key can be given again safely."
        return (
            f"At least {done} uses were recorded before, and the batch under way was undone."
            " Uses that have a key can be given again: what is recorded stays as it is."
        )

    def _end(self, unreadable: str, errors: str | None) -> None:
        problems = [unreadable] if unreadable else []
        if refused := self.counts[UsageFileOutcome.REFUSED]:
            problems.append(f"{refused} of the uses were refused.")
            if errors:
                problems.append(f"They are in {one_line(errors)}: mend them there and record that file.")
        if problems:
            raise CommandError(" ".join(problems))

    def _complain(self, line: str, style: Any = None) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(line, style)


def _in_words(used: UsageResult, feature: Feature, customer: Customer) -> Iterator[str]:
    if used.is_replay:
        yield "This key was used before for the same: nothing was changed. The answer then was:"
    verb = "Used" if used.amount > 0 else "Given back"
    yield f"{verb}: {quantity(used.units, feature)} of {customer}"
    grants = Grant.objects.select_related("plan").in_bulk(
        [part.id for part in used.parts if part.step != "rollover"]
    )
    for part in used.parts:
        grant = grants.get(part.id)
        whose = "" if grant is None else f": {name_of_grant(grant)}"
        charged = "" if part.charged == part.units else f", charged {number(part.charged)} credits"
        yield f"  {number(part.units)} {STEPS[part.step]}{whose}{charged}"
    if used.dropped:
        yield f"Dropped: {number(used.dropped)}, because {used.why}"
    names = Feature.objects.in_bulk(list(used.remaining))
    for key, left in used.remaining.items():
        shown = "without limit" if left is None else number(left)
        yield f"Remaining of {names.get(key, key)}: {shown}"


class _ProgressStream:
    """A stream that tells a progress bar how many bytes were read."""

    def __init__(self, stream: BinaryIO, bar: tqdm) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size) or b""
        self._bar.update(len(data))
        return data


def _progress(stream: BinaryIO, name: str) -> tqdm:
    """A bar on standard error for the bytes that are read of `stream`, if that is a terminal."""
    is_size_known = name != STDIN and not isinstance(stream, gzip.GzipFile)
    return tqdm(
        total=Path(name).stat().st_size or None if is_size_known else None,
        desc=origin_of(name),
        unit="B",
        unit_scale=True,
        miniters=0,
        file=sys.stderr,
        leave=False,
        disable=None,
    )


def _shown_on(bar: tqdm, reports: Iterator[UsageFileReport]) -> Iterator[UsageFileReport]:
    for count, report in enumerate(reports, start=1):
        bar.set_postfix_str(f"{count} uses", refresh=False)
        bar.update(0)
        yield report
