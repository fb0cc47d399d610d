"""`manage.py export_personal_data CUSTOMER|EMAIL`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseProblem
from django.template.loader import render_to_string

from billing.management.arguments import customer_called
from crm.exchange.atomic_file import whole_file
from crm.exchange.exports import one_snapshot
from crm.privacy.export import HeldTable, Subject, as_json, family_of, subject_of_email, tables_of
from customers import clock
from customers.audit.record import audit
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import counted, moment
from customers.lookup import UnknownCustomer
from customers.models import AuditAction, Customer, Environment

#: Only the operator may read what is written.
_PRIVATE = 0o600


class Command(BaseCommand):
    help = (
        "Write all that is held of a customer, or of every customer and person with an email address: a JSON file with"
        " every row, its former versions and the documents as received, and a page to read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "subject", metavar="CUSTOMER|EMAIL", help="an email address, or any identifier of a customer"
        )
        parser.add_argument(
            "--output", default=".", metavar="DIR", help="the directory of the two files (default: this one)"
        )
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="the environment of the customer (default: live, then sandbox)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        directory = Path(options["output"])
        try:
            with one_snapshot():
                subject = _subject(options["subject"], options["env"])
                data = json.dumps(
                    as_json(subject), cls=_Encoder, ensure_ascii=False, indent=2, sort_keys=False
                )
                page = render_to_string(
                    "crm/privacy/personal_data.html",
                    {
                        "made_at": moment(clock.now()),
                        "tables": [_readable(table) for table in tables_of(subject)],
                    },
                )
            name = [*subject.customer_ids, *(str(person.pk) for person in subject.people)][0]
            directory.mkdir(parents=True, exist_ok=True)
            for ending, text in (("json", data), ("html", page)):
                path = directory / f"personal-data-{name}.{ending}"
                with whole_file(path) as file:
                    file.write(text.encode())
                path.chmod(_PRIVATE)
                say(self.stdout, f"Wrote {one_line(str(path))}.")
            survivor = subject.customer_ids[0] if subject.customer_ids else None
            people = [str(person.pk) for person in subject.people]
            audit(AuditAction.PERSONAL_DATA_EXPORTED, survivor, people=people)
        except UnknownCustomer as problem:
            raise CommandError(one_line(str(problem))) from None
        except OSError as problem:
            raise CommandError(
                f"Couldn't write to {one_line(str(directory))}: {problem.strerror or problem}."
            ) from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=INTERRUPTED) from None


def _subject(identifier: str, env: str | None) -> Subject:
    if "@" in identifier:
        return subject_of_email(identifier)
    customer = customer_called(identifier, env)
    return Subject(family_of(Customer.objects.filter(pk=customer.pk)))


def _readable(table: HeldTable) -> dict[str, Any]:
    rows = [_filled(row, table.labels) for row in table.rows]
    former = counted(len(table.former), "former version") if table.former else ""
    return {"title": table.title, "rows": rows, "former": former and f"{former}, in the JSON file."}


def _filled(row: Any, labels: Any) -> Sequence[tuple[str, str]]:
    """The columns of a row that hold something, by their label."""
    return [
        (labels[name], _text(value))
        for name, value in row.items()
        if name in labels and value not in (None, "", [], {})
    ]


def _text(value: Any) -> str:
    if hasattr(value, "hour"):
        return moment(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


class _Encoder(DjangoJSONEncoder):
    """Also writes bytes, as their number."""

    def default(self, o: Any) -> Any:
        return f"{len(o)} bytes" if isinstance(o, bytes | memoryview) else super().default(o)
