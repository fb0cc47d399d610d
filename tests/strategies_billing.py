"""Billing documents to try things on: hypothesis strategies for dicts that `json.dumps` can write.

They follow the field lists of the billing document and agree with themselves: an aggregate is what its rows
give, one feature or plan is the same wherever it appears, ids are unique where they have to be.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.strategies_catalog import (
    FIRST_MS,
    LAST_MS,
    RESET_INTERVALS,
    Json,
    counts,
    features,
    free_form_objects,
    identifiers,
    in_json,
    instants,
    numbers,
    objects,
    plans,
    row_prices,
    texts,
)

#: The decimals of a few currencies, as ISO 4217 has them.
CURRENCY_DIGITS = {"usd": 2, "EUR": 2, "gbp": 2, "JPY": 0, "jpy": 0, "kwd": 3, "BHD": 3, "clf": 4}

emails = st.builds("{}@example.com".format, st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))

#: Half of the rows have nothing prepaid.
_prepaid = st.just(0) | numbers(0, 500)


def as_read(payload: Any) -> Any:
    """`payload` as it comes out of the reader: fractions are exact decimals."""
    return json.loads(json.dumps(payload), parse_float=Decimal)


@cache
def _row_terms(complete: bool) -> st.SearchStrategy[Json]:
    """What a row says beside its figures and its plan; a key `id` stands for that of the row."""
    reset = objects(
        {"interval": st.sampled_from([*RESET_INTERVALS, "multiple"]), "resets_at": instants},
        {"interval_count": counts},
        complete,
        nullable=("resets_at",),
    )
    required = {
        "unlimited": st.integers(0, 9).map(lambda drawn: drawn == 0),
        "reset": reset,
        "price": row_prices(complete),
        "expires_at": instants,
    }
    return objects(required, {"id": st.none()}, complete, nullable=("reset", "price", "expires_at"))


@st.composite
def breakdown_rows(
    draw: st.DrawFn, row_id: str, plan_ids: tuple[str, ...] = (), complete: bool = False
) -> Json:
    """One row, with `row_id` if it has an id, of one of `plan_ids` or standing alone."""
    included, prepaid = draw(numbers(0, 5000)), draw(_prepaid)
    usage = draw(numbers(-50, 6000))
    terms = draw(_row_terms(complete))
    return {
        **terms,
        **({"id": row_id} if "id" in terms else {}),
        "plan_id": draw(st.sampled_from([None, *plan_ids])),
        "included_grant": included,
        "prepaid_grant": prepaid,
        "remaining": in_json(max(Decimal(0), _exact(included) + _exact(prepaid) - _exact(usage))),
        "usage": usage,
    }


@cache
@st.composite
def rollovers(draw: st.DrawFn) -> Json:
    """A leftover of which some may have been used."""
    balance, used = draw(numbers(0, 900)), draw(numbers(0, 900))
    granted = in_json(_exact(balance) + _exact(used))
    return {"granted": granted, "balance": balance, "expires_at": draw(st.just(0) | instants)}


@st.composite
def balances(
    draw: st.DrawFn,
    feature: Json,
    plan_ids: tuple[str, ...] = (),
    complete: bool = False,
    has_rows: bool | None = None,
) -> Json:
    """A balance of `feature` whose aggregate is what its rows and rollovers give.

    Without rows (`has_rows` false; drawn if None) it is the aggregate of one row that stands alone.
    """
    has_rows = complete or draw(st.booleans()) if has_rows is None else has_rows
    length = draw(st.integers(1, 3)) if has_rows else 1
    rows = [draw(breakdown_rows(f"{feature['id']}.{index}", plan_ids, complete)) for index in range(length)]
    left_over = draw(st.lists(rollovers(), max_size=2)) if complete or draw(st.booleans()) else None
    resets = [row["reset"]["resets_at"] for row in rows if row["reset"] and row["reset"]["resets_at"]]
    unlimited = [row for row in rows if row["unlimited"]]
    rolled = left_over or []
    granted = remaining = Decimal(0)
    usage = sum((_exact(row["usage"]) for row in unlimited), Decimal(0))
    if not unlimited:
        granted = sum(
            (_exact(row["included_grant"]) + _exact(row["prepaid_grant"]) for row in rows), Decimal(0)
        )
        granted += sum((_exact(rollover["granted"]) for rollover in rolled), Decimal(0))
        remaining = sum((_exact(row["remaining"]) for row in rows), Decimal(0))
        remaining += sum((_exact(rollover["balance"]) for rollover in rolled), Decimal(0))
        usage = sum((_exact(row["usage"]) for row in rows), Decimal(0))
        usage += sum((_exact(each["granted"]) - _exact(each["balance"]) for each in rolled), Decimal(0))
    balance = {
        "feature_id": feature["id"],
        "granted": in_json(granted),
        "remaining": in_json(remaining),
        "usage": in_json(usage),
        "unlimited": bool(unlimited),
        "overage_allowed": draw(st.booleans()),
        "max_purchase": draw(st.none() | numbers()),
        "next_reset_at": min(resets, default=None),
    }
    if has_rows:
        balance["breakdown"] = rows
    if left_over is not None:
        balance["rollovers"] = left_over
    return balance | draw(objects({}, {"feature": st.just(feature)}, complete))


@st.composite
def flags(draw: st.DrawFn, feature: Json, plan_ids: tuple[str, ...] = (), complete: bool = False) -> Json:
    """That a customer has a boolean feature."""
    required = {
        "id": st.just(f"flag.{feature['id']}"),
        "feature_id": st.just(feature["id"]),
        "plan_id": st.sampled_from([None, *plan_ids]),
        "expires_at": st.none() | instants,
    }
    return draw(objects(required, {"feature": st.just(feature)}, complete))


@st.composite
def subscriptions(draw: st.DrawFn, subscription_id: str, plan: Json, complete: bool = False) -> Json:
    """A subscription to `plan` in any state, its period and its life the right way round."""
    started_at = draw(st.integers(FIRST_MS, LAST_MS - 10**11))
    later = st.integers(started_at + 1, LAST_MS)
    period = sorted(draw(st.lists(later, min_size=2, max_size=2, unique=True)))
    required = {
        "id": st.just(subscription_id),
        "plan_id": st.just(plan["id"]),
        "auto_enable": st.booleans(),
        "add_on": st.booleans(),
        "status": st.sampled_from(["active", "scheduled"]),
        "past_due": st.booleans(),
        "canceled_at": later,
        "expires_at": later,
        "trial_ends_at": later,
        "started_at": st.just(started_at),
        "current_period_start": st.just(period[0]),
        "current_period_end": st.just(period[1]),
        "quantity": counts,
    }
    nullable = ("canceled_at", "expires_at", "trial_ends_at", "current_period_start", "current_period_end")
    return draw(objects(required, {"plan": st.just(plan)}, complete, nullable))


@st.composite
def purchases(draw: st.DrawFn, plan: Json, complete: bool = False) -> Json:
    """A purchase of `plan`."""
    started_at = draw(instants)
    required = {
        "plan_id": st.just(plan["id"]),
        "started_at": st.just(started_at),
        "expires_at": st.integers(started_at, LAST_MS),
        "quantity": counts,
    }
    return draw(objects(required, {"plan": st.just(plan)}, complete, nullable=("expires_at",)))


@st.composite
def invoices(draw: st.DrawFn, stripe_id: str, plan_ids: tuple[str, ...] = (), complete: bool = False) -> Json:
    """An invoice whose total its currency can express."""
    currency = draw(st.sampled_from(sorted(CURRENCY_DIGITS)))
    total = Decimal(draw(st.integers(-100_000, 10_000_000))).scaleb(-CURRENCY_DIGITS[currency])
    links = st.none() | identifiers.map("https://invoices.example.com/{}".format)
    required = {
        "plan_ids": st.lists(st.sampled_from(plan_ids), unique=True) if plan_ids else st.just([]),
        "stripe_id": st.just(stripe_id),
        "status": st.sampled_from(["draft", "open", "paid", "void", "uncollectible"]),
        "total": st.just(in_json(total)),
        "currency": st.just(currency),
        "created_at": instants,
    }
    return draw(objects(required, {"hosted_invoice_url": links}, complete))


def entities(entity_id: str | None, env: str, complete: bool = False) -> st.SearchStrategy[Json]:
    """An entity with that id."""
    required = {
        "id": st.just(entity_id),
        "name": st.none() | texts,
        "created_at": instants,
        "env": st.just(env),
    }
    optional = {"customer_id": st.none() | identifiers, "feature_id": st.none() | identifiers}
    return objects(required, optional, complete)


@cache
def trials_used(complete: bool = False) -> st.SearchStrategy[Json]:
    """A trial that was begun."""
    required = {"plan_id": identifiers, "customer_id": identifiers}
    return objects(required, {"fingerprint": st.none() | identifiers}, complete)


@cache
def rewards(complete: bool = False) -> st.SearchStrategy[Json]:
    """Discounts of every kind."""
    kinds = ["percentage_discount", "fixed_discount", "free_product", "invoice_credits"]
    required = {
        "id": identifiers,
        "name": texts,
        "type": st.sampled_from(kinds),
        "discount_value": numbers(),
        "duration_type": st.sampled_from(["one_off", "months", "forever"]),
    }
    optional = {
        "duration_value": counts,
        "currency": st.sampled_from(sorted(CURRENCY_DIGITS)),
        "start": instants,
        "end": instants,
        "subscription_id": identifiers,
        "total_discount_amount": numbers(),
    }
    discount = objects(required, optional, complete, nullable=tuple(optional))
    return st.fixed_dictionaries({"discounts": st.lists(discount, max_size=2)})


@cache
def referrals(complete: bool = False) -> st.SearchStrategy[Json]:
    """A customer who came through this one."""
    customer = objects(
        {"id": identifiers}, {"name": st.none() | texts, "email": st.none() | emails}, complete
    )
    return st.fixed_dictionaries(
        {
            "program_id": identifiers,
            "customer": customer,
            "reward_applied": st.booleans(),
            "created_at": instants,
        }
    )


def licenses(plan_ids: tuple[str, ...]) -> st.SearchStrategy[Json]:
    """Seats of one plan under another."""
    return st.fixed_dictionaries(
        {
            "license_plan_id": st.sampled_from(plan_ids),
            "parent_plan_id": st.sampled_from(plan_ids),
            "license_plan_name": texts,
            "granted": counts,
            "usage": counts,
            "remaining": counts,
            "paid_quantity": counts,
        }
    )


@cache
def billing_controls(complete: bool = False) -> st.SearchStrategy[Json]:
    """Limits and alerts."""
    limit = objects(
        {"interval": st.sampled_from(["hour", "day", "week", "month"]), "limit": counts},
        {"interval_count": counts},
        complete,
    )
    topup = objects(
        {"feature_id": identifiers, "threshold": numbers(), "quantity": numbers()},
        {"enabled": st.booleans(), "purchase_limit": limit},
        complete,
    )
    filters = st.fixed_dictionaries({"properties": st.dictionaries(identifiers, texts, max_size=2)})
    spend = objects(
        {},
        {
            "feature_id": identifiers,
            "enabled": st.booleans(),
            "limit_type": st.sampled_from(["absolute", "usage_percentage"]),
            "overage_limit": numbers(),
        },
        complete,
    )
    usage = objects(
        {
            "feature_id": identifiers,
            "limit": numbers(),
            "interval": st.sampled_from(["day", "week", "month", "year"]),
        },
        {
            "enabled": st.booleans(),
            "anchor": st.sampled_from(["billing_cycle", "utc"]),
            "filter": filters,
            "usage": numbers(),
        },
        complete,
    )
    alert = objects(
        {
            "threshold": numbers(),
            "threshold_type": st.sampled_from(
                ["usage", "usage_percentage", "remaining", "remaining_percentage"]
            ),
        },
        {
            "feature_id": identifiers,
            "enabled": st.booleans(),
            "basis": st.sampled_from(["balance", "included", "recurring", "usage_limit"]),
            "filter": filters,
            "name": texts,
        },
        complete,
    )
    overage = objects({"feature_id": identifiers}, {"enabled": st.booleans()}, complete)
    lists = {
        "auto_topups": st.lists(topup, max_size=2),
        "spend_limits": st.lists(spend, max_size=2),
        "usage_limits": st.lists(usage, max_size=2),
        "usage_alerts": st.lists(alert, max_size=2),
        "overage_allowed": st.lists(overage, max_size=2),
    }
    return objects({}, lists, complete)


@st.composite
def customers(draw: st.DrawFn, complete: bool = False) -> Json:
    """A billing customer; `complete` has every optional key, as an export does."""
    env = draw(st.sampled_from(["sandbox", "live"]))
    feature_ids = draw(st.lists(identifiers, min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from(["boolean", "metered", "credit_system"])) for _ in feature_ids]
    metered = tuple(name for name, kind in zip(feature_ids, kinds, strict=True) if kind == "metered")
    catalog = tuple(
        draw(features(st.just(name), kind, metered, complete))
        for name, kind in zip(feature_ids, kinds, strict=True)
    )
    plan_ids = tuple(draw(st.lists(identifiers, min_size=1, max_size=3, unique=True)))
    sold = [draw(plans(st.just(plan_id), env, catalog, complete)) for plan_id in plan_ids]
    taken = draw(st.lists(st.sampled_from(sold), max_size=3))
    bought = draw(st.lists(st.sampled_from(sold), max_size=2))
    entity_ids = draw(st.lists(st.none() | identifiers, max_size=2, unique=True))
    identity = {
        "id": st.none() | identifiers,
        "name": st.none() | texts,
        "email": emails,
        "created_at": instants,
        "fingerprint": st.none() | identifiers,
        "stripe_id": st.none() | identifiers.map("cus_{}".format),
        "env": st.just(env),
        "metadata": free_form_objects,
        "send_email_receipts": st.booleans(),
    }
    always = {
        "billing_controls": billing_controls(complete),
        "subscriptions": st.tuples(
            *(subscriptions(f"sub_{index}", plan, complete) for index, plan in enumerate(taken))
        ).map(list),
        "purchases": st.tuples(*(purchases(plan, complete) for plan in bought)).map(list),
        "licenses": st.lists(licenses(plan_ids), max_size=2),
        "balances": st.fixed_dictionaries(
            {each["id"]: balances(each, plan_ids, complete) for each in catalog if each["type"] != "boolean"}
        ),
        "flags": st.fixed_dictionaries(
            {each["id"]: flags(each, plan_ids, complete) for each in catalog if each["type"] == "boolean"}
        ),
    }
    on_request = {
        "invoices": st.tuples(
            *(invoices(f"in_{index}", plan_ids, complete) for index in range(draw(st.integers(0, 3))))
        ).map(list),
        "entities": st.tuples(*(entities(each, env, complete) for each in entity_ids)).map(list),
        "trials_used": st.lists(trials_used(complete), max_size=2),
        "rewards": st.none() | rewards(complete),
        "referrals": st.lists(referrals(complete), max_size=2),
        "payment_method": st.none() | free_form_objects,
    }
    return draw(objects(identity, {**always, **on_request}, complete))


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
