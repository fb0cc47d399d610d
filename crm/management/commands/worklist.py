"""List the accounts that need attention, and why."""

from __future__ import annotations

import csv
import io
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.desk.segments.cli import segment_named
from crm.desk.spreadsheets.csv_safety import plain_cell
from crm.desk.worklist.queries import entries_of, reasons_by_entry
from crm.desk.worklist.refresh import WORKLIST
from crm.desk.worklist.rules import RULES
from crm.models import DeskRefresh, WorklistEntry, WorklistReason
from customers.cli import one_line, say
from customers.json_types import to_iso

_BATCH = 500
_COLUMNS = ("weight", "customer_id", "customer", "for", "rule", "words", "since", "link")

EntryWithReasons = tuple[WorklistEntry, list[WorklistReason]]


class Command(BaseCommand):
    help = (
        "List the accounts that need attention, most urgent first, each with its reasons, as of the last"
        " `refresh_desk`. Reasons that are done, snoozed or dismissed are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--owner", metavar="USER", help="only the accounts on this user's worklist (user name)"
        )
        parser.add_argument(
            "--rule",
            choices=list(RULES),
            metavar="RULE",
            help=f"only accounts with a reason of this rule: {', '.join(RULES)}",
        )
        parser.add_argument("--segment", metavar="NAME", help="only accounts in this segment (name or ID)")
        parser.add_argument(
            "--format",
            choices=["text", "json", "csv"],
            default="text",
            help="text to read, one JSON array, or CSV with a line per reason (default: text)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """List the accounts, and write the time of the last refresh to standard error."""
        try:
            people = _people(options["owner"])
            lines = {"text": _as_text, "json": _as_json, "csv": _as_csv}[options["format"]]
            for line in lines(_accounts(people, options["rule"] or "", options["segment"])):
                say(self.stdout, line)
            refreshed = DeskRefresh.objects.filter(name=WORKLIST).first()
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`."
            ) from None
        if refreshed is None or refreshed.finished_at is None:
            self.stderr.write("No worklist yet. Run `manage.py refresh_desk` first.", str)
        else:
            self.stderr.write(f"As of {to_iso(refreshed.finished_at)}.", str)


def _people(name: str | None) -> list[Any] | None:
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user “{one_line(name)}”. Enter a user name for --owner.")
    return [user.pk]


def _accounts(people: list[Any] | None, rule: str, segment: str | None) -> Iterator[EntryWithReasons]:
    found = entries_of(people, rule)
    if segment:
        found = found.filter(customer__in=segment_named(segment)[1].order_by().values("pk"))
    entries = found.iterator(chunk_size=_BATCH)
    while batch := list(islice(entries, _BATCH)):
        reasons = reasons_by_entry(batch)
        for entry in batch:
            yield entry, reasons[str(entry.pk)]


def _as_text(accounts: Iterator[EntryWithReasons]) -> Iterator[str]:
    for entry, reasons in accounts:
        person = entry.person.get_username() if entry.person else "no account manager"
        yield one_line(f"{entry.weight:>4}  {entry.customer} ({entry.customer_id}), {person}")
        for reason in reasons:
            yield one_line(f"      - {reason.words}")


def _as_json(accounts: Iterator[EntryWithReasons]) -> Iterator[str]:
    opening = "["
    for entry, reasons in accounts:
        document = {
            "customer_id": str(entry.customer_id),
            "customer": str(entry.customer),
            "for": entry.person.get_username() if entry.person else None,
            "weight": entry.weight,
            "reasons": [
                {
                    "rule": reason.rule,
                    "words": reason.words,
                    "weight": reason.weight,
                    "since": to_iso(reason.since),
                    "link": reason.link,
                }
                for reason in reasons
            ],
        }
        yield f"{opening}{msgspec.json.encode(document).decode()}"
        opening = ","
    yield "[]" if opening == "[" else "]"


def _as_csv(accounts: Iterator[EntryWithReasons]) -> Iterator[str]:
    yield _row(_COLUMNS)
    for entry, reasons in accounts:
        person = entry.person.get_username() if entry.person else ""
        for reason in reasons:
            yield _row(
                (
                    str(reason.weight),
                    str(entry.customer_id),
                    str(entry.customer),
                    person,
                    reason.rule,
                    reason.words,
                    to_iso(reason.since),
                    reason.link,
                )
            )


def _row(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(map(plain_cell, cells))
    return line.getvalue()
