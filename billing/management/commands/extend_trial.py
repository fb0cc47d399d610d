"""Let a trial last longer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, moment, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, extend_trial


class Command(SubscribingCommand):
    """Thin: read, call, report."""

    help = "Let the trial of a subscription last until a later moment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, and until when."""
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="its id, or the id of the plan it is to"
        )
        parser.add_argument("until", type=moment, metavar="UNTIL", help="2026-03-01T09:30:00Z, or a date")

    def act(self, options: dict[str, Any]) -> Result:
        """Extend."""
        customer = customer_called(options["customer"], options["env"])
        return extend_trial(
            subscription_called(options["subscription"], customer),
            options["until"],
            at=options["at"],
            done_by="extend_trial",
        )
