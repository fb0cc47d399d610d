"""Attach plans to customers, change them, cancel them, extend trials.

Each verb first does what has fallen due by its moment, then its own part, in one transaction. It answers a `Result`
that says what came of it, and raises `CannotSubscribe` when it may not be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.intervals import step
from billing.invoice_sums import Line
from billing.models import Entity, Invoice, Plan, Purchase, Subscription
from billing.models.figures import UPPER_BOUND, BillingMethod, Interval
from billing.recurring import monthly
from billing.subscribing.account import Account, open_accounts, save
from billing.subscribing.charging import add_bill, interval_of, once_lines, recurring_lines
from billing.subscribing.ending import end
from billing.subscribing.errors import CannotSubscribe
from billing.subscribing.renewal import advance
from billing.subscribing.starting import begin, carry_usage, grant_items, note_trial
from billing.subscribing.trials import trial_end, trial_refusal
from customers import clock
from customers.models import Customer

_ONE = Decimal(1)


@dataclass(slots=True)
class Result:
    """What came of a verb: the subscription or purchase, the invoices raised, and sentences for a person."""

    subscription: Subscription | None = None
    purchase: Purchase | None = None
    invoices: list[Invoice] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


@transaction.atomic
def attach_plan(
    customer: Customer,
    plan: Plan,
    *,
    quantity: Decimal = _ONE,
    prepaid: Mapping[str, Decimal] | None = None,
    entity: Entity | None = None,
    at: datetime | None = None,
    with_trial: bool = True,
    done_by: str,
) -> Result:
    """Give a customer a plan: at once, or from `at` on if that lies ahead.

    A one-off plan is a purchase. A plan of a group that the customer has another plan of is a change of that plan.
    `prepaid` are units to be bought ahead, by feature id; they are rounded up to whole packs. A trial is taken if
    the plan has one that the customer may have, unless `with_trial` is False.
    """
    now = clock.now()
    at = at or now
    account = _open(customer, min(at, now), done_by)
    bought = _packs(account, plan, prepaid or {})
    _check_plan(customer, plan, quantity, entity)
    _check_sold(plan)
    if plan.price_interval == Interval.ONE_OFF:
        return _purchase(account, plan, quantity, bought, entity, at)
    current = _current(account, plan, entity)
    if current is not None:
        if at > now:
            raise CannotSubscribe(
                f"The customer has {current.plan} of the same group, and a change of plan begins at once or when"
                " the period ends: leave out when it begins."
            )
        return _change(account, current, plan, quantity, bought, at, None)
    _refuse_twice(account, plan, entity)
    result = Result()
    subscription = _new_subscription(account, plan, quantity, bought, entity, at)
    account.subscriptions.append(subscription)
    account.change(subscription)
    if at > now:
        result.told.append(f"{plan} is scheduled to begin {_moment(at)}.")
    else:
        trial_ends_at = None
        if with_trial and plan.free_trial_length:
            refusal = trial_refusal(account.customer, plan)
            if refusal is None:
                trial_ends_at = trial_end(plan, at)
                result.told.append(f"The trial ends {_moment(trial_ends_at)}.")
            else:
                result.told.append(f"Attached without a trial: {refusal}.")
        begin(account, subscription, at, trial_ends_at=trial_ends_at)
        result.told.insert(0, f"{plan} is active.")
    return _finish(account, result, f"{plan} attached", subscription=subscription)


@transaction.atomic
def change_plan(
    subscription: Subscription,
    plan: Plan,
    *,
    quantity: Decimal | None = None,
    prepaid: Mapping[str, Decimal] | None = None,
    at: datetime | None = None,
    at_once: bool | None = None,
    done_by: str,
) -> Result:
    """Move a subscription to another plan, another version of its plan, or another quantity.

    What costs as much or more by the month begins at once, with what is left of the period prorated to the second;
    what costs less begins when the period ends. `at_once` overrides that either way. Without a `quantity` it stays
    as it is.
    """
    at = at or clock.now()
    account = _open(subscription.customer, at, done_by)
    current = _held(account, subscription)
    quantity = current.quantity if quantity is None else quantity
    _check_plan(account.customer, plan, quantity, current.entity)
    if plan.pk != current.plan_id:
        _check_sold(plan)
    if plan.price_interval == Interval.ONE_OFF:
        raise CannotSubscribe(f"{plan} is bought once: attach it instead, it goes beside a subscription.")
    if prepaid is None:
        kept = {name: Decimal(units) for name, units in current.prepaid_quantities.items()}
        sold = {
            item.feature.feature_id
            for item in account.catalogue.items(str(plan.pk))
            if item.billing_method == BillingMethod.PREPAID
        }
        prepaid = {name: units for name, units in kept.items() if name in sold}
    bought = _packs(account, plan, prepaid)
    if (plan.pk, quantity, bought) == (current.plan_id, current.quantity, current.prepaid_quantities):
        raise CannotSubscribe(
            f"The subscription is on {plan} in this quantity already: nothing would change."
        )
    return _change(account, current, plan, quantity, bought, at, at_once)


@transaction.atomic
def cancel_subscription(
    subscription: Subscription, *, at: datetime | None = None, at_once: bool = False, done_by: str
) -> Result:
    """End a subscription when its period (or trial) ends, or at once. A scheduled one is dropped.

    Nothing is given back for a period that was billed: a credit note does that.
    """
    at = at or clock.now()
    account = _open(subscription.customer, at, done_by)
    current = _held(account, subscription)
    result = Result()
    if current.status == Subscription.Status.SCHEDULED:
        result.told.append(f"{current.plan} was scheduled, and is dropped.")
        result.told += [f"{goes_on.plan} goes on." for goes_on in _drop(account, current, at)]
        return _finish(account, result, "Scheduled subscription dropped", subscription=current)
    dropped = _drop_followers(account, current, at)
    if current.canceled_at is not None and not at_once and not dropped:
        raise CannotSubscribe(f"It is cancelled already, and ends {_moment(current.expires_at)}.")
    result.told += [f"{row.plan}, which was scheduled, is dropped." for row in dropped]
    current.canceled_at = current.canceled_at or at
    account.change(current)
    if at_once or current.current_period_end is None:
        lines = end(account, current, at)
        add_bill(account, current, at, lines, (current.current_period_start, at))
        result.told.append(f"{current.plan} has ended.")
    else:
        current.expires_at = current.current_period_end
        result.told.append(f"{current.plan} ends {_moment(current.expires_at)}.")
    return _finish(account, result, "Cancelled", subscription=current)


@transaction.atomic
def uncancel_subscription(subscription: Subscription, *, at: datetime | None = None, done_by: str) -> Result:
    """Let a subscription that was to end go on; what was scheduled to take over from it is dropped."""
    at = at or clock.now()
    account = _open(subscription.customer, at, done_by)
    current = _held(account, subscription)
    if current.canceled_at is None and current.expires_at is None:
        raise CannotSubscribe("It is not cancelled: there is nothing to take back.")
    current.canceled_at = current.expires_at = None
    account.change(current)
    result = Result(told=[f"{current.plan} goes on."])
    for dropped in _drop_followers(account, current, at):
        result.told.append(f"{dropped.plan}, which was scheduled, is dropped.")
    return _finish(account, result, "Cancellation taken back", subscription=current)


@transaction.atomic
def extend_trial(
    subscription: Subscription, until: datetime, *, at: datetime | None = None, done_by: str
) -> Result:
    """Let a trial that has not ended yet last until a later moment."""
    at = at or clock.now()
    account = _open(subscription.customer, at, done_by)
    current = _held(account, subscription)
    ends_at = current.trial_ends_at
    if ends_at is None or ends_at <= at or current.status != Subscription.Status.ACTIVE:
        raise CannotSubscribe("It is not on trial: only a trial that has not ended yet can be extended.")
    if until <= ends_at:
        raise CannotSubscribe(f"The trial lasts until {_date(ends_at)} already: name a later moment.")
    if current.current_period_end == ends_at:
        current.current_period_end = until
    if current.expires_at == ends_at:
        current.expires_at = until
    for follower in _followers(account, current):
        follower.started_at = until
        account.change(follower)
    current.trial_ends_at = until
    account.change(current)
    result = Result(told=[f"The trial of {current.plan} lasts until {_date(until)}."])
    return _finish(account, result, "Trial extended", subscription=current)


def _open(customer: Customer, at: datetime, done_by: str) -> Account:
    if customer.merged_into_id is not None:
        raise CannotSubscribe("The customer was merged into another: ask for that one.")
    (account,) = open_accounts([str(customer.pk)], done_by=done_by)
    advance([account], at)
    account.invoices = []
    return account


def _finish(
    account: Account,
    result: Result,
    reason: str,
    *,
    subscription: Subscription | None = None,
    purchase: Purchase | None = None,
) -> Result:
    save([account], reason)
    result.subscription, result.purchase = subscription, purchase
    result.invoices = list(account.invoices)
    return result


def _check_plan(customer: Customer, plan: Plan, quantity: Decimal, entity: Entity | None) -> None:
    if plan.env != customer.env:
        raise CannotSubscribe(
            f"{plan} is a plan of the {plan.env} environment, the customer belongs to {customer.env}."
        )
    if plan.is_stub:
        raise CannotSubscribe(
            f"Of {plan.plan_id} only the id is known: describe it first (import_catalog, or the admin)."
        )
    if not (quantity.is_finite() and 0 < quantity < UPPER_BOUND):
        raise CannotSubscribe(f"A quantity of {quantity} cannot be sold: expected more than 0.")
    if entity is not None and (entity.customer_id != customer.pk or entity.removed_at is not None):
        raise CannotSubscribe(f"The customer has no entity “{entity}” (any more).")


def _check_sold(plan: Plan) -> None:
    if plan.archived:
        raise CannotSubscribe(f"{plan} is archived: it is no longer sold.")


def _packs(account: Account, plan: Plan, prepaid: Mapping[str, Decimal]) -> dict[str, str]:
    """The units bought ahead, rounded up to whole packs, as texts (JSON would not keep them exactly)."""
    sold = {
        item.feature.feature_id: item
        for item in account.catalogue.items(str(plan.pk))
        if item.billing_method == BillingMethod.PREPAID
    }
    bought: dict[str, str] = {}
    for name, units in prepaid.items():
        item = sold.get(name)
        if item is None:
            names = ", ".join(sorted(sold)) or "nothing"
            raise CannotSubscribe(f"{plan} does not sell {name} ahead: it sells {names}.")
        if not (units.is_finite() and 0 <= units < UPPER_BOUND):
            raise CannotSubscribe(f"{units} units of {name} cannot be bought: expected 0 or more.")
        pack = item.billing_units or _ONE
        whole, rest = divmod(units, pack)
        packs = whole + 1 if rest else whole
        if item.max_purchase is not None and packs * pack > item.max_purchase:
            raise CannotSubscribe(
                f"{packs * pack:f} units of {name} are more than {plan} sells ahead: {item.max_purchase.normalize():f}."
            )
        if packs:
            bought[name] = f"{(packs * pack).normalize():f}"
    return bought


def _current(account: Account, plan: Plan, entity: Entity | None) -> Subscription | None:
    """The active main plan of the same group that a plan would exclude."""
    if plan.add_on or not plan.group:
        return None
    for row in account.active():
        same_owner = row.entity_id == (entity.pk if entity else None)
        if same_owner and not row.add_on and not row.plan.add_on and row.plan.group == plan.group:
            return row
    return None


def _refuse_twice(account: Account, plan: Plan, entity: Entity | None) -> None:
    for row in account.subscriptions:
        same_owner = row.entity_id == (entity.pk if entity else None)
        if same_owner and row.plan.plan_id == plan.plan_id and not plan.add_on:
            raise CannotSubscribe(
                f"The customer has {row.plan} already ({row.get_status_display().lower()},"
                f" {row.subscription_id}): change its quantity or version instead."
            )
    for row in account.subscriptions:
        same_owner = row.entity_id == (entity.pk if entity else None)
        is_scheduled = row.status == Subscription.Status.SCHEDULED
        if same_owner and is_scheduled and not plan.add_on and plan.group and row.plan.group == plan.group:
            raise CannotSubscribe(
                f"{row.plan} of the same group is scheduled to begin {_moment(row.started_at)}: cancel it first."
            )


def _new_subscription(
    account: Account,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    entity: Entity | None,
    at: datetime,
) -> Subscription:
    subscription = Subscription(
        customer=account.customer,
        entity=entity,
        plan=plan,
        status=Subscription.Status.SCHEDULED,
        add_on=plan.add_on,
        auto_enable=plan.auto_enable,
        quantity=quantity,
        started_at=at,
        prepaid_quantities=bought,
        billed_here=True,
        position=len(account.subscriptions),
    )
    subscription.subscription_id = str(subscription.pk)
    return subscription


def _purchase(
    account: Account,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    entity: Entity | None,
    at: datetime,
) -> Result:
    purchase = Purchase(
        customer=account.customer,
        entity=entity,
        plan=plan,
        quantity=quantity,
        started_at=at,
        position=len(account.purchases),
    )
    account.purchases.append(purchase)
    account.change(purchase)
    grant_items(account, purchase, at, bought)
    add_bill(account, purchase, at, once_lines(account, purchase, bought))
    return _finish(account, Result(told=[f"{plan} is bought."]), f"{plan} bought", purchase=purchase)


def _held(account: Account, subscription: Subscription) -> Subscription:
    """The account's own object of a subscription."""
    for row in account.subscriptions:
        if row.pk == subscription.pk and row.status != Subscription.Status.ENDED:
            return row
    raise CannotSubscribe("The subscription has ended. Attach the plan anew.")


