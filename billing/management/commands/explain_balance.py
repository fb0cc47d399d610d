"""Explain a balance."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.explain.balance import CannotExplain, explain
from billing.explain.text import as_text, as_values
from billing.management.arguments import (
    account_called,
    amount,
    customer_called,
    entity_called,
    feature_called,
    moment,
)
from customers import clock
from customers.cli import USAGE, one_line, say
from customers.models import Environment


class Command(BaseCommand):
    """Reads the options, explains the balance, prints the explanation."""

    help = (
        "Explain a customer's balance: what its figures are made of, which grants don't count and why, the order in"
        " which usage is deducted, the latest ledger entries, and when the balance runs out at the current burn rate."
        " Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", metavar="CUSTOMER", help="any identifier of the customer")
        parser.add_argument("feature", metavar="FEATURE", help="feature ID, such as api_calls")
        parser.add_argument(
            "--use",
            type=amount,
            metavar="N",
            help="simulate usage of N units; --use=-N for a refund",
        )
        parser.add_argument("--entity", metavar="E", help="explain what this entity of the customer can use")
        parser.add_argument(
            "--at",
            type=moment,
            metavar="T",
            help="explain which grants count at this time, such as 2025-01-31 or 2025-01-31T12:00:00Z (default: now);"
            " the figures are always the current ones",
        )
        parser.add_argument(
            "--format",
            choices=["text", "json"],
            default="text",
            help="json has every figure as an exact string (default: text)",
        )
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="environment of the customer (default: live, then sandbox)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look up the customer, feature and entity, and print the explanation."""
        customer = customer_called(options["customer"], options["env"])
        feature = feature_called(options["feature"])
        entity = None if options["entity"] is None else entity_called(options["entity"], customer)
        at, use = options["at"] or clock.now(), options["use"]
        try:
            account = account_called(options["customer"], customer)
            explanation = explain(
                customer, feature, at=at, use=use, entity=entity, account_id=account, with_entries=True
            )
        except CannotExplain as problem:
            raise CommandError(one_line(str(problem)), returncode=USAGE) from None
        if explanation.flag is None and not explanation.balances:
            raise CommandError(
                f"{one_line(str(customer))} has no balance of {one_line(str(feature))}. Attach a plan that includes it,"
                f" or run `manage.py grant {customer.pk} {feature.feature_id} AMOUNT`."
            )
        if options["format"] == "json":
            say(self.stdout, json.dumps(as_values(explanation), ensure_ascii=False, indent=2))
        else:
            say(self.stdout, "\n".join(map(one_line, as_text(explanation).split("\n"))))
