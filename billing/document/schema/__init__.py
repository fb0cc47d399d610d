"""The billing document: its types, its parser, and the view of it that readers get.

Parsing needs no database. `parse_customer` reads a document. `customers.json_types.encode` writes it: whole for an
export, or after `expanded` for a view.
"""

from billing.document.schema.balance import NEVER, Balance, BreakdownRow, Flag, Reset, Rollover, rows_of
from billing.document.schema.catalog import (
    CreditCost,
    Feature,
    FeatureDisplay,
    FreeTrial,
    ItemExpiry,
    ItemFeature,
    ItemProration,
    ItemRollover,
    Plan,
    PlanItem,
    PlanItemReset,
    ThresholdBilling,
    parse_feature,
    parse_plan,
)
from billing.document.schema.controls import (
    Allocation,
    AutoTopup,
    BalanceAllocation,
    BillingControls,
    OverageAllowed,
    PurchaseLimit,
    SpendLimit,
    UsageAlert,
    UsageLimit,
)
from billing.document.schema.customer import BillingCustomer, parse_customer
from billing.document.schema.entity import Entity
from billing.document.schema.expansion import EXPANDABLE, expanded
from billing.document.schema.invoice import Invoice
from billing.document.schema.prices import (
    CurrencyAmount,
    PlanItemPrice,
    PlanPrice,
    PlanTier,
    RowPrice,
    Tier,
    TierCurrency,
)
from billing.document.schema.reward import Discount, Referral, ReferredCustomer, Rewards, TrialUsed
from billing.document.schema.scalars import Count, Currency, Expiry, NonNegative, Positive, TierEnd, Whole
from billing.document.schema.subscription import License, Purchase, Subscription

__all__ = [
    "EXPANDABLE",
    "NEVER",
    "Allocation",
    "AutoTopup",
    "Balance",
    "BalanceAllocation",
    "BillingControls",
    "BillingCustomer",
    "BreakdownRow",
    "Count",
    "CreditCost",
    "Currency",
    "CurrencyAmount",
    "Discount",
    "Entity",
    "Expiry",
    "Feature",
    "FeatureDisplay",
    "Flag",
    "FreeTrial",
    "Invoice",
    "ItemExpiry",
    "ItemFeature",
    "ItemProration",
    "ItemRollover",
    "License",
    "NonNegative",
    "OverageAllowed",
    "Plan",
    "PlanItem",
    "PlanItemPrice",
    "PlanItemReset",
    "PlanPrice",
    "PlanTier",
    "Positive",
    "Purchase",
    "PurchaseLimit",
    "Referral",
    "ReferredCustomer",
    "Reset",
    "Rewards",
    "Rollover",
    "RowPrice",
    "SpendLimit",
    "Subscription",
    "ThresholdBilling",
    "Tier",
    "TierCurrency",
    "TierEnd",
    "TrialUsed",
    "UsageAlert",
    "UsageLimit",
    "Whole",
    "expanded",
    "parse_customer",
    "parse_feature",
    "parse_plan",
    "rows_of",
]
