"""Give a customer a plan."""

from __future__ import annotations

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from billing.management.arguments import (
    customer_called,
    entity_called,
    plan_called,
    positive,
    units_of_feature,
)
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, attach_plan


class Command(SubscribingCommand):
    """Thin: read, call, report."""

    help = (
        "Give a customer a plan: what it includes is granted and what it costs is billed. A one-off plan is bought; a"
        " plan of a group that the customer has another plan of replaces that (at once if it costs as much or more,"
        " else when the period ends); an add-on goes beside."
    )
    at_help = "when it begins (default: now); what lies ahead is scheduled: 2026-03-01T09:30:00Z, or a date"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The plan, and how much of it."""
        super().add_arguments(parser)
        parser.add_argument("plan", metavar="PLAN", help="the plan's id; its newest version is attached")
        parser.add_argument("--quantity", type=positive, default=Decimal(1), metavar="N")
        parser.add_argument("--entity", metavar="E", help="attach it to this entity of the customer")
        parser.add_argument("--plan-version", type=int, metavar="N", help="another version than the newest")
        parser.add_argument(
            "--prepaid",
            type=units_of_feature,
            action="append",
            default=[],
            metavar="FEATURE=UNITS",
            help="buy units of a feature ahead, in whole packs; may be given several times",
        )
        parser.add_argument("--no-trial", action="store_true", help="begin to pay at once")

    def act(self, options: dict[str, Any]) -> Result:
        """Attach."""
        customer = customer_called(options["customer"], options["env"])
        return attach_plan(
            customer,
            plan_called(options["plan"], customer.env, options["plan_version"]),
            quantity=options["quantity"],
            prepaid=dict(options["prepaid"]),
            entity=entity_called(options["entity"], customer) if options["entity"] else None,
            at=options["at"],
            with_trial=not options["no_trial"],
            done_by="attach_plan",
        )
