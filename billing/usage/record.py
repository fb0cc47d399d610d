"""Record that a customer used a feature: drawn from its grants, posted to the ledger, once for each key."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from billing.ledger.drawable_balances import credit_costs_of, drawable_balances_of
from billing.ledger.entries import PostingDraft, locked_balances, post
from billing.models import Posting, Subscription
from billing.rules.drawing import DrawnPart
from billing.subscriptions import renew_customers
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
from customers import clock
from customers.lookup import survivor_of
from customers.typed_ids import new_uuid_text, to_typed_id, to_uuid

_TRIES = 3


class _RenewalDue(Exception):
    """Something of the customer's falls due before the use."""


class _Merged(Exception):
    """The customer became part of another one while the use waited for its balances."""


def record_usage(use: UsageRequest) -> UsageResult:
    """Draw what was used (or put back what is refunded) and post it, all of it or nothing.

    What falls due for the customer before the use happened is done first. A use that comes again under its key
    changes nothing and answers as the first time. Raises `UsageRefused`, which leaves the key free, or `KeyConflict`.
    """
    check_request(use)
    if use.key is not None and (problem := key_problem(use.key)):
        raise UsageRefused(problem)
    at = use.at or clock.now()
    digest = "" if use.key is None else digest_of_request(use)
    if connection.vendor == "postgresql" and use.amount > 0:
        used = _record_plainly(use, at, digest)
        if used is not None:
            return used
    for tries_left in reversed(range(_TRIES)):
        try:
            return _record(use, at, digest)
        except IntegrityError:
            # Somebody else used the key meanwhile: the next try finds it.
            if use.key is None or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def digest_of_request(use: UsageRequest) -> str:
    """What the posting keeps, to know the use again by."""
    return digest_of(str(use.feature.pk), use.entity_id, use.amount, use.at, use.cap)


def replay(posting: Posting, customer_id: str, digest: str) -> UsageResult:
    """The answer that was given for the key of `posting`; `KeyConflict` if it was used for something else."""
    if posting.digest != digest or posting.answer is None:
        raise KeyConflict(str(posting.key))
    if posting.customer_id != customer_id and survivor_of(posting.customer_id) != survivor_of(customer_id):
        raise KeyConflict(str(posting.key))
    return from_stored_answer(posting.answer)


def draft_of(
    use: UsageRequest, customer_id: str, at: datetime, used: UsageResult, digest: str
) -> PostingDraft:
    """The posting of a use, without its changes."""
    return PostingDraft(
        customer_id=customer_id,
        kind=Posting.Kind.USAGE if use.amount > 0 else Posting.Kind.REFUND,
        occurred_at=at,
        done_by=use.done_by,
        reason=use.reason,
        feature_id=str(use.feature.pk),
        entity_id=use.entity_id,
        amount=use.amount,
        key=use.key,
        digest=digest,
        answer=None if use.key is None else to_stored_answer(used),
    )


def _record(use: UsageRequest, at: datetime, digest: str) -> UsageResult:
    """The way of every use: what is plain or not, and on either database."""
    is_renewed = False
    while True:
        customer_id = survivor_of(use.customer_id)
        try:
            return _draw(use, customer_id, at, digest, is_renewed=is_renewed)
        except _RenewalDue:
            # Who renews holds the customer before its balances: the first try has let go of them.
            renew_customers([customer_id], at, done_by=use.done_by)
            is_renewed = True
        except _Merged:
            # The survivor may have something due.
            is_renewed = False


@transaction.atomic
def _draw(use: UsageRequest, customer_id: str, at: datetime, digest: str, *, is_renewed: bool) -> UsageResult:
    costs = credit_costs_of(use.feature)
    balances = locked_balances([customer_id], costs)
    if use.key is not None:
        earlier = Posting.objects.filter(key=use.key).first()
        if earlier is not None:
            return replay(earlier, customer_id, digest)
    if not balances and survivor_of(customer_id) != customer_id:
        raise _Merged
    check_entity(use, customer_id)
    try:
        if not balances:
            raise no_balance_refusal(use)
        holding = drawable_balances_of(customer_id, costs, balances)
        due = holding.next_due()
        if due is not None and due <= at and not is_renewed:
            raise _RenewalDue
        used, changes = deduct(holding, use, at)
    except UsageRefused as refused:
        if refused.missing is not None and not is_renewed and _is_start_due(customer_id, at):
            raise _RenewalDue from None
        raise
    if used.dropped and use.amount > 0 and not is_renewed and _is_start_due(customer_id, at):
        raise _RenewalDue
    draft = draft_of(use, customer_id, at, used, digest)
    draft.changes = changes
    post(draft)
    return used


def _is_start_due(customer_id: str, at: datetime) -> bool:
    """Whether a plan that was scheduled begins by `at`, and so may grant what is missing."""
    return Subscription.objects.due_to_start(at).filter(customer_id=customer_id).exists()


def _record_plainly(use: UsageRequest, at: datetime, digest: str) -> UsageResult | None:
    """Record a use that one grant serves alone, in one statement; None, with nothing done, for any other.

    The function in the database decides that (see the migration that makes it), and the order of grants in it is
    that of `billing.rules.drawing`.
    """
    customer = to_uuid(use.customer_id, ("cus",))
    feature = to_uuid(str(use.feature.pk), ("feat",))
    entity = None
    if use.entity is not None:
        if use.entity.customer_id != use.customer_id or use.entity.removed_at is not None:
            return None
        entity = to_uuid(str(use.entity.pk), ("ent",))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT drawn_from, remaining FROM"
            " billing_record_plain_use(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                customer,
                feature,
                entity,
                use.amount,
                at,
                clock.now(),
                use.done_by,
                use.reason,
                use.key,
                digest,
                new_uuid_text(),
                new_uuid_text(),
            ],
        )
        [(drawn_from, remaining)] = cursor.fetchall()
    if drawn_from is None:
        return None
    return UsageResult(
        amount=use.amount,
        parts=[_whole(drawn_from, use.amount)],
        dropped=Decimal(0),
        why="",
        remaining={str(use.feature.pk): remaining},
    )


def _whole(grant: UUID, amount: Decimal) -> DrawnPart:
    return DrawnPart(to_typed_id(grant, "grt"), "granted", amount, amount)
