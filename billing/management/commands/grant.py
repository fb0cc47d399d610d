"""Grant a customer something of a feature."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import transaction

from billing.balances.grant import CannotGrant, grant
from billing.explain.words import every
from billing.formats import quantity
from billing.ledger.balance_figures import figures_of_balance
from billing.management.arguments import amount, customer_called, entity_called, feature_called, moment
from billing.models.figures import Interval
from customers import clock
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import moment as shown_moment
from customers.formats import number
from customers.models import Environment

_INTERVALS = [value for value in Interval.values if value != Interval.MULTIPLE]


class Command(BaseCommand):
    """Thin: read the options, grant, report."""

    help = (
        "Grant a customer something of a feature, outside any plan: once, or with --interval again and again. The"
        " customer's balance of the feature is made if there is none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom, what, and how."""
        parser.add_argument("customer", metavar="CUSTOMER", help="any identifier that finds the customer")
        parser.add_argument("feature", metavar="FEATURE", help="the feature's id")
        parser.add_argument("amount", type=amount, metavar="AMOUNT", help="how much")
        parser.add_argument(
            "--interval", default="", choices=_INTERVALS, help="how often it is refilled (default: never)"
        )
        parser.add_argument("--interval-count", type=int, metavar="N", help="every N intervals")
        parser.add_argument(
            "--expires-at", type=moment, metavar="T", help="when it ends: 2026-03-01T09:30:00Z, or a date"
        )
        parser.add_argument("--entity", metavar="E", help="for this entity of the customer alone")
        parser.add_argument("--unlimited", action="store_true", help="without limit, whatever AMOUNT says")
        parser.add_argument("--at", type=moment, metavar="T", help="when it begins (default: now)")
        parser.add_argument("--reason", default="", metavar="R", help="why, for the ledger")
        parser.add_argument("--env", choices=Environment.values, help="whose customer (default: live first)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant, and show the figures after it."""
        try:
            with transaction.atomic():
                lines = self._grant(options)
        except CannotGrant as problem:
            raise CommandError(f"{problem} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, `manage.py migrate` makes it."
                " Nothing was changed."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        for line in lines:
            say(self.stdout, line)

    def _grant(self, options: dict[str, Any]) -> list[str]:
        customer = customer_called(options["customer"], options["env"])
        feature = feature_called(options["feature"])
        entity = entity_called(options["entity"], customer) if options["entity"] else None
        row = grant(
            customer,
            feature,
            options["amount"],
            done_by="grant",
            interval=options["interval"],
            interval_count=options["interval_count"],
            expires_at=options["expires_at"],
            entity=entity,
            unlimited=options["unlimited"],
            at=options["at"],
            reason=options["reason"],
        )
        how_much = f"{feature} without limit" if row.unlimited else quantity(row.included_grant, feature)
        whom = f"{customer}" if entity is None else f"{entity} of {customer}"
        told = [f"Granted: {how_much} to {whom}"]
        if row.reset_interval:
            told.append(f"Refilled {every(row.reset_interval, row.reset_interval_count)}")
        if row.next_reset_at:
            told[-1] += f", next on {shown_moment(row.next_reset_at)}"
        if row.expires_at:
            told.append(f"Expires on {shown_moment(row.expires_at)}")
        figures = figures_of_balance(row.balance, options["at"] or clock.now(), entity)
        told.append(
            f"{feature}: granted {number(figures.granted)},"
            f" remaining {'without limit' if figures.unlimited else number(figures.remaining)},"
            f" used {number(figures.usage)}"
        )
        return told
