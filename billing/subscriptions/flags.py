"""Flags, which are boolean features: switched on with a plan, and off when no other plan includes them."""

from __future__ import annotations

from billing.models import Feature, Flag, PlanItem, Purchase, Subscription
from billing.subscriptions.unit_of_work import UnitOfWork


def raise_flag(work: UnitOfWork, item: PlanItem, source: Subscription | Purchase) -> None:
    """Switch a flag on. One that is already on outside any plan and without an expiry stays as it is."""
    flag = work.flags.get(str(item.feature_id))
    expires_at = source.expires_at if isinstance(source, Purchase) else None
    if flag is None:
        flag = _undropped(work, item.feature) or _new_flag(work, item.feature, source)
        work.flags[str(item.feature_id)] = flag
    elif flag.expires_at is None and flag.plan_id is None:
        return
    flag.plan, flag.expires_at = source.plan, expires_at
    work.change(flag)


def lower_flags(work: UnitOfWork, ended: Subscription | Purchase) -> None:
    """Switch off the flags of an ended plan that no other plan includes."""
    begun = [purchase for purchase in work.purchases if not purchase.scheduled]
    others: list[Subscription | Purchase] = [*work.active(), *begun]
    still = {
        str(item.feature_id): (item, source)
        for source in others
        if source.pk != ended.pk and (isinstance(source, Subscription) or source.expires_at is None)
        for item in work.plan_items.of(str(source.plan_id))
        if item.feature.type == Feature.Type.BOOLEAN
    }
    for item in work.plan_items.of(str(ended.plan_id)):
        flag = work.flags.get(str(item.feature_id))
        if flag is None or flag.plan_id != ended.plan_id:
            continue
        if flag.feature_id in still:
            raise_flag(work, *still[flag.feature_id])
        else:
            del work.flags[flag.feature_id]
            work.changed.pop(str(flag.pk), None)
            if not flag._state.adding:
                work.dropped.append(flag)


def _new_flag(work: UnitOfWork, feature: Feature, source: Subscription | Purchase) -> Flag:
    flag = Flag(
        customer=work.customer,
        came_with_id=source.came_with_id,
        feature=feature,
        position=len(work.flags),
    )
    flag.flag_id = str(flag.pk)
    return flag


def _undropped(work: UnitOfWork, feature: Feature) -> Flag | None:
    """The flag that was switched off earlier in this unit of work, kept so that a plan change does not replace it."""
    for flag in work.dropped:
        if isinstance(flag, Flag) and flag.feature_id == feature.pk:
            work.dropped.remove(flag)
            return flag
    return None
