"""In which currency a customer is billed for a plan: in one that it has, never in one that nobody chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.catalog.currencies import currencies_of
from billing.models import Invoice, Plan, Subscription
from billing.rules.money import known_code
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ChosenCurrency:
    """The currency in which a plan is billed, and sentences about it."""

    code: str
    messages: tuple[str, ...] = ()


def currency_for(
    work: UnitOfWork,
    plan: Plan,
    *,
    asked: str = "",
    came_with_id: str | None = None,
    replaced: Subscription | None = None,
) -> ChosenCurrency:
    """The currency in which the customer's account will be billed for the plan, which may replace a subscription.

    It is the one of the account's subscriptions that cost something; else the one `asked` for, which may also replace
    that of the only subscription; else that of the account's latest invoice; else the plan's own. Raises
    `CannotSubscribe` if the plan has no price in it. Only if no other subscription is billed in it and another plan, which
    is sold in one currency, was chosen, the account is billed in that from now on.
    """
    sold_in = currencies_of(plan, work.plan_items.of(str(plan.pk)))
    held, code = _held(work, came_with_id, replaced), _code_of(asked)
    own = [replaced.billing_currency] if replaced is not None and _costs(work, replaced) else []
    if code and held and code not in [*own, *held]:
        raise CannotSubscribe(
            f"Leave the currency out, or choose {_either(held)}, in which the customer is billed already."
        )
    before = "" if held else next(iter(own), "") or _last_billed(work, came_with_id)
    wanted = [code] if code else [*own, *held] or [before or plan.currency]
    if sold_in is None:
        return ChosenCurrency(wanted[0])
    found = next((each for each in wanted if each in sold_in), None)
    is_version = replaced is not None and replaced.plan.plan_id == plan.plan_id
    if found is None and not code and not held and len(sold_in) == 1 and not is_version:
        found = sold_in[0]
    if found is not None:
        is_other = before not in ("", found)
        said = f"The customer is billed in {found} from now on. It was billed in {before}."
        return ChosenCurrency(found, (said,) if is_other else ())
    advice = "Add prices to a new version of the plan" if held else f"Choose {_either(sold_in)}"
    why = "" if code else ", in which the customer is billed"
    raise CannotSubscribe(f"{advice}. {plan} has no price in {_either(wanted)}{why}.")


def _held(work: UnitOfWork, came_with_id: str | None, replaced: Subscription | None) -> list[str]:
    """The currencies of the account's other subscriptions that cost something."""
    gone = None if replaced is None else replaced.pk
    return list(
        dict.fromkeys(
            row.billing_currency
            for row in work.subscriptions
            if row.came_with_id == came_with_id
            and row.status != Subscription.Status.ENDED
            and gone not in (row.pk, row.follows_id or "")
            and _costs(work, row)
        )
    )


def _last_billed(work: UnitOfWork, account: Any) -> str:
    """The currency of the account's latest invoice; empty if nothing was billed."""
    billed = Invoice.objects.billed().filter(customer=work.customer, came_with=account)
    latest = billed.order_by("-created_at", "-pk")
    return latest.values_list("currency", flat=True).first() or ""


def _costs(work: UnitOfWork, subscription: Subscription) -> bool:
    return currencies_of(subscription.plan, work.plan_items.of(str(subscription.plan_id))) is not None


def _code_of(asked: str) -> str:
    try:
        return known_code(asked) if asked else ""
    except ValueError as problem:
        raise CannotSubscribe(f"{problem}.") from None


def _either(codes: Sequence[str]) -> str:
    return " or ".join(codes)
