"""What customers pay for and what they may use."""

from billing.models.account import AutoTopup, BillingAccount, Entity, SpendLimit, UsageAlert
from billing.models.balance import Balance, Flag, Grant, Rollover
from billing.models.catalogue import CreditCost, Feature, Plan, PlanItem
from billing.models.invoice import Invoice, InvoiceLine
from billing.models.promotion import Discount, Referral, TrialUsed
from billing.models.subscription import License, Purchase, Subscription

__all__ = [
    "AutoTopup",
    "Balance",
    "BillingAccount",
    "CreditCost",
    "Discount",
    "Entity",
    "Feature",
    "Flag",
    "Grant",
    "Invoice",
    "InvoiceLine",
    "License",
    "Plan",
    "PlanItem",
    "Purchase",
    "Referral",
    "Rollover",
    "SpendLimit",
    "Subscription",
    "TrialUsed",
    "UsageAlert",
]
