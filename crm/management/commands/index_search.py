"""Make the indexes by which customers are found."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import connection

from crm.desk.search.indexes import make_indexes
from customers.cli import one_line


class Command(BaseCommand):
    """Thin: make them, say so."""

    help = (
        "Make the indexes by which PostgreSQL finds customers quickly, those that are missing. `migrate` does it, too,"
        " unless its role may not make the extension pg_trgm; once somebody else has made that, this makes the rest."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        try:
            problem = make_indexes(connection)
        except DatabaseProblem as failure:
            raise CommandError(f"The database failed: {one_line(str(failure).strip())}.") from None
        if problem:
            raise CommandError(one_line(problem))
        if connection.vendor == "postgresql":
            self.stdout.write("All indexes are there.")
        else:
            self.stdout.write("There is nothing to do: only PostgreSQL has them.")
