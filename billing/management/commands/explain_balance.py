"""Explain a balance: where its figures come from, and what a use would do to it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.explain.balance import CannotExplain, explain
from billing.explain.text import as_text, as_values
from billing.management.arguments import amount, customer_called, entity_called, feature_called, moment
from customers import clock
from customers.cli import USAGE, one_line, say
from customers.models import Environment


class Command(BaseCommand):
    """Thin: read the options, explain, report."""

    help = (
        "Tell where every figure of a customer's balance comes from: what counts and what does not, the order in"
        " which a use draws, the ledger entries behind it, when it runs out at the present rate. Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "customer", metavar="CUSTOMER", help="any identifier that the customer is known by"
        )
        parser.add_argument("feature", metavar="FEATURE", help="the feature's id, such as api_calls")
        parser.add_argument(
            "--use",
            type=amount,
            metavar="N",
            help="what using N units would draw, or why it would be refused; --use=-N for a refund",
        )
        parser.add_argument("--entity", metavar="E", help="as that entity of the customer sees and uses it")
        parser.add_argument(
            "--at",
            type=moment,
            metavar="T",
            help="what counts at that time, such as 2025-01-31 or 2025-01-31T12:00:00Z (default: now);"
            " the figures are those of the ledger now",
        )
        parser.add_argument(
            "--format",
            choices=["text", "json"],
            default="text",
            help="json has every figure as a string, exact (default: text)",
        )
        parser.add_argument(
            "--env",
            choices=Environment.values,
            help="whose customer is meant, where both know the identifier",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Find what is asked about, and explain it."""
        customer = customer_called(options["customer"], options["env"])
        feature = feature_called(options["feature"])
        entity = None if options["entity"] is None else entity_called(options["entity"], customer)
        at, use = options["at"] or clock.now(), options["use"]
        try:
            explanation = explain(customer, feature, at=at, use=use, entity=entity)
        except CannotExplain as problem:
            raise CommandError(one_line(str(problem)), returncode=USAGE) from None
        if explanation.flag is None and not explanation.balances:
            raise CommandError(
                f"{one_line(str(customer))} has no balance of {one_line(str(feature))}. A plan that includes it makes"
                f" one when it is attached, and so does `manage.py grant {customer.pk} {feature.feature_id} AMOUNT`."
            )
        if options["format"] == "json":
            say(self.stdout, json.dumps(as_values(explanation), ensure_ascii=False, indent=2))
        else:
            say(self.stdout, "\n".join(map(one_line, as_text(explanation).split("\n"))))
