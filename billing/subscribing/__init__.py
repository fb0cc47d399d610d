"""The life of a subscription: it is attached, tried, renewed, changed, cancelled, and ends.

`verbs` are what people do, `renewal` is what time does; both work on an `Account`, a customer's plans and balances
opened together.
"""

from billing.subscribing.errors import CannotBill, CannotSubscribe
from billing.subscribing.renewal import Renewals, due_customers, renew, renew_customers
from billing.subscribing.verbs import (
    Result,
    attach_plan,
    cancel_subscription,
    change_plan,
    extend_trial,
    uncancel_subscription,
)

__all__ = [
    "CannotBill",
    "CannotSubscribe",
    "Renewals",
    "Result",
    "attach_plan",
    "cancel_subscription",
    "change_plan",
    "due_customers",
    "extend_trial",
    "renew",
    "renew_customers",
    "uncancel_subscription",
]
