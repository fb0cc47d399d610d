"""Cancel a subscription."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, cancel_subscription


class Command(SubscribingCommand):
    """Thin: read, call, report."""

    help = (
        "Cancel a subscription: it ends when its period (or trial) ends, or at once. A scheduled one is dropped."
        " Nothing is given back; a credit note does that."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, and when it ends."""
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="its id, or the id of the plan it is to"
        )
        parser.add_argument(
            "--now", action="store_true", dest="at_once", help="end it at once, not when its period ends"
        )

    def act(self, options: dict[str, Any]) -> Result:
        """Cancel."""
        customer = customer_called(options["customer"], options["env"])
        return cancel_subscription(
            subscription_called(options["subscription"], customer),
            at=options["at"],
            at_once=options["at_once"],
            done_by="cancel_subscription",
        )