def _change(
    account: Account,
    current: Subscription,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    at: datetime,
    at_once: bool | None,
) -> Result:
    if current.status == Subscription.Status.SCHEDULED:
        raise CannotSubscribe(f"{current.plan} has not begun yet: cancel it and attach the other plan.")
    same = current.plan_id == plan.pk and current.quantity == quantity
    if same and current.prepaid_quantities == bought:
        raise CannotSubscribe(f"The customer is on {plan} already: nothing would change.")
    new = _new_subscription(account, plan, quantity, bought, current.entity, at)
    new.follows = current
    is_up = _monthly(account, new) >= _monthly(account, current)
    result = Result()
    for dropped in _drop_followers(account, current, at):
        result.told.append(f"{dropped.plan}, which was scheduled, is dropped.")
    period_end = current.current_period_end
    if not (is_up if at_once is None else at_once) and period_end is not None:
        new.started_at = period_end
        current.canceled_at, current.expires_at = at, period_end
        account.change(current)
        account.subscriptions.append(new)
        account.change(new)
        result.told.append(f"{current.plan} goes on until {_date(period_end)}; then {plan} begins.")
        return _finish(account, result, f"Change to {plan} scheduled", subscription=new)
    _switch(account, current, new, at)
    result.told.append(f"{current.plan} has ended and {plan} is active.")
    return _finish(account, result, f"Changed to {plan}", subscription=new)


