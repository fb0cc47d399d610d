"""Move a subscription to another plan, version or quantity."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from billing.management.arguments import (
    customer_called,
    plan_called,
    positive,
    subscription_called,
    units_of_feature,
)
from billing.management.subscription_command import SubscribingCommand
from billing.subscriptions import Result, change_plan


class Command(SubscribingCommand):
    """Thin: read, call, report."""

    help = (
        "Move a subscription to another plan, another version of its plan, or another quantity. What costs as much or"
        " more by the month begins at once, the rest of the period prorated to the second; what costs less begins"
        " when the period ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The subscription, and what it becomes."""
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="its id, or the id of the plan it is to"
        )
        parser.add_argument("plan", metavar="PLAN", help="the plan to move to; its newest version")
        parser.add_argument("--quantity", type=positive, metavar="N", help="default: as it is")
        parser.add_argument("--plan-version", type=int, metavar="N", help="another version than the newest")
        parser.add_argument(
            "--prepaid",
            type=units_of_feature,
            action="append",
            metavar="FEATURE=UNITS",
            help="units to be bought ahead, instead of those bought so far; may be given several times",
        )
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--at-once",
            action="store_const",
            const=True,
            dest="at_once",
            default=None,
            help="begin now, even if it costs less",
        )
        when.add_argument(
            "--at-period-end",
            action="store_const",
            const=False,
            dest="at_once",
            help="begin when the period ends, even if it costs more",
        )

    def act(self, options: dict[str, Any]) -> Result:
        """Change."""
        customer = customer_called(options["customer"], options["env"])
        return change_plan(
            subscription_called(options["subscription"], customer),
            plan_called(options["plan"], customer.env, options["plan_version"]),
            quantity=options["quantity"],
            prepaid=None if options["prepaid"] is None else dict(options["prepaid"]),
            at=options["at"],
            at_once=options["at_once"],
            done_by="change_plan",
        )
