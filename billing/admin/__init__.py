"""The admin of billing: what customers pay for and what they may use."""

from billing.admin.account import (
    AutoTopupAdmin,
    BillingAccountAdmin,
    EntityAdmin,
    SpendLimitAdmin,
    UsageAlertAdmin,
)
from billing.admin.balance import BalanceAdmin, BalanceInline, FlagAdmin, GrantAdmin, RolloverAdmin
from billing.admin.catalogue import CreditCostAdmin, FeatureAdmin, PlanAdmin, PlanItemAdmin
from billing.admin.invoice import InvoiceAdmin, InvoiceInline, InvoiceLineAdmin
from billing.admin.promotion import DiscountAdmin, ReferralAdmin, TrialUsedAdmin
from billing.admin.subscription import LicenseAdmin, PurchaseAdmin, SubscriptionAdmin, SubscriptionInline
from billing.models import (
    AutoTopup,
    BillingAccount,
    Discount,
    Entity,
    Flag,
    License,
    Purchase,
    Referral,
    SpendLimit,
    TrialUsed,
    UsageAlert,
)
from customers.admin import CustomerAdmin

__all__ = [
    "AutoTopupAdmin",
    "BalanceAdmin",
    "BillingAccountAdmin",
    "CreditCostAdmin",
    "DiscountAdmin",
    "EntityAdmin",
    "FeatureAdmin",
    "FlagAdmin",
    "GrantAdmin",
    "InvoiceAdmin",
    "InvoiceLineAdmin",
    "LicenseAdmin",
    "PlanAdmin",
    "PlanItemAdmin",
    "PurchaseAdmin",
    "ReferralAdmin",
    "RolloverAdmin",
    "SpendLimitAdmin",
    "SubscriptionAdmin",
    "TrialUsedAdmin",
    "UsageAlertAdmin",
]

CustomerAdmin.extend(
    first=[SubscriptionInline, BalanceInline, InvoiceInline],
    linked=[
        BillingAccount,
        Purchase,
        Flag,
        Entity,
        License,
        Discount,
        Referral,
        TrialUsed,
        AutoTopup,
        SpendLimit,
        UsageAlert,
    ],
)
