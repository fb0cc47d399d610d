"""`manage.py merge_customers SURVIVOR OTHER…`"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from billing.management.arguments import customer_called
from crm.dedupe.merges.fields import FIELDS
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.plan import plan_merge
from crm.dedupe.merges.words import called, lines_of
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import listed
from customers.models import Environment


def chosen_field(text: str) -> tuple[str, str]:
    """`FIELD=CUSTOMER`: the customer whose value the primary record gets."""
    name, separator, identifier = text.partition("=")
    if not separator or not identifier:
        raise ArgumentTypeError(f"{text[:100]!r} is not FIELD=CUSTOMER, such as name=cus_…")
    if name not in FIELDS:
        raise ArgumentTypeError(f"There is no field {name[:100]!r} . Choose one of {', '.join(FIELDS)}")
    return name, identifier


class Command(BaseCommand):
    help = (
        "Merge customers into one, completely or not at all. The primary record has what all source records say together;"
        " where they say nothing it keeps its values, and empty fields are filled from the others. --field keeps the"
        " value of one customer. Balances stay side by side. `unmerge` undoes the merge."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("survivor", metavar="SURVIVOR", help="any identifier of the primary record")
        parser.add_argument(
            "others", nargs="+", metavar="OTHER", help="any identifier of a customer to merge into it"
        )
        parser.add_argument(
            "--field",
            action="append",
            default=[],
            type=chosen_field,
            metavar="FIELD=CUSTOMER",
            help="keep this customer's value of a field, and lock it against imports (can be repeated)",
        )
        parser.add_argument("--reason", default="", metavar="R", help="the reason, kept with the merge")
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="the environment of the customers (default: live, then sandbox)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what the merge would do")

    def handle(self, *args: Any, **options: Any) -> None:
        survivor = customer_called(options["survivor"], options["env"])
        others = [customer_called(each, options["env"]) for each in options["others"]]
        choices = {
            name: str(customer_called(identifier, options["env"]).pk) for name, identifier in options["field"]
        }
        try:
            plan = plan_merge(survivor, others, choices=choices)
            if not plan.can_be_done:
                raise CannotMerge(plan.refusals)
            say(self.stdout, one_line(f"Merge {listed([*map(called, others)])} into {called(survivor)}:"))
            for line in lines_of(plan):
                say(self.stdout, one_line(line))
            if options["dry_run"]:
                say(self.stdout, "Nothing was changed (--dry-run).")
                return
            merges = merge(
                str(survivor.pk),
                [str(other.pk) for other in others],
                choices=choices,
                reason=options["reason"],
            )
        except CannotMerge as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        for done in merges:
            say(
                self.stdout,
                one_line(f"Merged {called(done.other)} into {called(done.survivor)}: {done.pk}"),
            )
