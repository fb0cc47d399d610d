"""Take a cancellation back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, uncancel_subscription


class Command(SubscribingCommand):
    """Thin: read, call, report."""

    help = "Let a cancelled subscription go on; a plan that was scheduled to take over from it is dropped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which."""
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="its id, or the id of the plan it is to"
        )

    def act(self, options: dict[str, Any]) -> Result:
        """Take it back."""
        customer = customer_called(options["customer"], options["env"])
        return uncancel_subscription(
            subscription_called(options["subscription"], customer),
            at=options["at"],
            done_by="uncancel_subscription",
        )
