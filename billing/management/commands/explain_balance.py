"""Explain a balance: where its figures come from, and what a use would do to it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.explaining import CannotExplain, explain
from billing.explanation_text import as_text, as_values
from billing.models import Entity, Feature
from customers import clock
from customers.console import USAGE, one_line, say
from customers.identity import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, Environment
from customers.typed_ids import to_uuid


#: Those in which there is room before and after.
_YEARS = range(1900, 9900)


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
            metavar="N",
            help="what using N units would draw, or why it would be refused; --use=-N for a refund",
        )
        parser.add_argument("--entity", metavar="E", help="as that entity of the customer sees and uses it")
        parser.add_argument(
            "--at",
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
        use = None if options["use"] is None else _amount(options["use"])
        at = clock.now() if options["at"] is None else _moment(options["at"])
        try:
            customer = find_customer(options["customer"], options["env"])
        except (UnknownCustomer, AmbiguousCustomer) as problem:
            raise CommandError(one_line(str(problem))) from None
        feature = _feature(options["feature"])
        entity = None if options["entity"] is None else _entity(customer, options["entity"])
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


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise CommandError(
            f"“{one_line(text[:100])}” is not an amount: --use takes a number, such as 10 or 2.5.",
            returncode=USAGE,
        )
    return amount


def _moment(text: str) -> datetime:
    try:
        if len(text) == len("2025-01-31"):
            moment = datetime.combine(date.fromisoformat(text), time.min, UTC)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.utcoffset() is not None and moment.year in _YEARS:
        return moment.astimezone(UTC)
    raise CommandError(
        f"“{one_line(text[:100])}” is not a time: --at takes a day in UTC, such as 2025-01-31, or a time with its zone,"
        " such as 2025-01-31T12:00:00Z.",
        returncode=USAGE,
    )


def _feature(identifier: str) -> Feature:
    feature = None
    if "\0" not in identifier:
        key = to_uuid(identifier, ("feat",))
        found = Feature.objects.filter(pk=key) if key else Feature.objects.filter(feature_id=identifier)
        feature = found.first()
    if feature is None:
        raise CommandError(
            f"No feature is known by “{one_line(identifier[:100])}”. Ask by its id, such as api_calls; the admin lists"
            " all of them under Features."
        )
    return feature


def _entity(customer: Customer, identifier: str) -> Entity:
    entity = None
    if "\0" not in identifier:
        key = to_uuid(identifier, ("ent",))
        ours = Entity.objects.filter(customer=customer)
        entity = (ours.filter(pk=key) if key else ours.filter(entity_id=identifier)).first()
    if entity is None:
        raise CommandError(
            f"{one_line(str(customer))} has no entity “{one_line(identifier[:100])}”. Ask by the entity's id; the admin"
            " lists them under Entities."
        )
    return entity
