"""`manage.py unmerge MERGE…`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import transaction

from crm.dedupe.merges.unmerge import (
    KEEP,
    RESTORE,
    CannotUnmerge,
    Unsettled,
    conflicts_of,
    hindrance,
    unmerge,
)
from crm.dedupe.merges.words import conflict_in_words
from crm.models import Merge
from customers.cli import INTERRUPTED, one_line, say
from customers.typed_ids import to_uuid


class Command(BaseCommand):
    help = (
        "Undo a merge: the merged customer is a separate customer again, with its values and rows. For each field that"
        " was edited since, add --keep or --restore. With several merges that is for each of them that has the field."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "merges",
            nargs="+",
            metavar="MERGE",
            help="an ID that merge_customers or link_records printed; several are undone together, all or none",
        )
        parser.add_argument(
            "--keep", action="append", default=[], metavar="FIELD", help="keep the present value of the field"
        )
        parser.add_argument(
            "--restore",
            action="append",
            default=[],
            metavar="FIELD",
            help="restore the value from before the merge",
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what the undo would do")

    def handle(self, *args: Any, **options: Any) -> None:
        merges = [_merge_called(name) for name in options["merges"]]
        if options["dry_run"]:
            for merge in merges:
                for conflict in conflicts_of(merge):
                    say(self.stdout, one_line(conflict_in_words(conflict)))
                what = hindrance(merge) or f"It would make {_whom(merge)} two customers again."
                say(self.stdout, one_line(f"{what} Nothing was changed (--dry-run)."))
            return
        settle = dict.fromkeys(options["keep"], KEEP) | dict.fromkeys(options["restore"], RESTORE)
        used: set[str] = set()
        try:
            with transaction.atomic():
                for merge in merges:
                    # A decision is for each of the merges whose field was edited since.
                    own = {each.name for each in conflicts_of(merge)} & settle.keys()
                    unmerge(merge, settle={name: settle[name] for name in own})
                    used |= own
                if unknown := [name for name in settle if name not in used]:
                    raise CannotUnmerge(f"No decision is needed for {', '.join(unknown)}. Leave it out.")
        except Unsettled as unsettled:
            raise CommandError(
                "\n".join(
                    [
                        "Edited since the merge. Add --keep FIELD or --restore FIELD for each:",
                        *(one_line(conflict_in_words(each)) for each in unsettled.conflicts),
                        "Nothing was changed.",
                    ]
                )
            ) from None
        except CannotUnmerge as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        # Read again, to show the restored names.
        for merge in merges:
            whom = _whom(_merge_called(str(merge.pk)))
            say(self.stdout, one_line(f"Undid the merge. {whom} are two customers again."))


def _whom(merge: Merge) -> str:
    return f"{merge.other} ({merge.other_id}) and {merge.survivor} ({merge.survivor_id})"


def _merge_called(identifier: str) -> Merge:
    found = None
    if to_uuid(identifier, ("merge",)) is not None:
        found = Merge.objects.select_related("survivor", "other").filter(pk=identifier).first()
    if found is None:
        raise CommandError(
            f"There is no merge “{one_line(identifier[:100])}”. `merge_customers` prints the ID, and the admin lists"
            " them under Merges."
        )
    return found
