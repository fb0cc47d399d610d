"""Change the plan, version or quantity of a subscription."""

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
    help = (
        "Change the plan, plan version or quantity of a subscription. Upgrades start now and are prorated."
        " Downgrades start at the next renewal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "subscription", metavar="SUBSCRIPTION", help="subscription ID, or the ID of its plan"
        )
        parser.add_argument(
            "plan", metavar="PLAN", help="plan ID; another plan starts with its newest version"
        )
        parser.add_argument("--quantity", type=positive, metavar="N", help="default: unchanged")
        version = parser.add_mutually_exclusive_group()
        version.add_argument("--plan-version", type=int, metavar="N", help="change to this version")
        version.add_argument(
            "--newest-version",
            action="store_true",
            help="change to the newest version of the same plan (default: its version stays)",
        )
        parser.add_argument(
            "--prepaid",
            type=units_of_feature,
            action="append",
            metavar="FEATURE=UNITS",
            help="prepaid units, replacing the current ones; repeatable",
        )
        parser.add_argument(
            "--currency",
            default="",
            metavar="CODE",
            help="bill it in this currency, if nothing else of the customer is billed in another",
        )
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--at-once",
            action="store_const",
            const=True,
            dest="at_once",
            default=None,
            help="start immediately, even for a downgrade",
        )
        when.add_argument(
            "--at-period-end",
            action="store_const",
            const=False,
            dest="at_once",
            help="start at period end, even for an upgrade",
        )

    def act(self, options: dict[str, Any]) -> Result:
        customer = customer_called(options["customer"], options["env"])
        subscription = subscription_called(options["subscription"], customer)
        is_moved = options["newest_version"] or options["plan_version"] is not None
        is_same = options["plan"] == subscription.plan.plan_id and not is_moved
        return change_plan(
            subscription,
            subscription.plan
            if is_same
            else plan_called(options["plan"], customer.env, options["plan_version"]),
            quantity=options["quantity"],
            prepaid=None if options["prepaid"] is None else dict(options["prepaid"]),
            at=options["at"],
            at_once=options["at_once"],
            currency=options["currency"],
            done_by="change_plan",
        )
