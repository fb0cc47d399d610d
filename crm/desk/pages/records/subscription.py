"""The page of one subscription: its prices, what it will be billed, its invoices, discounts and phases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.formats import (
    SUBSCRIPTION_STATES,
    every,
    invoice_state,
    money,
    subscription_state,
)
from billing.models import Invoice, PlatformChange, Subscription, SubscriptionPhase
from billing.revenue.monthly import revenue_of_subscription, with_charges
from billing.sheets.subscriptions import CHANGE
from billing.subscriptions import CannotBill
from billing.subscriptions.upcoming import UpcomingInvoice, bills_at, upcoming_invoice
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.pages.records.happenings import Happening
from crm.desk.pages.records.shell import (
    CHIP_COLORS,
    Fact,
    Head,
    Meta,
    acts_on,
    menu_of,
    record_page,
    requested_row,
)
from crm.desk.pages.records.subscription_tables import (
    INVOICES_SHOWN,
    SHOWN,
    discounts_table,
    invoices_table,
    packs,
    phases_table,
    prices_table,
    upcoming_lines_table,
)
from customers import clock
from customers.formats import counted, customer_url, day, days_between, number, page_of

May = Callable[[str], bool]


def subscription_page(request: HttpRequest, key: str) -> HttpResponse:
    """The subscription with this ID; with `?upcoming=1` also what it will be billed.

    That is computed by running the renewal and rolling it back, which takes longer than the rest: the page asks for it
    once it is shown.
    """
    rows = with_charges(
        Subscription.objects.select_related("customer", "entity", "follows__plan").prefetch_related("cycles")
    )
    row = requested_row(request, rows, key, "billing.view_subscription")
    may, now = request.user.has_perm, clock.now()
    bills = bills_at(row)
    waits = bills is not None and "upcoming" not in request.GET
    upcoming, problem = (None, "") if waits else _upcoming(row)
    phases = list(row.phases.select_related("plan").order_by("-starts_at", "-pk")[:SHOWN])
    requests = list(row.platform_changes.select_related("plan_before", "plan")[:SHOWN])
    following = list(row.followed_by.select_related("plan").order_by("started_at", "pk")[:SHOWN])
    invoices = (
        list(row.invoices.filter(removed_at=None).order_by("-created_at", "-pk")[:INVOICES_SHOWN])
        if may("billing.view_invoice")
        else []
    )
    tables = [
        invoices_table(invoices),
        *([discounts_table(row, now)] if may("billing.view_discount") else []),
        phases_table(phases),
    ]
    context = {
        "row": row,
        "prices": prices_table(row),
        "waits": waits,
        "upcoming": upcoming and upcoming_lines_table(upcoming),
        "tables": [table for table in tables if table.rows],
        "problem": problem,
        "requested": next((each for each in requests if not each.outcome), None),
        "may_withdraw": all(map(may, CHANGE)),
        "facts": list(_rail(row, following)),
        "happened": sorted(
            _course(row, phases, following, requests, now), key=attrgetter("at"), reverse=True
        ),
    }
    crumbs = crumbs_of(
        row.customer,
        Crumb("Subscriptions", f"{reverse('desk-billing', args=[row.customer_id])}#section-subscriptions"),
        Crumb(_name(row)),
    )
    head = _head(request, row, upcoming, bills if waits else None, invoices, now)
    return record_page(request, "crm/desk/records/subscription.html", head, crumbs, context)


def _name(row: Subscription) -> str:
    return (
        str(row.plan) if row.quantity == 1 else f"{row.plan} \N{MULTIPLICATION SIGN} {number(row.quantity)}"
    )


def _upcoming(row: Subscription) -> tuple[UpcomingInvoice | None, str]:
    try:
        return upcoming_invoice(row), ""
    except CannotBill as problem:
        return None, str(problem)


def _head(
    request: HttpRequest,
    row: Subscription,
    upcoming: UpcomingInvoice | None,
    waits_for: datetime | None,
    invoices: Iterable[Invoice],
    now: datetime,
) -> Head:
    state = subscription_state(row)
    meta = [Meta(str(row.customer), customer_url(row.customer_id))]
    if row.entity is not None:
        meta.append(Meta(str(row.entity)))
    if row.add_on:
        meta.append(Meta("Add-on"))
    meta.append(
        Meta(
            "Billed here" if row.billed_here else "Billed by the billing platform: change or cancel it there"
        )
    )
    acts = acts_on(request, row)
    return Head(
        kind="subscription",
        name=_name(row),
        icon="autorenew",
        chips=[(state, CHIP_COLORS[SUBSCRIPTION_STATES.get(state, "default")])],
        meta=meta,
        facts=list(_facts(row, upcoming, waits_for, invoices, now)),
        actions=menu_of(request, row, acts),
    )


def _facts(
    row: Subscription,
    upcoming: UpcomingInvoice | None,
    waits_for: datetime | None,
    invoices: Iterable[Invoice],
    now: datetime,
) -> Iterator[KeyFact]:
    revenue = revenue_of_subscription(row, now)
    amounts = [money(each.mrr, currency) for currency, each in revenue.items() if each.mrr]
    yearly = [f"{money(each.arr, currency)}/yr" for currency, each in revenue.items() if each.mrr]
    yield KeyFact(
        label="MRR",
        value=", ".join(amounts) or "None",
        detail=", ".join(yearly) or "No recurring revenue",
        url="#section-prices",
    )
    yield KeyFact(
        label="Quantity",
        value=number(row.quantity),
        detail=str(row.plan),
        url="#section-phases" if row.billed_here else "#section-prices",
    )
    yield _next(row, now)
    if waits_for is not None:
        yield KeyFact(label="Next invoice", value=day(waits_for), detail="see below", url="#section-upcoming")
    elif upcoming is None:
        words = "Nothing to bill" if row.billed_here else "Billed elsewhere"
        yield KeyFact(label="Next invoice", value="None", detail=words, url="#section-upcoming")
    else:
        yield KeyFact(
            label="Next invoice",
            value=money(upcoming.total, upcoming.currency),
            detail=f"on {day(upcoming.at)}",
            url="#section-upcoming",
        )
    open_invoices = [invoice for invoice in invoices if invoice.status == Invoice.Status.OPEN]
    yield _owed(open_invoices, is_ours=row.billed_here)


def _next(row: Subscription, now: datetime) -> KeyFact:
    """What happens to it next."""
    label, at = "Renews", row.current_period_end
    if row.status == Subscription.Status.SCHEDULED:
        label, at = "Starts", row.started_at
    elif row.status == Subscription.Status.ENDED:
        label, at = "Ended", row.expires_at
    elif row.trial_ends_at is not None and row.trial_ends_at > now:
        label, at = "Trial ends", row.trial_ends_at
    elif row.expires_at is not None:
        label, at = "Ends", row.expires_at
    if at is None:
        return KeyFact(label=label, value="Never" if label == "Renews" else "Unknown", url="#section-facts")
    left = days_between(now, at)
    detail = (
        "today" if not left else f"in {counted(left, 'day')}" if left > 0 else f"{counted(-left, 'day')} ago"
    )
    return KeyFact(
        label=label,
        value=day(at),
        detail=detail,
        color="warn" if label in ("Ends", "Trial ends") else "",
        url="#section-facts",
    )


def _owed(open_invoices: list[Invoice], *, is_ours: bool) -> KeyFact:
    url = "#section-invoices"
    # Invoices of the billing platform don't say which subscription they are for.
    paid = "All invoices are paid" if is_ours else "No linked invoice is open"
    if not open_invoices:
        return KeyFact(label="Amount due", value="None", detail=paid, url=url)
    by_currency: dict[str, int] = {}
    for invoice in open_invoices:
        by_currency[invoice.currency] = by_currency.get(invoice.currency, 0) + max(0, invoice.due)
    late = sum(invoice_state(invoice) == "Past due" for invoice in open_invoices)
    return KeyFact(
        label="Amount due",
        value=", ".join(money(amount, currency) for currency, amount in by_currency.items()),
        detail=f"{counted(late, 'invoice')} past due"
        if late
        else counted(len(open_invoices), "open invoice"),
        color="bad" if late else "",
        url=url,
    )


def _rail(row: Subscription, following: list[Subscription]) -> Iterator[Fact]:
    yield Fact(label="Plan", value=str(row.plan))
    if row.entity is not None:
        yield Fact(label="Entity", value=str(row.entity))
    yield Fact(label="Started", value=day(row.started_at))
    if row.trial_ends_at is not None:
        yield Fact(label="Trial until", value=day(row.trial_ends_at))
    if row.current_period_start and row.current_period_end:
        yield Fact(label="Period", value=f"{day(row.current_period_start)} to {day(row.current_period_end)}")
    for cycle in row.cycles.all():
        yield Fact(
            label=f"Every {every(cycle.interval, cycle.interval_count)}",
            value=f"{day(cycle.period_start)} to {day(cycle.period_end)}",
        )
    if row.canceled_at is not None:
        yield Fact(label="Canceled", value=day(row.canceled_at))
    if row.expires_at is not None:
        yield Fact(label="Ends", value=day(row.expires_at))
    if row.prepaid_quantities:
        yield Fact(label="Prepaid", value=packs(row.prepaid_quantities))
    if row.auto_enable:
        yield Fact(label="Enabled", value="Automatically")
    if row.follows is not None:
        yield Fact(label="Replaces", value=str(row.follows.plan), url=page_of(row.follows))
    for each in following:
        yield Fact(
            label="Replaced by",
            value=str(each.plan),
            url=page_of(each),
            detail=f"from {day(each.started_at)}",
        )
    yield Fact(label="Subscription ID", value=row.subscription_id, copied=True)
    yield Fact(label="ID", value=str(row.pk), copied=True)


def _course(
    row: Subscription,
    phases: list[SubscriptionPhase],
    following: list[Subscription],
    requests: list[PlatformChange],
    now: datetime,
) -> Iterator[Happening]:
    """What happened to it, and what is decided to happen."""
    name = str(row.plan)
    has_begun = row.status != Subscription.Status.SCHEDULED
    yield Happening(
        at=row.started_at, icon="play_arrow", actor=name, words="started" if has_begun else "is to start"
    )
    for phase in phases[:-1]:
        yield Happening(
            at=phase.starts_at,
            icon="swap_horiz",
            actor="Changed",
            words=f"to {phase.plan}, quantity {number(phase.quantity)}",
            body=phase.reason,
        )
    for request in requests:
        yield Happening(
            at=request.requested_at,
            icon="pending_actions",
            actor=request.requested_by or "A user",
            words=f"requested on the billing platform: {request.words}",
        )
        if request.closed_at is not None:
            yield Happening(
                at=request.closed_at,
                icon="task_alt",
                actor="Request closed",
                words=request.get_outcome_display().lower(),
            )
    if row.trial_ends_at is not None:
        words = "'s trial ended" if row.trial_ends_at <= now else "'s trial ends"
        yield Happening(at=row.trial_ends_at, icon="hourglass_bottom", actor=f"{name}{words}", words="")
    if row.canceled_at is not None:
        yield Happening(at=row.canceled_at, icon="event_busy", actor=name, words="was canceled")
    if row.expires_at is not None:
        words = "ended" if row.expires_at <= now else "ends"
        yield Happening(at=row.expires_at, icon="stop", actor=name, words=words)
    for each in following:
        yield Happening(
            at=each.started_at,
            icon="swap_horiz",
            actor=str(each.plan),
            words="replaced it" if each.started_at <= now else "is to replace it",
        )