def _switch(account: Account, current: Subscription, new: Subscription, at: datetime) -> None:
    """Put one subscription in the place of another at once, and bill the difference of the time that is left."""
    items = account.catalogue.items(str(new.plan_id))
    period = (current.current_period_start, current.current_period_end)
    is_trial = current.trial_ends_at is not None and current.trial_ends_at > at
    owed = end(account, current, at)
    start, stop = period
    every = interval_of(new.plan, items)
    if start is not None and stop is not None and start <= at < stop and not is_trial:
        owed += recurring_lines(account, current, (start, stop), (at, stop), is_credit=True)
    same_rhythm = every is not None and every == interval_of(
        current.plan, account.catalogue.items(str(current.plan_id))
    )
    lines: list[Line] = []
    account.subscriptions.append(new)
    new.status = Subscription.Status.ACTIVE
    new.started_at = at
    is_same_plan = current.plan.plan_id == new.plan.plan_id
    is_tried = bool(new.plan.free_trial_length) and (
        is_same_plan or trial_refusal(account.customer, new.plan) is None
    )
    if is_trial and every is not None and is_tried:
        new.trial_ends_at = current.trial_ends_at
        if not is_same_plan:
            note_trial(account, new)
        new.current_period_start, new.current_period_end = start, stop
    elif same_rhythm and not is_trial and start is not None and stop is not None and start <= at < stop:
        new.current_period_start, new.current_period_end = start, stop
        lines += once_lines(account, new, new.prepaid_quantities)
        lines += recurring_lines(account, new, (start, stop), (at, stop))
    elif every is not None:
        new.current_period_start, new.current_period_end = at, step(at, *every)
        lines += once_lines(account, new, new.prepaid_quantities)
        if new.current_period_end is not None:
            lines += recurring_lines(account, new, (at, new.current_period_end))
    account.change(new)
    grant_items(account, new, at, new.prepaid_quantities)
    _keep_resets(account, current, new)
    carry_usage(account, new, at, is_same_plan=is_same_plan)
    if current.billed_here and current.plan.currency == new.plan.currency:
        owed, lines = [], owed + lines
    add_bill(account, current, at, owed, (start, at))
    add_bill(account, new, at, lines, (new.current_period_start, new.current_period_end))


