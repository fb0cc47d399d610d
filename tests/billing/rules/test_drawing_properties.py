"""What holds for every use and every refund, whatever the rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.rules.drawing import (
    DrawRefusal,
    DrawResult,
    draw,
    refund,
)
from billing.rules.drawing_order import DrawableGrant, DrawableRollover, UsageCap

START = datetime(2026, 1, 1, tzinfo=UTC)
APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (4, 5))


def after(rows, usage_changes):
    return [replace(each, usage=each.usage + usage_changes.get(each.id, 0)) for each in rows]


figures = st.decimals(0, 1000, places=2)
costs = st.sampled_from([None, None, Decimal("0.5"), Decimal(3), Decimal("0.07")])
entities = st.sampled_from([None, None, "s1", "s2"])
expiries = st.sampled_from([None, APRIL, MAY])


@st.composite
def some_rows(draw_from):
    rows = []
    for number in range(draw_from(st.integers(0, 6))):
        included, overage = draw_from(figures), draw_from(st.booleans())
        floor = draw_from(st.none() | figures) if overage else None
        lowest = included if not overage else included + (1000 if floor is None else floor)
        cost = draw_from(costs)
        rows.append(
            DrawableGrant(
                id=f"row {number}",
                feature_id="messages" if cost is None else "credits",
                included_grant=included,
                usage=draw_from(st.decimals(0, lowest, places=2)),
                credit_cost=cost,
                entity_id=draw_from(entities),
                reset_interval=draw_from(st.sampled_from(["", "day", "month"])),
                expires_at=draw_from(expiries),
                overage_allowed=overage,
                max_purchase=floor,
                created_at=START + timedelta(days=draw_from(st.integers(0, 2))),
            )
        )
    return rows


@st.composite
def some_rollovers(draw_from):
    return [
        DrawableRollover(
            id=f"rollover {number}",
            feature_id="messages" if cost is None else "credits",
            balance=draw_from(figures),
            expires_at=draw_from(expiries),
            entity_id=draw_from(entities),
            credit_cost=cost,
        )
        for number in range(draw_from(st.integers(0, 3)))
        for cost in (draw_from(costs),)
    ]


@st.composite
def some_caps(draw_from):
    return [
        UsageCap(
            feature_id=feature_id,
            limit=draw_from(figures),
            used=draw_from(figures),
            interval="day",
            is_of_used_feature=feature_id == "messages",
        )
        for feature_id in draw_from(st.lists(st.sampled_from(["messages", "credits"]), max_size=3))
    ]


limits = st.none() | st.fixed_dictionaries({"messages": figures, "credits": figures})
amounts = st.decimals(0, 3000, places=2)


@given(some_rows(), some_rollovers(), amounts, entities, limits, st.booleans())
def test_what_is_drawn_is_what_was_asked_and_no_limit_is_passed(
    rows, rollovers, amount, entity_id, overage_limits, cap
):
    answer = draw(rows, rollovers, amount, entity_id=entity_id, overage_limits=overage_limits, cap=cap)
    if isinstance(answer, DrawRefusal):
        assert not cap
        assert 0 < answer.missing <= amount
        assert answer.stops
        return
    assert answer.units + answer.dropped == amount
    assert cap or not answer.dropped
    assert all(part.units > 0 and part.charged >= 0 for part in answer.parts)
    for then, now in zip(rows, after(rows, answer.usage_changes), strict=True):
        assert now.overage == 0 or now.overage_allowed or now == then
        assert now.max_purchase is None or now.balance >= -now.max_purchase
        assert now == then or now.entity_id in {None, entity_id}
    for each in rollovers:
        assert each.balance + answer.rollover_changes.get(each.id, 0) >= 0
    for feature_id, limit in (overage_limits or {}).items():
        then, now = (
            sum(each.overage for each in some if each.feature_id == feature_id)
            for some in (rows, after(rows, answer.usage_changes))
        )
        assert now <= max(limit, then)


@given(some_rows(), some_rollovers(), amounts, entities, limits)
def test_capped_takes_exactly_what_a_refusal_does_not_miss(
    rows, rollovers, amount, entity_id, overage_limits
):
    strict = draw(rows, rollovers, amount, entity_id=entity_id, overage_limits=overage_limits)
    capped = draw(rows, rollovers, amount, entity_id=entity_id, overage_limits=overage_limits, cap=True)
    assert isinstance(capped, DrawResult)
    if isinstance(strict, DrawResult):
        assert capped == strict
    else:
        assert (capped.dropped, capped.stops) == (strict.missing, strict.stops)


@given(some_rows(), some_rollovers(), amounts, entities, some_caps())
def test_no_usage_limit_is_passed_and_what_fits_without_them_is_not_more(
    rows, rollovers, amount, entity_id, caps
):
    free = draw(rows, rollovers, amount, entity_id=entity_id, cap=True)
    answer = draw(rows, rollovers, amount, entity_id=entity_id, usage_caps=caps, cap=True)
    assert isinstance(answer, DrawResult)
    assert isinstance(free, DrawResult)
    assert answer.units + answer.dropped == amount
    assert answer.units <= free.units
    feature_of = {each.id: each.feature_id for each in [*rows, *rollovers]}
    for each in caps:
        if each.is_of_used_feature:
            assert answer.units <= each.left
        else:
            charged = sum(part.charged for part in answer.parts if feature_of[part.id] == each.feature_id)
            assert charged <= each.left
    if answer.units < free.units:
        assert any(stop.limit == "usage_limit" for stop in answer.stops)


@given(st.data(), some_rows(), some_rollovers(), amounts, entities)
def test_the_order_that_rows_come_in_does_not_matter(data, rows, rollovers, amount, entity_id):
    shuffled = data.draw(st.permutations(rows)), data.draw(st.permutations(rollovers))
    assert draw(*shuffled, amount, entity_id=entity_id) == draw(rows, rollovers, amount, entity_id=entity_id)
    assert refund(shuffled[0], amount, entity_id=entity_id) == refund(rows, amount, entity_id=entity_id)


@given(some_rows(), amounts, amounts, entities)
def test_a_refund_never_leaves_more_than_the_grant(rows, amount, back, entity_id):
    answer = draw(rows, [], amount, entity_id=entity_id, cap=True)
    assert isinstance(answer, DrawResult)
    used = after(rows, answer.usage_changes)
    given_back = refund(used, back, entity_id=entity_id)
    assert sum(part.units for part in given_back.parts) + given_back.dropped == back
    for then, now in zip(used, after(used, given_back.usage_changes), strict=True):
        assert then.balance <= now.balance <= now.granted
    if any(then.overage and part.id == then.id for then in used for part in given_back.parts):
        steps = [part.step for part in given_back.parts]
        assert steps == sorted(steps), "healed first, then refilled"


@given(some_rows().filter(lambda rows: all(each.credit_cost is None for each in rows)), amounts, entities)
def test_a_use_without_credits_is_refunded_whole(rows, amount, entity_id):
    answer = draw(rows, [], amount, entity_id=entity_id)
    if isinstance(answer, DrawResult):
        used = after(rows, answer.usage_changes)
        assert refund(used, amount, entity_id=entity_id).dropped == 0
