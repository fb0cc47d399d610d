"""The admin of billing: what customers pay for and what they may use."""

from billing.admin.account import (
    AutoTopupAdmin,
    BillingAccountAdmin,
    EntityAdmin,
    SpendLimitAdmin,
    UsageAlertAdmin,
)
from billing.admin.balance import BalanceAdmin, BalanceInline, FlagAdmin, GrantAdmin, RolloverAdmin
from billing.admin.catalog import CreditCostAdmin, FeatureAdmin, PlanAdmin, PlanItemAdmin
from billing.admin.invoice import (
    CreditNoteAdmin,
    InvoiceAdmin,
    InvoiceInline,
    InvoiceLineAdmin,
    InvoiceSeriesAdmin,
    PaymentAdmin,
)
from billing.admin.ledger import LedgerEntryAdmin, PostingAdmin
from billing.admin.promotion import DiscountAdmin, ReferralAdmin, TrialUsedAdmin
from billing.admin.revenue import (
    customer_mrr,
    note_revenue,
    recurring_revenue,
)
from billing.admin.subscription import LicenseAdmin, PurchaseAdmin, SubscriptionAdmin, SubscriptionInline
from billing.admin.subscription_actions import attach_a_plan, may_attach_a_plan
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
    "CreditNoteAdmin",
    "DiscountAdmin",
    "EntityAdmin",
    "FeatureAdmin",
    "FlagAdmin",
    "GrantAdmin",
    "InvoiceAdmin",
    "InvoiceLineAdmin",
    "InvoiceSeriesAdmin",
    "LedgerEntryAdmin",
    "LicenseAdmin",
    "PaymentAdmin",
    "PlanAdmin",
    "PlanItemAdmin",
    "PostingAdmin",
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
    facts=[recurring_revenue],
    columns=[customer_mrr],
    completed_by=note_revenue,
    actions={attach_a_plan: may_attach_a_plan},
)
