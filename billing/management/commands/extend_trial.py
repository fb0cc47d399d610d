"""Extend the trial of a subscription."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import customer_called, moment, subscription_called
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, extend_trial


class Command(SubscribingCommand):
    help = "Extend the trial of a subscription."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="subscription ID, or the ID of its plan"
        )
        parser.add_argument(
            "until",
            type=moment,
            metavar="UNTIL",
            help="new end of the trial, such as 2026-03-01T09:30:00Z, or a date",
        )

    def act(self, options: dict[str, Any]) -> Result:
        customer = customer_called(options["customer"], options["env"])
        return extend_trial(
            subscription_called(options["subscription"], customer),
            options["until"],
            at=options["at"],
            done_by="extend_trial",
        )
