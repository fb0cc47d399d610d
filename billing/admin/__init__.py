"""The admin of billing: what customers pay for and what they may use."""

from billing.admin.account import BillingAccountAdmin, EntityAdmin
from billing.admin.balance import BalanceAdmin, FlagAdmin, GrantAdmin, RolloverAdmin
from billing.admin.catalog import CreditCostAdmin, FeatureAdmin, PlanAdmin, PlanItemAdmin
from billing.admin.controls import (
    AutoTopupAdmin,
    OverageAllowedAdmin,
    SpendLimitAdmin,
    UsageAlertAdmin,
    UsageLimitAdmin,
)
from billing.admin.invoice import (
    CreditNoteAdmin,
    InvoiceAdmin,
    InvoiceLineAdmin,
    InvoiceSeriesAdmin,
)
from billing.admin.invoice_email import InvoiceEmailAdmin
from billing.admin.ledger import LedgerEntryAdmin, PostingAdmin
from billing.admin.notice import AlertFiredAdmin, DunningStepAdmin
from billing.admin.payment import PaymentAdmin, PaymentReversalAdmin
from billing.admin.pending_line import PendingLineAdmin
from billing.admin.platform_change import PlatformChangeAdmin
from billing.admin.promotion import DiscountAdmin, ReferralAdmin, TrialUsedAdmin
from billing.admin.subscription import LicenseAdmin, PurchaseAdmin, SubscriptionAdmin
from billing.admin.subscription_phases import BillingCycleAdmin, SubscriptionPhaseAdmin

__all__ = [
    "AlertFiredAdmin",
    "AutoTopupAdmin",
    "BalanceAdmin",
    "BillingAccountAdmin",
    "BillingCycleAdmin",
    "CreditCostAdmin",
    "CreditNoteAdmin",
    "DiscountAdmin",
    "DunningStepAdmin",
    "EntityAdmin",
    "FeatureAdmin",
    "FlagAdmin",
    "GrantAdmin",
    "InvoiceAdmin",
    "InvoiceEmailAdmin",
    "InvoiceLineAdmin",
    "InvoiceSeriesAdmin",
    "LedgerEntryAdmin",
    "LicenseAdmin",
    "OverageAllowedAdmin",
    "PaymentAdmin",
    "PaymentReversalAdmin",
    "PendingLineAdmin",
    "PlanAdmin",
    "PlanItemAdmin",
    "PlatformChangeAdmin",
    "PostingAdmin",
    "PurchaseAdmin",
    "ReferralAdmin",
    "RolloverAdmin",
    "SpendLimitAdmin",
    "SubscriptionAdmin",
    "SubscriptionPhaseAdmin",
    "TrialUsedAdmin",
    "UsageAlertAdmin",
    "UsageLimitAdmin",
]
