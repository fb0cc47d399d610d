"""The base of the commands about subscriptions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from billing.formats import money
from billing.management.arguments import moment
from billing.subscriptions import CannotBill, CannotSubscribe, Result
from customers.cli import INTERRUPTED, say
from customers.models import Environment


class SubscribingCommand(BaseCommand):
    """Reads the options, calls `act`, and prints its result."""

    #: The help of `--at`.
    at_help = "effective time, such as 2026-03-01T09:30:00Z, or a date (default: now)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="CUSTOMER", help="any identifier of the customer")
        parser.add_argument("--at", type=moment, metavar="T", help=self.at_help)
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="environment of the customer (default: live, then sandbox)",
        )

    def act(self, options: dict[str, Any]) -> Result:
        """Call the operation."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.act(options)
        except (CannotSubscribe, CannotBill) as problem:
            raise CommandError(f"{problem} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = str(problem).strip().partition("\n")[0]
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        for line in result.messages:
            say(self.stdout, line)
        if result.subscription is not None:
            say(self.stdout, f"subscription: {result.subscription.subscription_id}")
        for invoice in result.invoices:
            total = money(invoice.total, invoice.currency)
            say(self.stdout, f"invoice: {invoice.number}, {total}, {invoice.status}")
