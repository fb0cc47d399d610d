"""The customer in the admin, with billing."""

from __future__ import annotations

from billing.admin.balance import BalanceInline
from billing.admin.invoice import InvoiceInline
from billing.admin.revenue import recurring_revenue
from billing.admin.subscription import SubscriptionInline
from billing.admin.subscription_actions import attach_a_plan, may_attach_a_plan
from billing.models import (
    AlertFired,
    AutoTopup,
    BillingAccount,
    Discount,
    Entity,
    Flag,
    License,
    OverageAllowed,
    Purchase,
    Referral,
    SpendLimit,
    TrialUsed,
    UsageAlert,
    UsageLimit,
)
from customers.admin import CustomerAdmin


class BilledCustomerAdmin(CustomerAdmin):
    """A customer with its subscriptions, balances, invoices and recurring revenue."""

    attach_a_plan = attach_a_plan
    has_attach_a_plan_permission = may_attach_a_plan

    inlines = [SubscriptionInline, BalanceInline, InvoiceInline, *CustomerAdmin.inlines]
    linked_models = [
        *CustomerAdmin.linked_models,
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
        UsageLimit,
        OverageAllowed,
        UsageAlert,
        AlertFired,
    ]
    readonly_fields = (*CustomerAdmin.readonly_fields, recurring_revenue)
    fieldsets = CustomerAdmin.with_facts(recurring_revenue)
    actions_detail = (*CustomerAdmin.actions_detail, "attach_a_plan")
