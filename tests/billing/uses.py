"""Uses and grants as tests write them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.models import Balance, Grant
from billing.usage.deduct import UsageRequest
from tests.factories import make_grant

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = datetime(2026, 6, 1, tzinfo=UTC)
LAST = datetime(2026, 9, 1, tzinfo=UTC)


def use(balance: Balance, amount: Any, **fields: Any) -> UsageRequest:
    return UsageRequest(
        **{
            "customer_id": str(balance.customer_id),
            "feature": balance.feature,
            "amount": Decimal(amount),
            "done_by": "test",
            "at": NOON,
            **fields,
        }
    )


def granted(balance: Balance, included: Any, used: Any = 0, **fields: Any) -> Grant:
    return make_grant(
        balance=balance,
        included_grant=Decimal(included),
        usage=Decimal(used),
        **{"created_at": NOON, **fields},
    )


def usages(*grants: Grant) -> list[Decimal]:
    return [Grant.objects.get(pk=grant.pk).usage for grant in grants]
