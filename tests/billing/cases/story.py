"""Tell a story of one customer's billing step by step, on a set clock, and look at what came of it.

A step is a dictionary with one main key: `now` sets the clock, `catalog` is imported with `import_catalog`, `import` with
`import_customers billing`, `run` is a management command, `uses` are the lines of a file for `record_usage --file`.
`pay`, `void` and `credit` name an invoice by its place, `pay` with an `amount` below 0 is a payment that bounced; `discount` gives the customer one, `scope` binds the
latest discount to the subscription at that place, `tax` sets the customer's rate, and `see` looks now instead of at the end.
With `any` a step may be refused; what it said can be seen as `said`. The clock moves on to the `--at` of a command without
it, because the commands accept no moment ahead of the clock.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.invoices.credit_notes import credit_note
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment
from billing.invoices.void import void_invoice
from billing.ledger.balance_figures import figures_of_balances
from billing.models import Balance, BillingAccount, Discount, Grant, Invoice, Subscription
from billing.revenue.monthly import revenue_of
from billing.rules.money import from_minor
from customers import clock
from customers.models import Customer

Step = Mapping[str, Any]

_CUSTOMER = {"id": "c", "name": "C", "env": "live", "created_at": 1704067200000}
_PLAN = {
    "description": None,
    "group": None,
    "version": 1,
    "add_on": False,
    "auto_enable": False,
    "price": None,
    "created_at": 0,
    "env": "live",
    "archived": False,
    "base_variant_id": None,
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def catalog(features: list[dict[str, Any]], plans: list[dict[str, Any]]) -> dict[str, Any]:
    """A catalog file. What a feature, plan or item leaves out has its usual value."""
    return {
        "features": [{"name": row["id"], "archived": False, **row} for row in features],
        "plans": [
            {
                "name": plan["id"],
                **_PLAN,
                **plan,
                "items": [
                    {"unlimited": False, "reset": None, "price": None, **item} for item in plan["items"]
                ],
            }
            for plan in plans
        ],
    }


@dataclass
class Story:
    """The customer `c` and its clock; `said` is what the latest command or verb answered."""

    monkeypatch: pytest.MonkeyPatch
    now: datetime = field(default_factory=lambda: at("2026-01-01T00:00:00Z"))
    said: str = ""
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(clock, "now", lambda: self.now)

    @property
    def customer(self) -> Customer:
        return Customer.objects.get()

    def tell(self, steps: list[Step]) -> None:
        for step in steps:
            self.step(step)

    def step(self, step: Step) -> None:
        (name,) = step.keys() & self._steps.keys()
        try:
            self._steps[name](self, step)
        except (CommandError, CannotChangeInvoice) as problem:
            self.said = str(problem)
            if not step.get("any"):
                raise

    def see(self, what: str) -> Any:
        name, _, feature = what.partition(":")
        return getattr(self, f"see_{name}")(*([feature] if feature else []))

    def run(self, *words: str) -> None:
        out = io.StringIO()
        call_command(*words, stdout=out, stderr=out)
        self.said = out.getvalue()

    def _command(self, step: Step) -> None:
        words = step["run"]
        if "--at" in words and not step.get("any"):
            self.now = max(self.now, at(words[words.index("--at") + 1]))
        self.run(*words)

    def _file(self, lines: list[Any], *words: str) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "file.json")
            path.write_text("\n".join(json.dumps(line) for line in lines))
            self.run(*[str(path) if word == "FILE" else word for word in words])

    def _import(self, step: Step) -> None:
        documents = [_CUSTOMER] if step["import"] == "c" else step["import"]
        self._file([documents], "import_customers", "billing", "FILE")

    def _invoice(self, place: int) -> Invoice:
        return self._invoices()[place - 1]

    def _invoices(self) -> list[Invoice]:
        return list(Invoice.objects.order_by("created_at", "number"))

    def _pay(self, step: Step) -> None:
        invoice = self._invoice(step["pay"])
        amount = invoice.due if "amount" not in step else step["amount"] * 100
        record_payment(invoice, amount, done_by="case")

    def credit(self, place: int, amount: int) -> None:
        """Credit `amount` minor units of the invoice at a place."""
        credit_note(self._invoice(place), amount, reason="Goodwill", done_by="case")

    def _discount(self, step: Step) -> None:
        values = {"currency": None, **step["discount"]}
        values["discount_value"] = Decimal(values["discount_value"])
        Discount.objects.create(customer=self.customer, discount_id=values["name"], **values)

    def _scope(self, step: Step) -> None:
        subscription = Subscription.objects.order_by("position", "id")[step["scope"] - 1]
        discount = Discount.objects.latest("id")
        discount.subscription_id = subscription.subscription_id
        discount.save()

    def _tax(self, step: Step) -> None:
        BillingAccount.objects.update_or_create(
            customer=self.customer, defaults={"tax_rate": Decimal(str(step["tax"]))}
        )

    _steps: dict[str, Callable[[Story, Step], object]] = field(
        default_factory=lambda: {
            "now": lambda self, step: setattr(self, "now", at(step["now"])),
            "catalog": lambda self, step: self._file([catalog(**step["catalog"])], "import_catalog", "FILE"),
            "import": Story._import,
            "run": Story._command,
            "uses": lambda self, step: self._file(step["uses"], "record_usage", "--file", "FILE"),
            "pay": Story._pay,
            "void": lambda self, step: void_invoice(self._invoice(step["void"]), done_by="case"),
            "credit": lambda self, step: credit_note(
                self._invoice(step["credit"]), reason="Goodwill", done_by="case"
            ),
            "discount": Story._discount,
            "scope": Story._scope,
            "tax": Story._tax,
            "see": lambda self, step: self.seen.update(
                {name: self.see(what) for name, what in step["see"].items()}
            ),
        }
    )

    def see_said(self) -> str:
        return self.said

    def see_invoices(self) -> list[str]:
        return [
            f"{_when(invoice.created_at)} {_money(invoice.total, invoice.currency)} {invoice.currency}"
            f" {invoice.status}: "
            + ", ".join(
                f"{line.kind} {_money(line.amount, invoice.currency)}"
                for line in invoice.lines.order_by("position")
            )
            for invoice in self._invoices()
        ]

    def see_totals(self) -> list[str]:
        return [
            f"{_when(invoice.created_at)} {_money(invoice.total, invoice.currency)} {invoice.status}"
            for invoice in self._invoices()
        ]

    def see_sum(self) -> str:
        return _money(
            sum(invoice.total for invoice in self._invoices() if invoice.status != Invoice.Status.VOID),
            "USD",
        )

    def see_due(self) -> list[str]:
        return [
            f"{invoice.number} due {_money(invoice.due, invoice.currency)} by {_when(invoice.due_at)}"
            f" {invoice.status}"
            for invoice in self._invoices()
            if invoice.due_at is not None
        ]

    def see_credits(self) -> list[str]:
        return [
            f"{_plain(left)} {discount.currency}"
            for discount in Discount.objects.filter(type="invoice_credits").order_by("pk")
            if (left := discount.discount_value - discount.spent)
        ]

    def see_subscriptions(self) -> list[str]:
        return [
            f"{row.plan.plan_id} x {_plain(row.quantity)} {row.status}{' past due' if row.past_due else ''}"
            for row in Subscription.objects.order_by("position", "id")
        ]

    def see_mrr(self) -> dict[str, str]:
        found = revenue_of([str(self.customer.pk)]).get(str(self.customer.pk), {})
        return {currency: _money(each.mrr, currency) for currency, each in found.items()}

    def see_balance(self, feature: str) -> str:
        (balance,) = Balance.objects.filter(feature__feature_id=feature)
        found = figures_of_balances([str(balance.pk)], self.now)[str(balance.pk)]
        return (
            f"granted {_plain(found.granted)} remaining {_plain(found.remaining)} usage {_plain(found.usage)}"
            f" rollovers {_plain(sum((row.left for row in balance.rollovers.filter(ended_at=None)), Decimal(0)))}"
        )

    def see_remaining(self, feature: str) -> str:
        balances = [str(row.pk) for row in Balance.objects.filter(feature__feature_id=feature)]
        figures = figures_of_balances(balances, self.now)
        return _plain(sum((each.remaining for each in figures.values()), Decimal(0)))

    def see_resets(self, feature: str) -> list[str]:
        grants = Grant.objects.filter(balance__feature__feature_id=feature, ended_at=None)
        return [_when(grant.next_reset_at) for grant in grants if grant.next_reset_at is not None]


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    is_midnight = moment - moment.replace(hour=0, minute=0, second=0, microsecond=0) == timedelta()
    return f"{moment:%Y-%m-%d}" if is_midnight else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _money(minor: int, currency: str) -> str:
    return _plain(from_minor(minor, currency))


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"
