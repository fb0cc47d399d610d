"""The life of a subscription: it is attached, tried, renewed, changed, cancelled, and ends.

`attaching`, `changing` and `cancelling` are what people do, `renewal` is what time does; all work on an `UnitOfWork`, a
customer's plans and balances opened together. Each verb first does what has fallen due by its moment, then its own
part, in one transaction. It answers a `Result` that says what came of it, and raises `CannotSubscribe` when it may not
be done.
"""

from billing.subscriptions.attach import attach_plan
from billing.subscriptions.cancel import cancel_subscription, extend_trial, uncancel_subscription
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
    "cancel_subscription",
    "change_plan",
    "due_customers",
    "extend_trial",
    "renew",
    "renew_customers",
    "uncancel_subscription",
]
