"""Record usage of a feature: deduct it from the customer's grants and post it to the ledger, once per key."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from billing.ledger.drawable_balances import credit_costs_of, drawable_balances_of
from billing.ledger.entries import PostingDraft, locked_balances, post
from billing.models import PendingLine, Posting, Subscription
from billing.rules.drawing import DrawnPart
from billing.subscriptions import renew_customers
from billing.subscriptions.thresholds import balances_near_threshold, bill_thresholds
from billing.usage.deduct import (
    UsageRefused,
    UsageRequest,
    UsageResult,
    check_entity,
    check_request,
    deduct,
    from_stored_answer,
    no_balance_refusal,
    to_stored_answer,
)
from billing.usage.idempotency import KeyConflict, digest_of, key_problem
from billing.usage.late import LateUsage, deduct_late, grace
from customers import clock
from customers.ingest.accounts import account_of
from customers.lookup import survivor_of
from customers.typed_ids import new_uuid_text, to_typed_id, to_uuid

_TRIES = 3
#: When no renewal has run for a usage yet.
NOT_RENEWED = datetime.min.replace(tzinfo=UTC)


class _RenewalDue(Exception):
    """Events of the customer are due before the usage is recorded: those until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class _Merged(Exception):
    """The customer was merged while the usage waited for its balances."""


def record_usage(request: UsageRequest) -> UsageResult:
    """Deduct the usage (or refund) and post it, all or nothing.

    Everything that was due for the customer when the usage happened is done first. Usage of a period that was billed is
    accepted within the grace (see `billing.usage.late`). A request that is repeated under its
    key changes nothing and gets the first result. Raises `UsageRefused`, after which the key can still be used, or
    `KeyConflict`.
    """
    now = clock.now()
    check_request(request, now)
    if request.key is not None and (problem := key_problem(request.key)):
        raise UsageRefused(problem)
    at = request.at or now
    digest = "" if request.key is None else digest_of_request(request)
    if connection.vendor == "postgresql" and request.amount > 0 and request.account_id is None:
        result = _record_plainly(request, at, digest)
        if result is not None:
            return result
    for tries_left in reversed(range(_TRIES)):
        try:
            result, is_threshold = _record(request, at, digest)
        except IntegrityError:
            # Another transaction used the key at the same time: the next try finds its posting.
            if request.key is None or not tries_left:
                raise
        else:
            if is_threshold:
                bill_thresholds(survivor_of(request.customer_id), at, done_by=request.done_by)
            return result
    raise AssertionError("the last try returns or raises")


def digest_of_request(request: UsageRequest) -> str:
    """The digest that the posting stores, to recognize a repetition of the request."""
    return digest_of(str(request.feature.pk), request.entity_id, request.amount, request.at, request.cap)


def replay(posting: Posting, customer_id: str, digest: str) -> UsageResult:
    """The result stored with the posting of a key. Raises `KeyConflict` if the key was used for something else."""
    if posting.digest != digest or posting.answer is None:
        raise KeyConflict(str(posting.key))
    if posting.customer_id != customer_id and survivor_of(posting.customer_id) != survivor_of(customer_id):
        raise KeyConflict(str(posting.key))
    return from_stored_answer(posting.answer)


def draft_of(request: UsageRequest, customer_id: str, at: datetime, digest: str) -> PostingDraft:
    """The draft of a usage's posting, still without its changes and the stored response."""
    return PostingDraft(
        customer_id=customer_id,
        kind=Posting.Kind.USAGE if request.amount >= 0 else Posting.Kind.REFUND,
        occurred_at=at,
        done_by=request.done_by,
        reason=request.reason,
        feature_id=str(request.feature.pk),
        entity_id=request.entity_id,
        amount=request.amount,
        key=request.key,
        digest=digest,
    )


