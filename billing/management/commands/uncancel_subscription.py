"""Remove the cancellation of a subscription."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, uncancel_subscription


class Command(SubscribingCommand):
    help = "Remove the cancellation of a subscription, so that it renews. A scheduled replacement is dropped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="subscription ID, or the ID of its plan"
        )

    def act(self, options: dict[str, Any]) -> Result:
        customer = customer_called(options["customer"], options["env"])
        return uncancel_subscription(
            subscription_called(options["subscription"], customer),
            at=options["at"],
            done_by="uncancel_subscription",
        )
