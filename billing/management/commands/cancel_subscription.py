"""Cancel a subscription."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, scheduled_purchase_called, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, cancel_purchase, cancel_subscription


class Command(SubscribingCommand):
    help = (
        "Cancel a subscription at the end of its period or trial, or immediately. A scheduled subscription or purchase is"
        " dropped."
        " Canceling doesn't refund past charges. To refund, issue a credit note."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "subscription",
            metavar="SUBSCRIPTION",
            help="ID of a subscription or scheduled purchase, or of its plan",
        )
        parser.add_argument(
            "--now", action="store_true", dest="at_once", help="cancel immediately, not at period end"
        )

    def act(self, options: dict[str, Any]) -> Result:
        customer = customer_called(options["customer"], options["env"])
        purchase = scheduled_purchase_called(options["subscription"], customer)
        if purchase is not None:
            return cancel_purchase(purchase, done_by="cancel_subscription")
        return cancel_subscription(
            subscription_called(options["subscription"], customer),
            at=options["at"],
            at_once=options["at_once"],
            done_by="cancel_subscription",
        )
