"""Accounts without an account manager, and possible duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.http import urlencode

from billing.revenue.monthly import earning
from crm.dedupe.duplicates.evidence import likelihood
from crm.desk.worklist.reason import MOST, Reason, WorklistBatch, WorklistRule, act_on
from crm.models import DuplicatePair
from customers.formats import customer_url
from customers.models import Customer

UNOWNED = WorklistRule(
    "unowned",
    "No account manager",
    "The customer pays and has no account manager.",
    "customers.view_customer",
)
DUPLICATE = WorklistRule(
    "possible_duplicate",
    "Possible duplicate",
    "Another customer may be the same.",
    "crm.view_duplicatepair",
    action="Review",
)

_UNOWNED_WEIGHT = 10
_DUPLICATE_WEIGHT = 8


def unowned_accounts(batch: WorklistBatch) -> Iterator[Reason]:
    """Customers with a paid subscription and without an account manager. One query."""
    paying = earning(batch.at).filter(customer=OuterRef("pk"), plan__price_amount__gt=0)
    rows = Customer.objects.filter(Exists(paying), pk__in=batch.customer_ids, relationship__owner=None)
    for key, since in rows.order_by().values_list("pk", "created_at"):
        yield Reason(
            customer_id=str(key),
            rule=UNOWNED.name,
            key="",
            words="no account manager",
            weight=_UNOWNED_WEIGHT,
            since=since,
            link=customer_url(str(key)),
            act=act_on("assign", key),
        )


def possible_duplicates(batch: WorklistBatch) -> Iterator[Reason]:
    """The likeliest pairs that wait for review, at most `MOST` per customer. One query."""
    here = set(batch.customer_ids)
    pairs = DuplicatePair.objects.waiting().filter(Q(a_id__in=here) | Q(b_id__in=here))
    found: dict[str, int] = defaultdict(int)
    for pair in pairs.select_related("a", "b").order_by("-score", "pk"):
        for mine, other in ((pair.a, pair.b), (pair.b, pair.a)):
            key = str(mine.pk)
            if key not in here or found[key] == MOST:
                continue
            found[key] += 1
            yield Reason(
                customer_id=key,
                rule=DUPLICATE.name,
                key=str(pair.pk),
                words=f"may be the same as {other} ({likelihood(pair.score)} likely)",
                weight=_DUPLICATE_WEIGHT,
                since=pair.found_at,
                link=f"{reverse('desk-review')}?{urlencode({'pair': pair.pk})}",
            )


RULES = (
    UNOWNED,
    DUPLICATE,
)
FINDERS = (
    unowned_accounts,
    possible_duplicates,
)
