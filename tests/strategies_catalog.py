"""What is sold, to try billing documents on: strategies for features, plans, prices and the scalars in them.

They give dicts that `json.dumps` can write.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from customers.readings.normalize import is_blank

Json = dict[str, Any]

PRICE_INTERVALS = ["one_off", "week", "month", "quarter", "semi_annual", "year"]
RESET_INTERVALS = [*PRICE_INTERVALS, "minute", "hour", "day"]

FIRST_MS = 1_420_070_400_000  # 2015
LAST_MS = 2_051_222_400_000  # 2035

#: Signs alone stand for no ID.
identifiers = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=16).filter(
    lambda text: not set(text) <= set("_-")
)
#: A text of spaces alone is read as an empty one.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30).filter(
    lambda text: not text or not is_blank(text)
)
instants = st.integers(FIRST_MS, LAST_MS)
counts = st.integers(1, 24)


def in_json(number: Decimal) -> int | float:
    """`number`, of which a double keeps every digit, as JSON has it."""
    return int(number) if number == number.to_integral_value() else float(number)


@cache
def numbers(smallest: int = 0, largest: int = 1_000_000) -> st.SearchStrategy[int | float]:
    """Whole numbers, and some with up to four decimals."""
    fractions = st.integers(smallest * 10_000, largest * 10_000).map(lambda n: in_json(Decimal(n).scaleb(-4)))
    return st.integers(smallest, largest) | fractions


positive_numbers = numbers().filter(bool)

free_form_objects = st.dictionaries(
    identifiers,
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | numbers()
    | texts
    | st.lists(texts, max_size=3)
    | st.dictionaries(identifiers, texts, max_size=3),
    max_size=4,
)


def objects(
    required: Json, optional: Json, complete: bool, nullable: tuple[str, ...] = ()
) -> st.SearchStrategy[Json]:
    """An object of strategies by key: `optional` keys may be absent unless `complete`, `nullable` ones null."""
    required, optional = (
        {key: st.none() | value if key in nullable else value for key, value in part.items()}
        for part in (required, optional)
    )
    if complete:
        return st.fixed_dictionaries(required | optional)
    return st.fixed_dictionaries(required, optional=optional)


@cache
def in_other_currencies(complete: bool, *figures: str) -> st.SearchStrategy[list[Json]]:
    """`figures` in some currencies, each once; all but one may be left out."""
    amounts = {name: numbers() for name in figures}
    entry = objects(
        {"currency": st.sampled_from(["eur", "GBP", "jpy"])} | (amounts if len(figures) == 1 else {}),
        {} if len(figures) == 1 else amounts,
        complete,
    )
    return st.lists(entry, max_size=2, unique_by=lambda each: str(each["currency"]))


@cache
def tier_lists(complete: bool, of_plan: bool) -> st.SearchStrategy[list[Json]]:
    """Tiers that ascend, the last one often without an end; those of a plan in several currencies."""

    def with_ends(made: tuple[list[int], bool, list[Json]]) -> list[Json]:
        ends, is_open, tiers = made
        last = len(tiers) - 1
        return [
            {"to": "inf" if is_open and index == last else end, **tier}
            for index, (end, tier) in enumerate(zip(sorted(ends), tiers, strict=True))
        ]

    def of_length(length: int) -> st.SearchStrategy[list[Json]]:
        ends = st.lists(st.integers(1, 10_000), min_size=length, max_size=length, unique=True)
        others = in_other_currencies(complete, "amount", "flat_amount")
        optional = {"flat_amount": numbers(), **({"additional_currencies": others} if of_plan else {})}
        tier = objects({"amount": numbers()}, optional, complete)
        return st.tuples(ends, st.booleans(), st.lists(tier, min_size=length, max_size=length)).map(with_ends)

    return st.integers(1, 4).flatmap(of_length)


@cache
@st.composite
def row_prices(draw: st.DrawFn, complete: bool = False, of_plan: bool = False) -> Json:
    """The price of a row of a balance or a plan: one amount, or tiers."""
    price = {
        "billing_units": draw(positive_numbers),
        "billing_method": draw(st.sampled_from(["prepaid", "usage_based"])),
        "max_purchase": draw(st.none() | numbers()),
    }
    if draw(st.booleans()):
        return {"amount": draw(numbers()), **price}
    behavior = {"tier_behavior": st.sampled_from(["graduated", "volume"])}
    return {"tiers": draw(tier_lists(complete, of_plan)), **draw(objects({}, behavior, complete)), **price}


@st.composite
def features(
    draw: st.DrawFn,
    feature_id: st.SearchStrategy[str] = identifiers,
    kind: str | None = None,
    metered: tuple[str, ...] = (),
    complete: bool = False,
) -> Json:
    """A feature; a credit system draws on some of `metered`."""
    kind = kind or draw(st.sampled_from(["boolean", "metered", "credit_system"]))
    required = {
        "id": feature_id,
        "name": texts,
        "type": st.just(kind),
        "consumable": st.booleans(),
        "archived": st.booleans(),
    }
    cost = st.fixed_dictionaries(
        {"metered_feature_id": st.sampled_from(metered or ("messages",)), "credit_cost": positive_numbers}
    )
    names = st.fixed_dictionaries({"singular": st.none() | texts, "plural": st.none() | texts})
    optional: Json = {"event_names": st.lists(identifiers, max_size=3, unique=True), "display": names}
    if kind == "credit_system":
        optional["credit_schema"] = st.lists(
            cost, max_size=3, unique_by=lambda each: each["metered_feature_id"]
        )
    return draw(objects(required, optional, complete))


@cache
def _item_terms(complete: bool) -> st.SearchStrategy[Json]:
    """What a plan item says whatever its feature; a key `feature` stands for the feature itself."""
    reset = objects({"interval": st.sampled_from(RESET_INTERVALS)}, {"interval_count": counts}, complete)
    billed = objects({"interval": st.sampled_from(PRICE_INTERVALS)}, {"interval_count": counts}, complete)
    flat = objects({}, {"additional_currencies": in_other_currencies(complete, "amount")}, complete)
    price = st.builds(
        lambda row, interval, others: {**row, **interval, **(others if "amount" in row else {})},
        row_prices(complete, of_plan=True),
        billed,
        flat,
    )
    rollover = objects(
        {"max": numbers(), "expiry_duration_type": st.sampled_from(["month", "forever"])},
        {"expiry_duration_length": counts},
        complete,
        nullable=("max",),
    )
    expiry = st.fixed_dictionaries(
        {"duration": st.sampled_from(["day", "week", "month", "year"]), "length": counts}
    )
    return objects(
        {"included": numbers(), "unlimited": st.booleans(), "reset": reset, "price": price},
        {"rollover": rollover, "expiry": expiry, "feature": st.none()},
        complete,
        nullable=("reset", "price"),
    )


def plan_items(feature: Json, complete: bool = False) -> st.SearchStrategy[Json]:
    """What a plan includes of `feature`."""

    def of_feature(terms: Json) -> Json:
        whole = {"feature": feature} if "feature" in terms else {}
        return {"feature_id": feature["id"], **terms, **whole}

    return _item_terms(complete).map(of_feature)


@cache
def _plan_terms(complete: bool) -> st.SearchStrategy[Json]:
    """What a plan says whatever it grants."""
    price = objects(
        {"amount": numbers(), "interval": st.sampled_from(PRICE_INTERVALS)},
        {"interval_count": counts, "additional_currencies": in_other_currencies(complete, "amount")},
        complete,
    )
    trial = st.fixed_dictionaries(
        {
            "duration_length": counts,
            "duration_type": st.sampled_from(["day", "month", "year"]),
            "card_required": st.booleans(),
        }
    )
    config = st.dictionaries(st.sampled_from(["ignore_past_due", "anchor_to_month_start"]), st.booleans())
    return objects(
        {
            "name": texts,
            "description": texts,
            "group": identifiers,
            "version": counts,
            "add_on": st.booleans(),
            "auto_enable": st.booleans(),
            "price": price,
            "created_at": instants,
            "archived": st.booleans(),
            "base_variant_id": identifiers,
            "config": config,
            "metadata": free_form_objects,
        },
        {"free_trial": trial},
        complete,
        nullable=("description", "group", "price", "base_variant_id"),
    )


@st.composite
def plans(
    draw: st.DrawFn,
    plan_id: st.SearchStrategy[str] = identifiers,
    env: str = "live",
    catalog: tuple[Json, ...] = (),
    complete: bool = False,
) -> Json:
    """A plan in `env` whose items grant some of the features of `catalog`."""
    granted = draw(st.lists(st.sampled_from(catalog), unique_by=id, max_size=3)) if catalog else []
    return {
        "id": draw(plan_id),
        "env": env,
        "items": [draw(plan_items(feature, complete)) for feature in granted],
        **draw(_plan_terms(complete)),
    }
