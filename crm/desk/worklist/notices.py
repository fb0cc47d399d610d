"""Usage alerts that fired, top-ups that are due, and reminders of unpaid invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Q

from billing.formats import money
from billing.ledger.balance_figures import figures_of_balances
from billing.models import AlertFired, AutoTopup, Balance, DunningStep, Invoice
from billing.rules.exact import total
from billing.rules.figures import Figures
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule, act_on
from customers.formats import counted, days_between, number, page_of, page_of_key, short_day

ALERT = WorklistRule(
    "usage_alert",
    "Usage alert",
    "Usage passed the threshold of an alert.",
    "billing.view_balance",
    action="View alert",
)
TOPUP = WorklistRule(
    "topup_due",
    "Top-up due",
    "A balance is below the level at which an automatic top-up buys more. Nothing is bought here.",
    "billing.view_balance",
    action="View top-up",
)
DUNNING = WorklistRule(
    "dunning_step",
    "Payment reminder due",
    "An unpaid invoice reached the next step of dunning.",
    "billing.view_invoice",
    action="View invoice",
)

_ALERT_WEIGHT = 30
_TOPUP_WEIGHT = 35
_DUNNING_WEIGHT, _FOR_EACH_STEP, _MOST_FOR_STEPS = 40, 10, 40
#: How many days an alert of a balance that never resets stays on the list.
_ALERT_DAYS = 30


def fired_alerts(batch: WorklistBatch) -> Iterator[Reason]:
    """Alerts that fired in a period that has not ended. One query."""
    fired = (
        AlertFired.objects.filter(customer_id__in=batch.customer_ids, fired_at__lte=batch.at)
        .filter(Q(period_ends_at__gt=batch.at) | Q(period_ends_at=None))
        .select_related("feature", "entity")
        .order_by("fired_at", "pk")
    )
    for row in fired:
        if row.period_ends_at is None and days_between(row.fired_at, batch.at) > _ALERT_DAYS:
            continue
        name = f"“{row.name}”: " if row.name else ""
        of = f" of {row.entity}" if row.entity else ""
        resets = f", resets {short_day(row.period_ends_at, batch.at)}" if row.period_ends_at else ""
        yield Reason(
            customer_id=str(row.customer_id),
            rule=ALERT.name,
            key=str(row.pk),
            words=f"alert {name}{row.feature}{of} {row.words}, {row.figures}{resets}",
            weight=_ALERT_WEIGHT,
            since=row.fired_at,
            link=page_of(row),
        )


def due_topups(batch: WorklistBatch) -> Iterator[Reason]:
    """Automatic top-ups whose balance is below their threshold, with what they would buy. Four queries."""
    topups = list(
        AutoTopup.objects.filter(customer_id__in=batch.customer_ids, enabled=True).select_related("feature")
    )
    if not topups:
        return
    balances = {
        str(key): (str(customer_id), str(feature_id))
        for key, customer_id, feature_id in Balance.objects.filter(
            customer_id__in={topup.customer_id for topup in topups},
            feature__in={topup.feature_id for topup in topups},
            removed_at=None,
        ).values_list("pk", "customer", "feature")
    }
    supplies: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    for key, figures in figures_of_balances(balances, batch.at).items():
        supplies[balances[key]].append(figures)
    for topup in topups:
        supply = supplies[str(topup.customer_id), str(topup.feature_id)]
        if not supply or any(each.unlimited for each in supply):
            continue
        remaining = total(each.remaining for each in supply)
        if remaining >= topup.threshold:
            continue
        yield Reason(
            customer_id=str(topup.customer_id),
            rule=TOPUP.name,
            # Users decide again once more is granted.
            key=f"{topup.pk}:{number(topup.quantity)}:{number(total(each.granted for each in supply))}",
            words=f"buy {number(topup.quantity)} {topup.feature}: {number(remaining)} left, below"
            f" {number(topup.threshold)}{_purchase_limit(topup)}",
            weight=_TOPUP_WEIGHT,
            link=page_of(topup),
        )


def _purchase_limit(topup: AutoTopup) -> str:
    if topup.limit is None or not topup.limit_interval:
        return ""
    count = topup.limit_interval_count or 1
    per = topup.limit_interval if count == 1 else f"{count} {topup.limit_interval}s"
    return f", at most {number(topup.limit)} per {per}"


def dunning_steps(batch: WorklistBatch) -> Iterator[Reason]:
    """The latest step of each invoice that is still unpaid. One query."""
    open_invoices = Invoice.objects.overdue(batch.at).filter(customer_id__in=batch.customer_ids)
    latest: dict[str, DunningStep] = {}
    for step in (
        DunningStep.objects.filter(invoice__in=open_invoices).select_related("invoice").order_by("step")
    ):
        latest[str(step.invoice_id)] = step
    for step in latest.values():
        invoice = step.invoice
        late = counted(days_between(invoice.due_at or step.taken_at, batch.at), "day")
        owed = money(invoice.due, invoice.currency)
        which = "the last reminder" if step.is_last else f"reminder {step.step} of {step.of}"
        done = f". {step.outcome}" if step.outcome else ""
        yield Reason(
            customer_id=str(invoice.customer_id),
            rule=DUNNING.name,
            key=f"{invoice.pk}:{step.step}",
            words=f"send {which} for invoice {invoice.shown_id}: {owed}, {late} past due{done}",
            weight=_DUNNING_WEIGHT + min(step.step * _FOR_EACH_STEP, _MOST_FOR_STEPS),
            since=step.taken_at,
            link=page_of_key(Invoice, invoice.pk),
            act=act_on("send", invoice.pk) if invoice.number else "",
        )


RULES = (DUNNING, ALERT, TOPUP)
FINDERS = (dunning_steps, fired_alerts, due_topups)
