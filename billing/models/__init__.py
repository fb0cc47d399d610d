"""What customers pay for and what they may use: catalog, subscriptions, balances and their ledger, invoices."""

from billing.models.account import BillingAccount, Entity
from billing.models.balance import Balance, Flag, Grant, Rollover
from billing.models.catalog import CreditCost, Feature, Plan, PlanItem
from billing.models.controls import AutoTopup, OverageAllowed, SpendLimit, UsageAlert, UsageLimit
from billing.models.exchange_rate import ExchangeRate
from billing.models.invoice import (
    CreditNote,
    Invoice,
    InvoiceEmail,
    InvoiceLine,
    InvoiceSeries,
    Payment,
    PaymentReversal,
)
from billing.models.ledger import LedgerEntry, Posting
from billing.models.notice import AlertFired, DunningStep
from billing.models.pending_line import PendingLine
from billing.models.platform_change import PlatformChange
from billing.models.promotion import Discount, Referral, TrialUsed
from billing.models.seller import Seller
from billing.models.subscription import BillingCycle, License, Purchase, Subscription, SubscriptionPhase

__all__ = [
    "AlertFired",
    "AutoTopup",
    "Balance",
    "BillingAccount",
    "BillingCycle",
    "CreditCost",
    "CreditNote",
    "Discount",
    "DunningStep",
    "Entity",
    "ExchangeRate",
    "Feature",
    "Flag",
    "Grant",
    "Invoice",
    "InvoiceEmail",
    "InvoiceLine",
    "InvoiceSeries",
    "LedgerEntry",
    "License",
    "OverageAllowed",
    "Payment",
    "PaymentReversal",
    "PendingLine",
    "Plan",
    "PlanItem",
    "PlatformChange",
    "Posting",
    "Purchase",
    "Referral",
    "Rollover",
    "Seller",
    "SpendLimit",
    "Subscription",
    "SubscriptionPhase",
    "TrialUsed",
    "UsageAlert",
    "UsageLimit",
]
