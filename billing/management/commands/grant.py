"""Grant a customer an amount of a feature."""

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
    help = (
        "Grant a customer an amount of a feature outside any plan: once, or every --interval. Creates the customer's"
        " balance of the feature if there is none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="CUSTOMER", help="any identifier of the customer")
        parser.add_argument("feature", metavar="FEATURE", help="feature ID")
        parser.add_argument("amount", type=amount, metavar="AMOUNT", help="amount to grant")
        parser.add_argument(
            "--interval", default="", choices=_INTERVALS, help="how often it resets (default: never)"
        )
        parser.add_argument("--interval-count", type=int, metavar="N", help="reset every N intervals")
        parser.add_argument(
            "--expires-at", type=moment, metavar="T", help="expiry, such as 2026-03-01T09:30:00Z, or a date"
        )
        parser.add_argument("--entity", metavar="E", help="grant to this entity of the customer")
        parser.add_argument("--unlimited", action="store_true", help="grant without limit; AMOUNT is ignored")
        parser.add_argument(
            "--at",
            type=moment,
            metavar="T",
            help="start time; a later one schedules the grant (default: now)",
        )
        parser.add_argument("--reason", default="", metavar="R", help="reason for the ledger")
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="environment of the customer (default: live, then sandbox)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                lines = self._grant(options)
        except CannotGrant as problem:
            raise CommandError(f"{problem} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`."
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
        granted = row.included_grant if row.scheduled_amount is None else row.scheduled_amount
        amount_words = f"unlimited {feature}" if row.unlimited else quantity(granted, feature)
        recipient = f"{customer}" if entity is None else f"{entity} of {customer}"
        lines = [f"Granted {amount_words} to {recipient}"]
        if row.scheduled_amount is not None:
            lines[0] += f", from {shown_moment(row.created_at)} on"
        if row.reset_interval:
            lines.append(f"Resets {every(row.reset_interval, row.reset_interval_count)}")
        if row.next_reset_at:
            lines[-1] += f", next on {shown_moment(row.next_reset_at)}"
        if row.expires_at:
            lines.append(f"Expires on {shown_moment(row.expires_at)}")
        figures = figures_of_balance(row.balance, min(options["at"] or clock.now(), clock.now()), entity)
        lines.append(
            f"{feature}: granted {number(figures.granted)},"
            f" remaining {'unlimited' if figures.unlimited else number(figures.remaining)},"
            f" used {number(figures.usage)}"
        )
        return lines
