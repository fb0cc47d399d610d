"""Boolean features: a plan gives them, and takes back those that no other plan gives."""

from __future__ import annotations

from billing.models import Feature, Flag, PlanItem, Purchase, Subscription
from billing.subscriptions.unit_of_work import Account


def raise_flag(account: Account, item: PlanItem, source: Subscription | Purchase) -> None:
    """Give the customer a boolean feature; one that it has already stays as it is, unless it would expire."""
    flag = account.flags.get(str(item.feature_id))
    expires_at = source.expires_at if isinstance(source, Purchase) else None
    if flag is None:
        flag = _taken_back(account, item.feature) or _new_flag(account, item.feature)
        account.flags[str(item.feature_id)] = flag
    elif flag.expires_at is None and flag.plan_id is None:
        return
    flag.plan, flag.expires_at = source.plan, expires_at
    account.change(flag)


def lower_flags(account: Account, ended: Subscription | Purchase) -> None:
    """Take back the boolean features of a plan, but those that another plan gives as well."""
    others: list[Subscription | Purchase] = [*account.active(), *account.purchases]
    still = {
        str(item.feature_id): (item, source)
        for source in others
        if source.pk != ended.pk and (isinstance(source, Subscription) or source.expires_at is None)
        for item in account.catalogue.items(str(source.plan_id))
        if item.feature.type == Feature.Type.BOOLEAN
    }
    for item in account.catalogue.items(str(ended.plan_id)):
        flag = account.flags.get(str(item.feature_id))
        if flag is None or flag.plan_id != ended.plan_id:
            continue
        if flag.feature_id in still:
            raise_flag(account, *still[flag.feature_id])
        else:
            del account.flags[flag.feature_id]
            account.changed.pop(str(flag.pk), None)
            if not flag._state.adding:
                account.dropped_flags.append(flag)


def _new_flag(account: Account, feature: Feature) -> Flag:
    flag = Flag(customer=account.customer, feature=feature, position=len(account.flags))
    flag.flag_id = str(flag.pk)
    return flag


def _taken_back(account: Account, feature: Feature) -> Flag | None:
    """The flag of the feature that was just taken back, so that it stays after all: a plan took over from another."""
    for flag in account.dropped_flags:
        if flag.feature_id == feature.pk:
            account.dropped_flags.remove(flag)
            return flag
    return None