def _record(request: UsageRequest, at: datetime, digest: str) -> tuple[UsageResult, bool]:
    """Record any usage, on either database. Returns also whether it may have reached a billing threshold."""
    renewed = NOT_RENEWED
    while True:
        customer_id = survivor_of(request.customer_id)
        try:
            return _deduct(request, customer_id, at, digest, renewed)
        except _RenewalDue as due:
            # A renewal locks the customer before its balances, so it runs after the first try has released them.
            renew_customers([customer_id], due.until, done_by=request.done_by)
            renewed = due.until
        except _Merged:
            # The survivor may have something due too.
            renewed = NOT_RENEWED


@transaction.atomic
def _deduct(
    request: UsageRequest, customer_id: str, at: datetime, digest: str, renewed: datetime
) -> tuple[UsageResult, bool]:
    """Deduct and post. `renewed` is until when the customer was renewed for this usage."""
    now = clock.now()
    costs = credit_costs_of(request.feature)
    balances = locked_balances([customer_id], costs)
    if request.account_id is not None:
        balances = [balance for balance in balances if account_of(balance) == request.account_id]
    if request.key is not None:
        earlier = Posting.objects.filter(key=request.key).first()
        if earlier is not None:
            return replay(earlier, customer_id, digest), False
    if not balances and survivor_of(customer_id) != customer_id:
        raise _Merged
    check_entity(request, customer_id)
    try:
        if not balances:
            raise no_balance_refusal(request)
        drawable = drawable_balances_of(customer_id, costs, balances)
        until = drawable.renewal_before_usage(at, now, grace())
        if until is not None and until > renewed:
            raise _RenewalDue(until)
        if request.amount and drawable.was_reset_after(at):
            usage = deduct_late(drawable, request, at, now)
        else:
            result, changes = deduct(drawable, request, at)
            usage = LateUsage(result=result, changes=changes, closings=(), pending_lines=())
    except UsageRefused as refused:
        if refused.missing is not None and at > renewed and _is_start_due(customer_id, at):
            raise _RenewalDue(at) from None
        raise
    result = usage.result
    if result.dropped and request.amount > 0 and at > renewed and _is_start_due(customer_id, at):
        raise _RenewalDue(at)
    draft = draft_of(request, customer_id, at, digest)
    draft.changes = usage.changes
    if request.key is not None:
        draft.answer = to_stored_answer(result)
    post(draft, *usage.closings)
    PendingLine.objects.bulk_create(usage.pending_lines)
    is_near = bool(balances_near_threshold(change.row for change in usage.changes))
    return result, is_near and not usage.closings


def _is_start_due(customer_id: str, at: datetime) -> bool:
    """Whether a scheduled plan starts by `at`, and so may grant what is missing."""
    return Subscription.objects.due_to_start(at).filter(customer_id=customer_id).exists()


def _record_plainly(request: UsageRequest, at: datetime, digest: str) -> UsageResult | None:
    """Record a usage that a single grant covers, in one statement; None, with nothing done, for any other.

    The database function `billing_record_plain_use` repeats `billing.rules.drawing` and
    `billing.ledger.entries.next_entry` for this case, because one statement is several times faster than locking,
    loading and writing. These modules are the reference; `tests/billing/usage/test_same_results.py` compares them.
    """
    customer = to_uuid(request.customer_id, ("cus",))
    feature = to_uuid(str(request.feature.pk), ("feat",))
    entity = None
    if request.entity is not None:
        if request.entity.customer_id != request.customer_id or request.entity.removed_at is not None:
            return None
        entity = to_uuid(str(request.entity.pk), ("ent",))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT drawn_from, remaining FROM"
            " billing_record_plain_use(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                customer,
                feature,
                entity,
                request.amount,
                at,
                clock.now(),
                request.done_by,
                request.reason,
                request.key,
                digest,
                new_uuid_text(),
                new_uuid_text(),
            ],
        )
        [(grant, remaining)] = cursor.fetchall()
    if grant is None:
        return None
    return UsageResult(
        amount=request.amount,
        parts=[_whole_amount_from(grant, request.amount)],
        dropped=Decimal(0),
        why="",
        remaining={str(request.feature.pk): remaining},
    )


def _whole_amount_from(grant: UUID, amount: Decimal) -> DrawnPart:
    return DrawnPart(to_typed_id(grant, "grt"), "granted", amount, amount)
