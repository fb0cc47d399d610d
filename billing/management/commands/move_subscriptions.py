"""Move the subscriptions of a plan to its newest version, or to another one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.formats import money
from billing.management.arguments import plan_called
from billing.revenue.move import MonthlyRevenue, move_subscriptions, revenue_of_move, to_move
from customers.cli import INTERRUPTED, say
from customers.formats import counted
from customers.models import Environment


class Command(BaseCommand):
    help = (
        "Move the subscriptions of a plan to its newest version, for example after a change of price. Shows the MRR"
        " before and after. Subscriptions that the billing platform bills, and those with a scheduled change, stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plan", metavar="PLAN", help="plan ID")
        parser.add_argument(
            "--plan-version", type=int, metavar="N", help="move to this version instead of the newest"
        )
        parser.add_argument(
            "--at-once",
            action="store_true",
            help="move now and prorate the period (default: at the end of each period)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only show how many would move, and their MRR"
        )
        parser.add_argument(
            "--env", choices=Environment.values, default=Environment.LIVE, help="environment (default: live)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        version = plan_called(options["plan"], options["env"], options["plan_version"])
        count = to_move(version).count()
        before, after = revenue_of_move(version)
        say(self.stdout, f"{counted(count, 'subscription')} to move to {version}")
        for currency in sorted({*before, *after}):
            say(self.stdout, f"MRR: {_mrr(before, currency)} before, {_mrr(after, currency)} after")
        if not options["dry_run"]:
            self._move(version, at_once=options["at_once"])

    def _move(self, version: Any, *, at_once: bool) -> None:
        moved, refused = 0, 0
        try:
            for each in move_subscriptions(version, at_once=at_once, done_by="move_subscriptions"):
                moved, refused = moved + (not each.refusal), refused + bool(each.refusal)
                if each.refusal:
                    say(self.stderr, f"{each.subscription.subscription_id}: {each.refusal}")
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {moved} were moved.", returncode=INTERRUPTED) from None
        say(self.stdout, f"{moved} moved, {refused} refused")
        if refused:
            raise CommandError("Some subscriptions stay on their version.")


def _mrr(sums: MonthlyRevenue, currency: str) -> str:
    return money(sums.get(currency, 0), currency)
