"""Record usage of features."""

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
from billing.management.arguments import (
    account_called,
    amount,
    customer_called,
    entity_called,
    feature_called,
    moment,
)
from billing.models import Feature, Grant
from billing.usage.deduct import UsageRefused, UsageRequest, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record import record_usage
from billing.usage.usage_file import UsageFileOutcome, UsageFileReport, record_usage_file
from customers.cli import INTERRUPTED, STDIN, USAGE, Refuse, errors_file, one_line, origin_of, say
from customers.formats import counted, number
from customers.ingest.reader import Unreadable, open_input, read_records
from customers.logs import add_counts
from customers.models import Customer, Environment

_DONE_BY = "record_usage"
_SHOWN = 20
_SINGLE = ("customer", "feature", "amount")
_ONLY_SINGLE = {"entity": "--entity", "key": "--key", "at": "--at", "reason": "--reason"}


class Command(BaseCommand):
    help = (
        "Record that a customer used a feature. With --file, record many: one JSON object per line with customer, feature"
        " (or event_name) and optionally amount (default 1), entity, key and at (ISO 8601 or milliseconds). Usage that"
        " exceeds the customer's balances is refused as a whole. A negative amount is a refund. A key is used once, ever:"
        " repeating the same usage with its key changes nothing. The exit status is 1 if anything was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", nargs="?", metavar="CUSTOMER", help="any identifier of the customer")
        parser.add_argument("feature", nargs="?", metavar="FEATURE", help="feature ID")
        parser.add_argument(
            "amount", nargs="?", type=amount, metavar="AMOUNT", help="units used; negative for a refund"
        )
        parser.add_argument("--entity", metavar="E", help="the customer's entity that used it")
        parser.add_argument("--key", metavar="K", help="idempotency key")
        parser.add_argument(
            "--at",
            type=moment,
            metavar="T",
            help="time of the usage, such as 2026-03-01T09:30:00Z, or a date (default: now); not in the future",
        )
        parser.add_argument("--reason", default="", metavar="R", help="reason for the ledger")
        parser.add_argument(
            "--cap",
            action="store_true",
            help="record what fits and drop the rest, instead of refusing all of it",
        )
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="environment of the customer (default: live, then sandbox)",
        )
        parser.add_argument(
            "--file", metavar="FILE", help="record the usage in this file; - for standard input"
        )
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="with --file: write each refused record to this file, one per line with its number, path and reason. Correct"
            " it and record the file. An existing file is replaced",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_single = any(options[name] is not None for name in _SINGLE)
        if options["file"] is None:
            if not all(options[name] is not None for name in _SINGLE):
                raise CommandError("Give CUSTOMER FEATURE AMOUNT, or --file FILE.", returncode=USAGE)
            if options["errors"] is not None:
                raise CommandError("Use --errors only with --file.", returncode=USAGE)
        else:
            singly = [flag for name, flag in _ONLY_SINGLE.items() if options[name]]
            if is_single or singly:
                given = ", ".join([*(["CUSTOMER FEATURE AMOUNT"] if is_single else []), *singly])
                raise CommandError(
                    f"Leave out {given}: with --file, each line has its own.", returncode=USAGE
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
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`. {self._so_far()}"
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
            account_id=account_called(options["customer"], customer),
        )
        try:
            used = record_usage(use)
        except UsageRefused as refused:
            raise CommandError(f"Refused. Nothing was changed. {refused}") from None
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
                    self._print(shown, _advancing(bar, reports), refuse, options["errors"])
            except Unreadable as problem:
                unreadable = f"{shown}: {problem}"
        add_counts(**{outcome.value: number for outcome, number in self.counts.items()})
        if self.counts or not unreadable:
            say(self.stdout, f"{shown}: {self._in_counts()}")
        self._end(unreadable, options["errors"])

    def _print(
        self, shown: str, reports: Iterator[UsageFileReport], refuse: Refuse, errors: str | None
    ) -> None:
        """Count the reports, and print the first refusals."""
        dropped = 0
        for report in reports:
            self.counts[report.outcome] += 1
            if report.used is not None and report.used.dropped:
                dropped += 1
                if dropped <= _SHOWN:
                    remark = f"dropped {number(report.used.dropped)}: {report.used.why}"
                    self._print_problem(f"{shown}: record {report.number}: {one_line(remark)}", str)
            if (bad := report.bad) is not None:
                refuse(bad)
                if self.counts[UsageFileOutcome.REFUSED] <= _SHOWN:
                    self._print_problem(
                        f"{shown}: record {bad.number}: {one_line(f'{bad.path}: {bad.reason}')}"
                    )
        if (more := self.counts[UsageFileOutcome.REFUSED] - _SHOWN) > 0:
            where = f"see {one_line(errors)}" if errors else "use --errors FILE to get them all"
            self._print_problem(f"{shown}: … and {number(more)} more refused; {where}")
        if dropped > _SHOWN:
            self._print_problem(f"{shown}: … and {number(dropped - _SHOWN)} more with dropped units", str)

    def _in_counts(self) -> str:
        return ", ".join(f"{self.counts[outcome]} {outcome.value}" for outcome in UsageFileOutcome)

    def _so_far(self) -> str:
        done = self.counts[UsageFileOutcome.RECORDED] + self.counts[UsageFileOutcome.REPLAYED]
        if not self.counts:
            return "Nothing was reported as recorded yet. You can repeat usage that has a key."
        return (
            f"At least {counted(done, 'record')} had been saved. The batch in progress was rolled back."
            " You can repeat usage that has a key."
        )

    def _end(self, unreadable: str, errors: str | None) -> None:
        problems = [unreadable] if unreadable else []
        if refused := self.counts[UsageFileOutcome.REFUSED]:
            problems.append(f"{counted(refused, 'record')} refused.")
            if errors:
                problems.append(f"Correct them in {one_line(errors)} and record that file.")
        if problems:
            raise CommandError(" ".join(problems))

    def _print_problem(self, line: str, style: Any = None) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(line, style)


def _in_words(used: UsageResult, feature: Feature, customer: Customer) -> Iterator[str]:
    if used.is_replay:
        yield "This usage was already recorded under its key. Nothing was changed. The result was:"
    verb = "Used" if used.amount >= 0 else "Refunded"
    yield f"{verb} {quantity(used.units, feature)}: {customer}"
    grants = Grant.objects.select_related("plan").in_bulk(
        [part.id for part in used.parts if part.step != "rollover"]
    )
    for part in used.parts:
        grant = grants.get(part.id)
        source = "" if grant is None else f": {name_of_grant(grant)}"
        charged = "" if part.charged == part.units else f", charged {number(part.charged)} credits"
        yield f"  {number(part.units)} {STEPS[part.step]}{source}{charged}"
    if used.note:
        yield used.note
    if used.dropped:
        yield f"Dropped {number(used.dropped)}, because {used.why}"
    names = Feature.objects.in_bulk(list(used.remaining))
    for key, left in used.remaining.items():
        remaining = "unlimited" if left is None else number(left)
        yield f"Remaining {names.get(key, key)}: {remaining}"


class _ProgressStream:
    """A stream that advances a progress bar by the bytes read."""

    def __init__(self, stream: BinaryIO, bar: tqdm) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size) or b""
        self._bar.update(len(data))
        return data


def _progress(stream: BinaryIO, name: str) -> tqdm:
    """A progress bar on standard error for the bytes read from `stream`, if standard error is a terminal."""
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


def _advancing(bar: tqdm, reports: Iterator[UsageFileReport]) -> Iterator[UsageFileReport]:
    for count, report in enumerate(reports, start=1):
        bar.set_postfix_str(counted(count, "record"), refresh=False)
        bar.update(0)
        yield report
