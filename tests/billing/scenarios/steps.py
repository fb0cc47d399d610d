"""What a scenario is told in: documents that are imported, commands that are run, the document that is read back."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from billing.document.renderer import render_customers
from billing.document.schema import EXPANDABLE
from billing.invoices.payments import record_payment
from billing.models import Invoice
from customers import clock
from customers.lookup import find_customer
from tests.billing.payloads import sent
from tests.billing.subscriptions.timeline import at
from tests.strategies_catalog import Json

#: The start of everything, where nothing else is said.
JAN_1 = "2026-01-01T00:00:00Z"


def ms(text: str) -> int:
    """A moment as billing documents write it."""
    return round(moment(text).timestamp() * 1000)


def moment(text: str) -> datetime:
    """A moment of which UTC is left out, or written `Z`."""
    return at(text.removesuffix("Z"))


def feature(feature_id: str, **fields: Any) -> Json:
    """A metered feature that is used up."""
    plain = {"name": feature_id, "type": "metered", "consumable": True, "archived": False}
    return {"id": feature_id, **plain, **fields}


def credit_system(feature_id: str, **costs: float) -> Json:
    """A credit system with what a unit of each feature costs."""
    schema = [{"metered_feature_id": name, "credit_cost": cost} for name, cost in costs.items()]
    return feature(feature_id, type="credit_system", credit_schema=schema)


def item(feature_id: str, included: float, interval: str | None = "month", **fields: Any) -> Json:
    """What a plan includes of a feature; without an `interval`, it is never refilled."""
    reset = {"interval": interval} if interval else None
    return {"feature_id": feature_id, "included": included, "unlimited": False, "reset": reset, **fields}


def plan(plan_id: str, *items: Json, price: float | None = None, every: str = "month", **fields: Any) -> Json:
    """A plan that costs `price` every month, if not something else; without a price it is free."""
    shape: Json = {
        "name": plan_id,
        "description": None,
        "group": None,
        "version": 1,
        "add_on": False,
        "auto_enable": False,
        "price": None if price is None else {"amount": price, "interval": every},
        "created_at": 0,
        "env": "live",
        "archived": False,
        "base_variant_id": None,
        "config": {},
        "metadata": {},
    }
    return {"id": plan_id, **shape, "items": list(items), **fields}


def usage_price(amount: float, units: float = 1, max_purchase: float | None = None, **fields: Any) -> Json:
    """So much for every started `units` that are used beyond what is included."""
    shape: Json = {"interval": "month", "billing_units": units, "billing_method": "usage_based"}
    return {"amount": amount, **shape, "max_purchase": max_purchase, **fields}


def row(included: float, usage: float = 0, **fields: Any) -> Json:
    """A row of a breakdown: a standalone grant that is never refilled."""
    shape: Json = {
        "plan_id": None,
        "included_grant": included,
        "prepaid_grant": 0,
        "usage": usage,
        "unlimited": False,
        "reset": None,
        "price": None,
        "expires_at": None,
    }
    figures = {**shape, **fields}
    left = figures["included_grant"] + figures["prepaid_grant"] - figures["usage"]
    return {**figures, "remaining": max(0, left)}


def balance(feature_id: str, *rows: Json, **fields: Any) -> Json:
    """A balance with these rows, its figures being what `fields` say, or nought: the rows win."""
    shape: Json = {
        "granted": 0,
        "remaining": 0,
        "usage": 0,
        "unlimited": False,
        "overage_allowed": False,
        "max_purchase": None,
        "next_reset_at": None,
    }
    return {"feature_id": feature_id, **shape, "breakdown": list(rows), **fields}


def holder(*balances: Json, **fields: Any) -> Json:
    """A document of the customer “acme” with these balances."""
    shape: Json = {"id": "acme", "name": "Acme Example", "env": "live", "created_at": ms(JAN_1)}
    return {**shape, "balances": {each["feature_id"]: each for each in balances}, **fields}


def monthly(resets_at: str) -> Json:
    """A reset every month, the next one as it says."""
    return {"interval": "month", "resets_at": ms(resets_at)}


@contextmanager
def clock_at(when: str) -> Iterator[None]:
    """Inside, it is that moment."""
    with mock.patch.object(clock, "now", return_value=moment(when)):
        yield


def run(*words: str) -> str:
    """What a command, given as on the command line, writes to standard output; it must complain of nothing."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as problem:
        pytest.fail(f"{words}: {problem}\n{out.getvalue()}{err.getvalue()}")
    return out.getvalue()