def _keep_resets(account: Account, current: Subscription, new: Subscription) -> None:
    """A reset keeps its date where the period does."""
    if new.current_period_end != current.current_period_end or new.current_period_end is None:
        return
    before = {
        (str(grant.balance_id), grant.reset_interval, grant.reset_interval_count): grant.next_reset_at
        for grant in account.grants.values()
        if grant.subscription_id == current.pk
    }
    for grant in account.grants_of(new):
        place = (str(grant.balance_id), grant.reset_interval, grant.reset_interval_count)
        if before.get(place) is not None:
            grant.next_reset_at = before[place]


def _monthly(account: Account, subscription: Subscription) -> Decimal:
    """What a subscription costs by the month, as far as it recurs."""
    plan = subscription.plan
    items = account.catalogue.items(str(plan.pk))
    every = interval_of(plan, items)
    if every is None:
        return Decimal(0)
    now = subscription.started_at
    end_ = step(now, *every)
    if end_ is None:
        return Decimal(0)
    whole = sum(line.amount for line in recurring_lines(account, subscription, (now, end_)))
    return monthly(Decimal(whole), *every)


def _followers(account: Account, subscription: Subscription) -> list[Subscription]:
    return [
        row
        for row in account.subscriptions
        if row.follows_id == subscription.pk and row.status == Subscription.Status.SCHEDULED
    ]


def _drop_followers(account: Account, subscription: Subscription, at: datetime) -> list[Subscription]:
    dropped = _followers(account, subscription)
    for row in dropped:
        row.status = Subscription.Status.ENDED
        row.expires_at = at
        account.change(row)
    return dropped


def _drop(account: Account, scheduled: Subscription, at: datetime) -> list[Subscription]:
    """Drop a scheduled subscription; answers the one that it was to take over from, which goes on."""
    scheduled.status = Subscription.Status.ENDED
    scheduled.expires_at = at
    account.change(scheduled)
    goes_on = [row for row in account.active() if row.pk == scheduled.follows_id]
    for row in goes_on:
        row.canceled_at = row.expires_at = None
        account.change(row)
    return goes_on


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"on {_date(moment)}"


def _date(moment: datetime) -> str:
    return f"{moment:%-d %b %Y at %H:%M} UTC"
