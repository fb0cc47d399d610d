"""Attach a plan to a customer."""

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
    help = (
        "Attach a plan to a customer. This grants what the plan includes and bills its price. The plan replaces the"
        " customer's plan of the same group: an upgrade immediately, a downgrade at period end. An add-on is attached in"
        " addition, and a one-off plan becomes a purchase."
    )
    at_help = "start time, such as 2026-03-01T09:30:00Z, or a date (default: now); a future one is scheduled"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("plan", metavar="PLAN", help="plan ID; attaches the newest version")
        parser.add_argument("--quantity", type=positive, default=Decimal(1), metavar="N", help="default: 1")
        parser.add_argument("--entity", metavar="E", help="attach to this entity of the customer")
        parser.add_argument(
            "--plan-version", type=int, metavar="N", help="attach this version instead of the newest"
        )
        parser.add_argument(
            "--prepaid",
            type=units_of_feature,
            action="append",
            default=[],
            metavar="FEATURE=UNITS",
            help="prepaid units of a feature, rounded up to whole packs; repeatable",
        )
        parser.add_argument(
            "--currency",
            default="",
            metavar="CODE",
            help="bill it in this currency, if nothing else of the customer is billed in another",
        )
        parser.add_argument("--no-trial", action="store_true", help="skip the trial and bill immediately")

    def act(self, options: dict[str, Any]) -> Result:
        customer = customer_called(options["customer"], options["env"])
        return attach_plan(
            customer,
            plan_called(options["plan"], customer.env, options["plan_version"]),
            quantity=options["quantity"],
            prepaid=dict(options["prepaid"]),
            entity=entity_called(options["entity"], customer) if options["entity"] else None,
            at=options["at"],
            with_trial=not options["no_trial"],
            currency=options["currency"],
            done_by="attach_plan",
        )
