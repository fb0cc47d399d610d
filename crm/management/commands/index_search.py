"""Create the search indexes on PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import connection

from crm.desk.search.indexes import make_indexes
from customers.cli import one_line


class Command(BaseCommand):
    help = (
        "Create the missing search indexes on PostgreSQL. `migrate` creates them too, unless its database role can't"
        " create the extension pg_trgm. In that case, create the extension as another role, then run this command."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the missing indexes, and report the result."""
        try:
            problem = make_indexes(connection)
        except DatabaseProblem as failure:
            raise CommandError(f"The database failed: {one_line(str(failure).strip())}.") from None
        if problem:
            raise CommandError(one_line(problem))
        if connection.vendor == "postgresql":
            self.stdout.write("All search indexes exist.")
        else:
            self.stdout.write("Nothing to do. Only PostgreSQL uses search indexes.")
