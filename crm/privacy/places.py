"""Where data of customers lies: each table once, with how its rows lead to a customer and what erasure does to them.

A table or a text column that is missing here fails `tests/crm/privacy/test_places.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q, QuerySet

from billing.models import (
    AlertFired,
    AutoTopup,
    Balance,
    BillingAccount,
    BillingCycle,
    CreditNote,
    Discount,
    DunningStep,
    Entity,
    Flag,
    Grant,
    Invoice,
    InvoiceEmail,
    InvoiceLine,
    LedgerEntry,
    License,
    OverageAllowed,
    Payment,
    PaymentReversal,
    PendingLine,
    PlatformChange,
    Posting,
    Purchase,
    Referral,
    Rollover,
    SpendLimit,
    Subscription,
    SubscriptionPhase,
    TrialUsed,
    UsageAlert,
    UsageLimit,
)
from crm.models import (
    Activity,
    BalanceFacts,
    Company,
    Contact,
    CurrencyFacts,
    CustomerFacts,
    CustomerTag,
    CustomField,
    Document,
    Domain,
    DuplicatePair,
    Export,
    FieldFacts,
    FieldValue,
    FileImport,
    HealthScore,
    ImportedRecord,
    InvoiceFacts,
    Job,
    Mention,
    Merge,
    MergedRecord,
    Note,
    Notification,
    OutgoingEmail,
    Person,
    Receivable,
    Relationship,
    RevenueChange,
    Segment,
    SubscriptionFacts,
    Task,
    UsageMonth,
    WebhookDelivery,
    WorklistDecision,
    WorklistEntry,
    WorklistReason,
)
from customers.models import (
    Address,
    AuditDetails,
    AuditEntry,
    AuditSeal,
    Business,
    Customer,
    CustomerChange,
    ErasedRecord,
    Erasure,
    Event,
    PaymentMethod,
    ReceivedPayload,
    SourceRecord,
)

#: What stands where a name was.
ERASED = "Erased customer"
#: What stands where another text was that may not be empty.
GONE = "Erased"


def own_id(row: Any) -> str:
    """The ID of the row itself, for a column that must stay unique."""
    return str(row.pk)


@dataclass(frozen=True, slots=True)
class Place:
    """A table with rows of customers.

    `paths` lead from a row to its customer. Erasure deletes the rows, or, if there are `blanks`, keeps them and writes
    these values, computed from the row where one is a function. `keeps` are text columns that stay, because they hold
    nothing personal. Of a place that `is_whole`, a row with the words of an erased person gets all its blanks.
    """

    model: type[Model]
    paths: Sequence[str] = ("customer",)
    blanks: Mapping[str, Any] | None = None
    keeps: Sequence[str] = field(default=())
    is_whole: bool = False

    @property
    def label(self) -> str:
        return self.model._meta.label

    @property
    def is_kept(self) -> bool:
        """Whether erasure keeps the rows."""
        return self.blanks is not None

    def rows(self, customer_ids: Sequence[str]) -> QuerySet[Any]:
        """The rows of these customers."""
        condition = Q()
        for path in self.paths:
            condition |= Q(**{f"{path}__in": list(customer_ids)})
        return self.model._default_manager.filter(condition).order_by("pk")


def _kept(model: type[Model], *paths: str, keeps: Sequence[str] = (), **blanks: Any) -> Place:
    return Place(model, paths or ("customer",), blanks, keeps)


#: In the order in which rows can be deleted.
PLACES = (
    Place(ReceivedPayload, ("record__customer", "record__came_with")),
    Place(SourceRecord, ("customer", "came_with")),
    Place(Address),
    Place(Business),
    Place(PaymentMethod),
    Place(Mention, ("note__customer",)),
    Place(Note),
    Place(Document),
    Place(Task),
    Place(Activity),
    Place(Contact),
    Place(Relationship),
    Place(Company),
    Place(Domain),
    Place(CustomField),
    Place(FieldValue),
    Place(FieldFacts),
    Place(MergedRecord, ("survivor", "tombstone")),
    Place(CustomerTag),
    Place(WorklistReason, ("entry__customer",)),
    Place(WorklistEntry),
    Place(WorklistDecision),
    Place(HealthScore),
    Place(DuplicatePair, ("a", "b")),
    Place(BalanceFacts),
    Place(CurrencyFacts),
    Place(CustomerFacts),
    Place(InvoiceFacts),
    Place(SubscriptionFacts),
    Place(Notification, ("customer_id",)),
    Place(ImportedRecord, ("customer_id",)),
    Place(InvoiceEmail, ("invoice__customer",)),
    Place(Flag),
    Place(AutoTopup),
    Place(OverageAllowed),
    Place(SpendLimit),
    Place(UsageLimit),
    Place(UsageAlert),
    Place(AlertFired),
    Place(TrialUsed),
    Place(Discount),
    Place(Referral),
    _kept(
        Customer,
        "pk",
        name=ERASED,
        email="",
        phone="",
        custom_data=None,
        external_id=None,
        stripe_id=None,
        fingerprint="",
        pinned_fields=[],
    ),
    _kept(BillingAccount, metadata={}, payment_method=None, no_tax_reason="", balance_allocations=None),
    _kept(Entity, entity_id=own_id, name=None, customer_external_id=None),
    _kept(Subscription, subscription_id=own_id, keeps=("currency", "prepaid_quantities")),
    _kept(SubscriptionPhase, "subscription__customer", keeps=("currency", "prepaid_quantities", "reason")),
    _kept(BillingCycle, "subscription__customer"),
    _kept(Purchase, keeps=("currency", "prepaid_quantities")),
    _kept(License, keeps=("license_plan_name",)),
    _kept(Balance),
    _kept(
        Grant,
        "balance__customer",
        grant_id="",
        scheduled_reason="",
        keeps=(
            "currency",
            "reset_interval",
            "price_tiers",
            "price_tier_behavior",
            "billing_method",
            "scheduled_by",
        ),
    ),
    _kept(Rollover, "balance__customer"),
    _kept(Posting, reason="", key=None, digest="", answer=None, keeps=("done_by",)),
    _kept(LedgerEntry, "posting__customer"),
    _kept(
        Invoice,
        bill_to={"name": ERASED},
        hosted_invoice_url=None,
        stripe_id="",
        keeps=(
            "status",
            "currency",
            "currency_as_sent",
            "number",
            "no_tax_reason",
            "bill_from",
            "plan_ids",
        ),
    ),
    _kept(InvoiceLine, "invoice__customer", keeps=("description",)),
    _kept(Payment, "invoice__customer", reference="", keeps=("recorded_by",)),
    _kept(PaymentReversal, "payment__invoice__customer", reason=GONE, keeps=("reversed_by",)),
    _kept(CreditNote, "invoice__customer", reason=GONE, keeps=("number", "issued_by")),
    _kept(DunningStep, "invoice__customer", keeps=("outcome",)),
    _kept(PendingLine, "subscription__customer"),
    _kept(PlatformChange, "subscription__customer", keeps=("requested_by",)),
    _kept(RevenueChange, "account", keeps=("env", "currency", "kind")),
    _kept(Receivable, "account", keeps=("env", "currency")),
    _kept(UsageMonth, "account", keeps=("env",)),
    _kept(Merge, "survivor", "other", reason="", changes={}),
    _kept(
        AuditEntry,
        "customer_id",
        keeps=("done_by", "address", "subject", "data", "details_digest", "key"),
    ),
    Place(AuditDetails, ("entry__customer_id",), {"values": {}, "salt": ""}, is_whole=True),
    _kept(AuditSeal, "entry__customer_id", keeps=("hash",)),
    _kept(Event, "customer_id", keeps=("subject", "data", "key")),
    _kept(CustomerChange, "customer_id"),
    _kept(Erasure, "customer_id", keeps=("reason", "done_by", "salt")),
    _kept(ErasedRecord, "erasure__customer_id", keeps=("digest",)),
)

#: A person may be a contact of several customers; `crm.privacy.people` decides who goes.
PEOPLE = Place(Person, ("contacts__customer",))


@dataclass(frozen=True, slots=True)
class Searched:
    """A table whose rows name no customer, but whose text may: rows with a value of the erased customer.

    They are deleted, or `clear` has the values that empty them; without it, the value alone is replaced in `columns`.
    """

    model: type[Model]
    columns: Sequence[str]
    clear: Mapping[str, Any] | None = None
    is_deleted: bool = False

    @property
    def is_replaced(self) -> bool:
        """Whether rows stay, and only the value is replaced in them."""
        return self.clear is None and not self.is_deleted


SEARCHED = (
    Searched(OutgoingEmail, ("subject", "text", "html", "error"), is_deleted=True),
    Searched(Notification, ("text", "detail", "link"), is_deleted=True),
    Searched(
        WebhookDelivery,
        ("body", "response_text", "error", "log"),
        clear={"response_text": "", "error": "", "log": []},
    ),
    # Of entries that name no customer, such as those of exports.
    Searched(AuditDetails, ("values",), clear={"values": {}, "salt": ""}),
    Searched(Job, ("subject", "result", "error", "log", "arguments")),
    Searched(Segment, ("name", "query")),
    Searched(Export, ("title",)),
    Searched(ImportedRecord, ("title", "changes", "remarks", "reason", "text"), is_deleted=True),
    Searched(FileImport, ("name", "error", "columns", "options")),
)

#: Tables without rows of customers, by what they hold. Some are dealt with on their own.
OF_NO_CUSTOMER = {
    "regrouped from the pairs that stay": ("crm_duplicatecluster",),
    "deleted as a whole if the customer is in it": ("crm_exportpart",),
    "deleted as a whole if the file is of a source that knows the customer": (
        "crm_fileimportpart",
        "crm_importbatch",
    ),
    "emptied where the entry is about an erased row": ("django_admin_log",),
    "keys of rows of other tables": ("billing_invoice_plans",),
    "what is sold, and who sells": (
        "billing_creditcost",
        "billing_exchangerate",
        "billing_feature",
        "billing_historicalexchangerate",
        "billing_historicalfeature",
        "billing_historicalplan",
        "billing_historicalseller",
        "billing_invoiceseries",
        "billing_plan",
        "billing_planitem",
        "billing_seller",
    ),
    "users of Clientele, and how they sign in": (
        "account_emailaddress",
        "account_emailconfirmation",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "auth_user",
        "auth_user_groups",
        "auth_user_user_permissions",
        "axes_accessattempt",
        "axes_accessattemptexpiration",
        "axes_accessfailurelog",
        "axes_accesslog",
        "cache",
        "crm_digesttime",
        "crm_homevisit",
        "crm_notificationchoice",
        "crm_preferences",
        "crm_team",
        "crm_team_members",
        "customers_apitoken",
        "django_session",
        "mfa_authenticator",
        "usersessions_usersession",
    ),
    "figures of many customers together": ("crm_revenuemonth", "crm_workmonth"),
    "the installation and its jobs": (
        "crm_changeposition",
        "crm_deskrefresh",
        "crm_fielddefinition",
        "crm_historicalfielddefinition",
        "crm_importmapping",
        "crm_jobschedule",
        "crm_tag",
        "crm_webhookendpoint",
        "crm_worker",
        "customers_historicalstoredsetting",
        "customers_storedsetting",
        "django_content_type",
        "django_migrations",
    ),
}