def refused(*words: str) -> str:
    """What a command says that ends with exit status 1."""
    err = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*words, stdout=io.StringIO(), stderr=err)
    assert caught.value.returncode == 1
    return f"{err.getvalue()}{caught.value}"


def given(*parts: Json) -> None:
    """Import a catalog of these features and plans."""
    _from_file(
        lambda name: run("import_catalog", name),
        {
            "features": [each for each in parts if "type" in each],
            "plans": [each for each in parts if "items" in each],
        },
    )


def taken(*documents: Json) -> str:
    """Import billing documents; answers what the command says."""
    return _from_file(lambda name: run("import_customers", "billing", name), list(documents))


def customer(**fields: Any) -> None:
    """A customer “acme” who holds nothing yet."""
    taken(holder(**fields))


def attach(plan_id: str, *options: str, since: str = JAN_1, who: str = "acme") -> str:
    """Attach a plan."""
    with clock_at(since):
        return run("attach_plan", who, plan_id, "--at", since, *options)


def use(amount: float | str, *options: str, when: str = JAN_1, of: str = "calls", who: str = "acme") -> str:
    """Record a use as it happens."""
    with clock_at(when):
        return run("record_usage", "--at", when, *options, "--", who, of, str(amount))


def use_refused(
    amount: float | str, *options: str, when: str = JAN_1, of: str = "calls", who: str = "acme"
) -> str:
    """What is said of a use that is refused as it happens."""
    with clock_at(when):
        return refused("record_usage", "--at", when, *options, "--", who, of, str(amount))


def renew(until: str) -> str:
    """Do what is due."""
    with clock_at(until):
        return run("renew", "--now", until)


def pay(when: str) -> None:
    """Note that everything that is owed was paid."""
    for invoice in Invoice.objects.unpaid():
        record_payment(invoice, invoice.due, paid_at=moment(when), done_by="test")


def document(when: str = JAN_1, *expand: str, who: str = "acme") -> Any:
    """The customer's billing document."""
    [found] = render_customers([find_customer(who)], expand or EXPANDABLE, at=moment(when))
    return sent(found)


def figures(feature_id: str = "calls", when: str = JAN_1) -> tuple[Any, Any, Any]:
    """Granted, remaining and usage, as the document has them."""
    shown = document(when)["balances"][feature_id]
    return shown["granted"], shown["remaining"], shown["usage"]


def usages(feature_id: str = "calls", when: str = JAN_1) -> list[Any]:
    """The usage of each row of a balance, in the order of the document."""
    return [each["usage"] for each in document(when)["balances"][feature_id]["breakdown"]]


def carried(feature_id: str = "calls", when: str = JAN_1) -> list[tuple[Any, Any, Any]]:
    """What is left, what was granted, and when it expires, of each rollover."""
    rollovers = document(when)["balances"][feature_id]["rollovers"]
    return [(each["balance"], each["granted"], each["expires_at"]) for each in rollovers]


def explained(*options: str, of: str = "calls", when: str = JAN_1, who: str = "acme") -> Any:
    """What `explain_balance` answers as JSON."""
    return json.loads(run("explain_balance", who, of, "--at", when, "--format", "json", *options))


def missing(message: str) -> Decimal:
    """How much is missing, as a refusal says it."""
    found = re.search(r"([\d.,]+) of [\d.,]+ \S+ can't be deducted", message)
    assert found is not None, message
    return Decimal(found[1].replace(",", ""))


def _from_file(command: Callable[[str], str], content: Any) -> str:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file.json"
        file.write_text(json.dumps(content))
        return command(str(file))
