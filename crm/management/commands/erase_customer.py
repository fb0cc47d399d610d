"""`manage.py erase_customer CUSTOMER --reason R`"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from billing.management.arguments import customer_called
from crm.privacy.erase import CannotErase, erase_customer
from crm.privacy.erase_person import erase_person
from crm.privacy.rows import Erased
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import listed
from customers.ingest.engine import rolled_back
from customers.models import Environment

_DONE_BY = "erase_customer"


class Command(BaseCommand):
    help = (
        "Erase the personal data of a customer and of all that were merged into it, or of one person of it. The"
        " ledger, invoices and their totals stay under the customer's ID. Imports leave its records out from then on."
        " This can't be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="CUSTOMER", help="any identifier of the customer")
        parser.add_argument(
            "--reason",
            required=True,
            metavar="R",
            help="why, such as “request of March 2”; kept for ever, so without names and addresses",
        )
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="the environment of the customer (default: live, then sandbox)",
        )
        parser.add_argument(
            "--person",
            metavar="ID|EMAIL",
            help="erase only this person of the customer, by ID, ID in the CRM, or email address",
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what would be erased")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = customer_called(options["customer"], options["env"])
        is_dry_run = options["dry_run"]
        try:
            with rolled_back() if is_dry_run else nullcontext():
                if options["person"]:
                    done = erase_person(customer, options["person"], options["reason"], _DONE_BY)
                else:
                    done = erase_customer(customer, options["reason"], _DONE_BY)
        except CannotErase as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        for line in _lines(done, is_dry_run):
            say(self.stdout, line)


def _lines(done: Erased, is_dry_run: bool) -> list[str]:
    begun = "Would delete" if is_dry_run else "Deleted", "Would empty" if is_dry_run else "Emptied"
    lines = [
        f"{words} {listed(_counts(counts))}."
        for words, counts in zip(begun, (done.deleted, done.emptied), strict=True)
        if counts
    ]
    if done.unpaid:
        lines.append(f"Not paid yet, and now without an address: {listed(done.unpaid)}.")
    if done.remains_at:
        lines.append(f"Still a person of {listed(done.remains_at)}.")
    erased = done.erasure.person_id or done.erasure.customer_id
    lines.append("Nothing was changed (--dry-run)." if is_dry_run else f"Erased {erased}.")
    return lines


def _counts(counts: Counter[str]) -> list[str]:
    return [f"{number:,} {noun}" for noun, number in sorted(counts.items())]
