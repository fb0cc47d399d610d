"""Raise invoices: what is billed becomes an invoice with its discounts and tax, and gets a number.

An issued invoice never changes. What happens to it afterwards is in `billing.invoices.payments`,
`billing.invoices.credit_notes` and `billing.invoices.void`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import get_args

from django.db import transaction

from billing.invoices.locking import CannotChangeInvoice, locked_invoice
from billing.invoices.numbers import series_of_invoices, take_numbers
from billing.invoices.terms import DISCOUNT_COLUMNS, BillingTerms, terms_of
from billing.models import Discount, Invoice, InvoiceLine, Plan, Subscription
from billing.rules.invoice_totals import BilledLine, InvoiceTotals, LineKind, invoice_totals
from billing.rules.money import from_minor, known_code
from customers import clock
from customers.bulk import BATCH, create_rows, update_rows, write_history
from customers.events import new_event, record_events
from customers.models import Customer, Environment, EventKind

CARRIED_OVER = "Carried over to your next invoices"

_ISSUED_COLUMNS = (
    "status",
    "total",
    "tax_rate",
    "no_tax_reason",
    "bill_to",
    "bill_from",
    "issued_at",
    "due_at",
    "closed_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRequest:
    """An invoice to raise for a customer at a moment.

    `customer_id` and `subscription_id` are keys of rows, `came_with_id` is that of the account. `plan_ids` are the plans as documents name them and `plans`
    their keys, in the same order. The lines name plans and subscriptions as documents do; their amounts are minor
    units of `currency`.
    """

    customer_id: str
    currency: str
    at: datetime
    lines: Sequence[BilledLine]
    came_with_id: str | None = None
    subscription_id: str | None = None
    plan_ids: Sequence[str] = ()
    plans: Sequence[str] = ()
    period_start: datetime | None = None
    period_end: datetime | None = None


@dataclass(slots=True)
class _Raised:
    """An invoice that is not written yet, with its lines and the discounts that it uses."""

    invoice: Invoice
    env: str
    lines: list[InvoiceLine]
    used: list[Discount]
    carried_over: Discount | None = None


def preview(request: InvoiceRequest) -> InvoiceTotals:
    """The totals of the invoice if it were raised now. Writes nothing and uses no discount.

    A total below zero would be carried over. Raises `ValueError` as `raise_invoices` does.
    """
    terms = terms_of([request.customer_id])[request.customer_id]
    return _sums(request, terms)


@transaction.atomic
def raise_invoices(requests: Sequence[InvoiceRequest], *, done_by: str) -> list[Invoice | None]:
    """Issue an invoice for each request, in a fixed number of queries; None for a request without lines.

    Discounts that apply are used in the order of the requests. An invoice of 0 is paid immediately, and a total below 0
    is carried over as credit for the next invoices. The caller has locked the customers and should finish soon, because
    no other transaction gets an invoice number until this one ends.

    Raises `ValueError`, with a sentence for a person, for lines that cannot be billed together.
    """
    wanted = [request for request in requests if request.lines]
    if not wanted:
        return [None] * len(requests)
    terms = terms_of({request.customer_id for request in wanted}, to_change=True)
    raised = [_fill_in(request, terms[request.customer_id], _new_invoice(request)) for request in wanted]
    Invoice.objects.bulk_create([each.invoice for each in raised], batch_size=BATCH)
    through = Invoice.plans.through
    create_rows(
        [
            through(invoice_id=each.invoice.pk, plan_id=plan)
            for each, request in zip(raised, wanted, strict=True)
            for plan in dict.fromkeys(request.plans)
        ],
        reason="",
    )
    _issue(raised)
    write_history([each.invoice for each in raised], f"Issued by {done_by}", is_new=True)
    issued = iter(raised)
    return [next(issued).invoice if request.lines else None for request in requests]


@transaction.atomic
def draft_invoice(
    customer: Customer,
    currency: str,
    lines: Sequence[BilledLine],
    *,
    done_by: str,
    subscription: Subscription | None = None,
    plans: Sequence[Plan] = (),
) -> Invoice:
    """Draft an invoice. Its `total` is without discounts and tax, which are added when it is issued.

    Raises `CannotChangeInvoice` if there are no lines, or if they cannot be billed together.
    """
    request = InvoiceRequest(
        customer_id=str(customer.pk),
        currency=currency,
        at=clock.now(),
        lines=lines,
        came_with_id=None if subscription is None else subscription.came_with_id,
        subscription_id=None if subscription is None else str(subscription.pk),
        plan_ids=[plan.plan_id for plan in plans],
        plans=[str(plan.pk) for plan in plans],
    )
    if not lines:
        raise CannotChangeInvoice("Enter at least one line.")
    try:
        total = invoice_totals(currency, lines).total
        invoice = _new_invoice(request)
    except ValueError as error:
        raise CannotChangeInvoice(f"Couldn't draft the invoice. {error}.") from error
    invoice.status, invoice.total = Invoice.Status.DRAFT, total
    Invoice.objects.bulk_create([invoice])
    invoice.plans.set(plans)
    create_rows(_lines_of(request, invoice, lines), reason="")
    write_history([invoice], f"Drafted by {done_by}", is_new=True)
    return invoice


@transaction.atomic
def issue_invoice(draft: Invoice, *, done_by: str, at: datetime | None = None) -> Invoice:
    """Issue a draft that was made here. It gets discounts, tax and a number, and never changes from then on.

    Raises `CannotChangeInvoice` if it is not a draft, or was not made here.
    """
    invoice = locked_invoice(draft)
    if invoice.status != Invoice.Status.DRAFT or invoice.imported or invoice.number:
        raise CannotChangeInvoice(
            f"Draft another invoice. Only drafts made here can be issued, and {invoice} is {invoice.status}."
        )
    request = request_of_draft(invoice, at or clock.now())
    terms = terms_of([request.customer_id], to_change=True)[request.customer_id]
    try:
        raised = _fill_in(request, terms, invoice)
    except ValueError as error:
        raise CannotChangeInvoice(f"Couldn't issue {invoice}. {error}.") from error
    invoice.lines.all().delete()
    Invoice.objects.bulk_update([invoice], _ISSUED_COLUMNS)
    _issue([raised])
    write_history([invoice], f"Issued by {done_by}", is_new=False)
    return invoice


def request_of_draft(draft: Invoice, at: datetime) -> InvoiceRequest:
    """The request for the invoice that this draft becomes, for example to preview it."""
    subscription = draft.subscription
    return InvoiceRequest(
        customer_id=draft.customer_id,
        currency=draft.currency,
        at=at,
        lines=[
            BilledLine(
                kind=_KINDS[line.kind],
                description=line.description,
                amount=line.amount,
                quantity=line.quantity,
                subscription_id=None if subscription is None else subscription.subscription_id,
                plan_id=None if line.plan is None else line.plan.plan_id,
                feature=line.feature_id,
                period=_period_of(line),
            )
            for line in draft.lines.select_related("plan").order_by("position", "pk")
        ],
        came_with_id=draft.came_with_id,
        subscription_id=draft.subscription_id,
        plan_ids=draft.plan_ids,
        plans=[str(plan.pk) for plan in draft.plans.all()],
        period_start=draft.period_start,
        period_end=draft.period_end,
    )


def _period_of(line: InvoiceLine) -> tuple[datetime, datetime] | None:
    start, end = line.period_start, line.period_end
    return None if start is None or end is None else (start, end)


def _new_invoice(request: InvoiceRequest) -> Invoice:
    return Invoice(
        customer_id=request.customer_id,
        came_with_id=request.came_with_id,
        subscription_id=request.subscription_id,
        currency=known_code(request.currency),
        total=0,
        plan_ids=list(dict.fromkeys(request.plan_ids)),
        period_start=request.period_start,
        period_end=request.period_end,
        created_at=request.at,
    )


def _sums(request: InvoiceRequest, terms: BillingTerms) -> InvoiceTotals:
    return invoice_totals(request.currency, request.lines, terms.discounts_at(request.at), terms.tax_rate)


def _fill_in(request: InvoiceRequest, terms: BillingTerms, invoice: Invoice) -> _Raised:
    """Fill in the invoice, and update `terms` with the discounts it uses and the credit it leaves."""
    found = _sums(request, terms)
    lines = list(found.lines)
    carried_over = None
    if found.total < 0:
        carried_over = _carry_over(request, found)
        lines.append(
            BilledLine(
                kind="credit",
                description=CARRIED_OVER,
                amount=-found.total,
                discount_id=str(carried_over.pk),
            )
        )
    used = terms.use(found.used, found.currency, request.at)
    if carried_over is not None:
        terms.discounts.append(carried_over)
    invoice.total = max(found.total, 0)
    invoice.status = Invoice.Status.OPEN if invoice.total else Invoice.Status.PAID
    invoice.closed_at = None if invoice.total else request.at
    # One raised late is due from the day that the customer learns of it.
    invoice.issued_at = max(request.at, clock.now())
    invoice.due_at = terms.due_at(invoice.issued_at)
    invoice.tax_rate = terms.tax_rate
    invoice.no_tax_reason = terms.no_tax_reason
    invoice.bill_to = terms.bill_to
    invoice.bill_from = terms.bill_from
    rows = _lines_of(request, invoice, lines, found.discounted)
    return _Raised(invoice, terms.env, rows, used, carried_over)


def _carry_over(request: InvoiceRequest, found: InvoiceTotals) -> Discount:
    # The billing document has the name, so its date is in ISO 8601.
    discount = Discount(
        customer_id=request.customer_id,
        came_with_id=request.came_with_id,
        name=f"Credit carried over on {request.at:%Y-%m-%d}",
        type=Discount.Type.INVOICE_CREDITS,
        discount_value=from_minor(-found.total, found.currency),
        duration_type=Discount.Duration.FOREVER,
        currency=found.currency,
        start=request.at,
    )
    discount.discount_id = str(discount.pk)
    return discount


def _lines_of(
    request: InvoiceRequest, invoice: Invoice, lines: Sequence[BilledLine], discounted: Sequence[int] = ()
) -> list[InvoiceLine]:
    plans = dict(zip(request.plan_ids, request.plans, strict=False))
    return [
        InvoiceLine(
            invoice=invoice,
            position=position,
            kind=line.kind,
            plan_id=None if line.plan_id is None else plans.get(line.plan_id),
            feature_id=line.feature,
            period_start=None if line.period is None else line.period[0],
            period_end=None if line.period is None else line.period[1],
            description=line.description,
            quantity=line.quantity,
            amount=line.amount,
            discounted=taken_off,
            gives_back_id=None if line.gives_back is None else line.gives_back.line,
            discount_key=line.discount_id,
        )
        for position, (line, taken_off) in enumerate(zip(lines, chain(discounted, repeat(0)), strict=False))
    ]


def _issue(raised: Sequence[_Raised]) -> None:
    """Write lines and discounts, then lock the series and write the numbers, so that the lock is short."""
    create_rows([line for each in raised for line in each.lines], reason="")
    create_rows([each.carried_over for each in raised if each.carried_over is not None], reason="")
    used = {str(discount.pk): discount for each in raised for discount in each.used}
    new = {str(each.carried_over.pk) for each in raised if each.carried_over is not None}
    update_rows([row for key, row in used.items() if key not in new], DISCOUNT_COLUMNS, reason="")
    series = {env: series_of_invoices(env) for env in Environment.values}
    counts = dict.fromkeys(series.values(), 0)
    for each in raised:
        counts[series[each.env]] += 1
    numbers = take_numbers(counts)
    for each in raised:
        each.invoice.number = next(numbers[series[each.env]])
    Invoice.objects.bulk_create(
        [each.invoice for each in raised],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["number"],
    )
    record_events(
        new_event(
            EventKind.INVOICE_ISSUED,
            str(each.invoice.customer_id),
            str(each.invoice.pk),
            invoice_id=str(each.invoice.pk),
        )
        for each in raised
    )


_KINDS: dict[str, LineKind] = {kind: kind for kind in get_args(LineKind)}
