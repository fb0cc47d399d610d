"""Simulate usage or a refund: what it would change, or why it would be refused."""

from __future__ import annotations

from decimal import Decimal

from billing import formats
from billing.explain import words
from billing.explain.queries import Material
from billing.explain.types import PartExplained, UseExplained
from billing.rules.drawing import (
    DrawRefusal,
    DrawResult,
    draw,
    grants_after,
    refund,
    rollovers_after,
)
from billing.rules.drawing_order import drawing_order, rollover_order
from billing.rules.exact import ZERO


def unreachable(material: Material) -> tuple[str, ...]:
    """Names of the grants and rollovers that count but belong to entities, if the usage names no entity."""
    reached = {row.id for row in drawing_order(material.rows, material.entity_id)}
    reached |= {row.id for row in rollover_order(material.rollovers, material.entity_id)}
    counted = [row.id for row in material.rollovers] + [row.id for row in material.rows]
    return tuple(material.full_name(row_id) for row_id in counted if row_id not in reached)


def try_use(material: Material, asked: Decimal) -> UseExplained:
    """Simulate usage of `asked` units, or a refund if `asked` is negative. Changes nothing."""
    rows, rollovers, entity_id = material.rows, material.rollovers, material.entity_id
    result: DrawResult | DrawRefusal
    if asked < 0:
        put_back = refund(rows, asked.copy_abs(), entity_id=entity_id)
        result = DrawResult(put_back.parts, put_back.dropped)
    else:
        result = draw(
            rows,
            rollovers,
            asked,
            entity_id=entity_id,
            overage_limits=material.drawable.overage_limits(material.at),
            usage_caps=material.drawable.usage_caps(material.at, entity_id),
        )
    if isinstance(result, DrawRefusal):
        features = {row.id: str(material.balance_of[row.id].feature) for row in rows}
        features |= {str(balance.feature_id): str(balance.feature) for balance in material.balances}
        features |= {str(material.feature.pk): str(material.feature)}
        names = {row.id: material.full_name(row.id) for row in rows}
        reasons = [formats.limit_reached(stop, names, features) for stop in result.stops]
        beyond_reach = unreachable(material)
        if beyond_reach:
            reasons.append(
                "usage without an entity can't use these grants and rollovers of entities:"
                f" {', '.join(beyond_reach)}"
            )
        return UseExplained(
            asked=asked,
            outcome="refused",
            parts=(),
            missing=result.missing,
            dropped=ZERO,
            reasons=tuple(reasons),
            remaining=_remaining(material, {}, {}),
        )
    is_refund = asked < 0
    usage = result.usage_changes
    if is_refund:
        usage = {row_id: charged.copy_negate() for row_id, charged in usage.items()}
    return UseExplained(
        asked=asked,
        outcome="refunded" if is_refund else "drawn",
        parts=tuple(
            PartExplained(
                row_id=part.id,
                name=material.full_name(part.id),
                step=part.step,
                words=words.STEPS[part.step],
                units=part.units,
                charged=part.charged,
                charged_in=str(material.balance_of[part.id].feature),
            )
            for part in result.parts
        ),
        missing=ZERO,
        dropped=result.dropped,
        reasons=("a refund can't exceed what was used",) if is_refund and result.dropped else (),
        remaining=_remaining(material, usage, result.rollover_changes),
    )


def _remaining(
    material: Material, usage: dict[str, Decimal], left: dict[str, Decimal]
) -> dict[str, Decimal | None]:
    """What remains in each balance after these changes, by feature ID; None is unlimited."""
    grants = grants_after(material.rows, usage)
    rollovers = rollovers_after(material.rollovers, left)
    remaining = material.drawable.remaining(grants, rollovers)
    return {balance.feature.feature_id: remaining[str(balance.feature_id)] for balance in material.balances}
