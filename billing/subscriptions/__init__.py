"""Subscriptions from start to end: attach, trial, renewal, plan change, cancellation.

`attach`, `change_plan` and `cancel` carry out what people decide; `renew` applies due events. Each verb locks and loads
the customer as a `UnitOfWork`, applies what is due by its moment, then makes its own change, in one transaction. It returns
a `Result`, and raises `CannotSubscribe` when it is refused.
"""

from billing.subscriptions.at_platform import record_cancellation, record_change, withdraw_change
from billing.subscriptions.attach import attach_plan
from billing.subscriptions.cancel import (
    cancel_purchase,
    cancel_subscription,
    extend_trial,
    uncancel_subscription,
)
from billing.subscriptions.change_plan import change_plan
from billing.subscriptions.due_customers import due_customers
from billing.subscriptions.errors import CannotBill, CannotSubscribe
from billing.subscriptions.renew import RenewalFailure, RenewedBatch, renew, renew_customers
from billing.subscriptions.renewal_counts import RenewalCounts
from billing.subscriptions.result import Result

__all__ = [
    "CannotBill",
    "CannotSubscribe",
    "RenewalCounts",
    "RenewalFailure",
    "RenewedBatch",
    "Result",
    "attach_plan",
    "cancel_purchase",
    "cancel_subscription",
    "change_plan",
    "due_customers",
    "extend_trial",
    "record_cancellation",
    "record_change",
    "renew",
    "renew_customers",
    "uncancel_subscription",
    "withdraw_change",
]
