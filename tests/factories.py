"""Rows for tests: good defaults, keywords to override. What a row needs is made with it, unless it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from django.contrib.auth.models import Group, User
from django.db.models import Model

from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import (
    AlertFired,
    AutoTopup,
    Balance,
    BillingAccount,
    BillingCycle,
    CreditCost,
    CreditNote,
    Discount,
    DunningStep,
    Entity,
    Feature,
    Flag,
    Grant,
    Invoice,
    InvoiceEmail,
    InvoiceLine,
    InvoiceSeries,
    LedgerEntry,
    License,
    OverageAllowed,
    Payment,
    PaymentReversal,
    PendingLine,
    Plan,
    PlanItem,
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
    ChangePosition,
    Company,
    Contact,
    CustomerTag,
    CustomField,
    DecisionKind,
    DeskRefresh,
    Document,
    Domain,
    DuplicateCluster,
    DuplicatePair,
    Export,
    FieldDefinition,
    FieldValue,
    HealthScore,
    Job,
    JobSchedule,
    Mention,
    Merge,
    MergedRecord,
    Note,
    OutgoingEmail,
    Person,
    Relationship,
    Segment,
    Tag,
    Task,
    Team,
    WebhookDelivery,
    WebhookEndpoint,
    Worker,
    WorklistDecision,
    WorklistEntry,
    WorklistReason,
)
from customers import clock
from customers.ingest.precedence import updated_claims
from customers.models import (
    Address,
    ApiToken,
    Business,
    Customer,
    PaymentMethod,
    ReceivedPayload,
    SourceRecord,
)
from customers.typed_ids import new_typed_id

M = TypeVar("M", bound=Model)

_GRANT_FIGURES = ("included_grant", "prepaid_grant", "usage")
_ROLLOVER_FIGURES = ("granted", "left")

#: A moment for columns that need one.
MOMENT = datetime(2024, 8, 26, 12, 15, tzinfo=UTC)

_numbers = count(1)


def make_user(role: str | None = None, **fields: Any) -> User:
    """Somebody who may sign in to the admin, in the group `role`; a superuser without one."""
    number = next(_numbers)
    defaults = {"username": f"user{number}", "is_staff": True, "is_superuser": role is None}
    user = User.objects.create_user(**{**defaults, **fields})
    if role is not None:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_customer(**fields: Any) -> Customer:
    """A customer."""
    number = next(_numbers)
    return _make(Customer, fields, name=f"Customer {number}", email=f"customer{number}@example.com")


def make_address(**fields: Any) -> Address:
    """An address in Arusha."""
    return _of_customer(Address, fields, line1="1 Main Street", city="Arusha", country="TZ")


def make_business(**fields: Any) -> Business:
    """A business with one contact."""
    contacts = [{"name": "Jo Doe", "email": "jo@example.com"}]
    return _of_customer(Business, fields, name="Example Ltd", company_number="123", contacts=contacts)


def make_payment_method(**fields: Any) -> PaymentMethod:
    """A card."""
    return _of_customer(PaymentMethod, fields, type="card", brand="Visa", last4="4242")


def make_source_record(**fields: Any) -> SourceRecord:
    """A record of the payments platform, without a payload."""
    source_id = f"source-{next(_numbers)}"
    return _of_customer(SourceRecord, fields, source="payments", source_id=source_id, digest="0" * 64)


def claims(**values: Any) -> dict[str, Any]:
    """The claims of a record that has said so since `MOMENT`."""
    return updated_claims({}, values, MOMENT)


def make_received_payload(**fields: Any) -> ReceivedPayload:
    """The payload of a record, with one remark."""
    record = fields.pop("record", None) or make_source_record()
    return _make(
        ReceivedPayload,
        fields,
        record=record,
        text=json.dumps({"id": record.source_id, "amount": 1.50}),
        digest="0" * 64,
        remarks=[{"path": "$.phone", "text": "Not a number that exists; kept as it came."}],
        origin="payments.json",
    )


def make_api_token(**fields: Any) -> ApiToken:
    """A token that opens the door; nobody knows its secret."""
    number = next(_numbers)
    return _make(ApiToken, fields, name=f"token {number}", digest=f"{number:064d}", scopes=["payments"])


def make_feature(**fields: Any) -> Feature:
    """A metered feature."""
    number = next(_numbers)
    return _make(Feature, fields, feature_id=f"feature_{number}", name=f"Feature {number}")


def make_plan(**fields: Any) -> Plan:
    """A monthly plan for 20 USD."""
    number = next(_numbers)
    return _make(
        Plan,
        fields,
        plan_id=f"plan_{number}",
        name=f"Plan {number}",
        price_amount=Decimal(20),
        price_interval="month",
        currency="USD",
    )


def make_plan_item(**fields: Any) -> PlanItem:
    """A hundred units a month of a feature."""
    return _make(
        PlanItem,
        fields,
        plan=make_plan,
        feature=make_feature,
        included=Decimal(100),
        reset_interval="month",
    )


def make_credit_cost(**fields: Any) -> CreditCost:
    """A feature that costs half a credit."""
    return _make(
        CreditCost,
        fields,
        credit_system=lambda: make_feature(type="credit_system"),
        metered_feature=make_feature,
        credit_cost=Decimal("0.5"),
    )


def make_billing_account(**fields: Any) -> BillingAccount:
    """A billing account."""
    return _of_customer(BillingAccount, fields, metadata={"tier": "gold"})


def make_entity(**fields: Any) -> Entity:
    """A seat."""
    number = next(_numbers)
    return _of_customer(
        Entity, fields, entity_id=f"seat-{number}", name=f"Seat {number}", feature=make_feature
    )


def make_auto_topup(**fields: Any) -> AutoTopup:
    """Buys 100 below 10."""
    return _of_customer(AutoTopup, fields, feature=make_feature, threshold=Decimal(10), quantity=Decimal(100))


def make_spend_limit(**fields: Any) -> SpendLimit:
    """A limit of 50."""
    return _of_customer(SpendLimit, fields, feature=make_feature, overage_limit=Decimal(50), enabled=True)


def make_usage_limit(**fields: Any) -> UsageLimit:
    """At most 10 a day."""
    return _of_customer(UsageLimit, fields, feature=make_feature, limit=Decimal(10), interval="day")


def make_overage_allowed(**fields: Any) -> OverageAllowed:
    """Overage allowed."""
    return _of_customer(OverageAllowed, fields, feature=make_feature, enabled=True)


def make_alert_fired(**fields: Any) -> AlertFired:
    """An alert that fired at 80 per cent."""
    number = next(_numbers)
    return _of_customer(
        AlertFired,
        fields,
        feature=make_feature,
        key=f"key-{number}",
        threshold=Decimal(80),
        threshold_type="usage_percentage",
        used=Decimal(85),
        granted=Decimal(100),
        remaining=Decimal(15),
    )


def make_dunning_step(**fields: Any) -> DunningStep:
    """The first of three steps."""
    return _make(DunningStep, fields, invoice=make_invoice, step=1, of=3, days=7)


def make_usage_alert(**fields: Any) -> UsageAlert:
    """An alert at 80 per cent."""
    return _of_customer(
        UsageAlert, fields, feature=make_feature, threshold=Decimal(80), threshold_type="usage_percentage"
    )


def make_subscription(**fields: Any) -> Subscription:
    """An active subscription."""
    number = next(_numbers)
    return _of_customer(Subscription, fields, plan=make_plan, subscription_id=f"sub-{number}")


def make_purchase(**fields: Any) -> Purchase:
    """A plan bought for life."""
    return _of_customer(Purchase, fields, plan=make_plan)


def make_license(**fields: Any) -> License:
    """Three of five seats handed out."""
    return _of_customer(
        License,
        fields,
        license_plan=make_plan,
        parent_plan=make_plan,
        granted=Decimal(5),
        usage=Decimal(3),
        remaining=Decimal(2),
    )


def make_balance(**fields: Any) -> Balance:
    """A balance without a grant."""
    return _of_customer(Balance, fields, feature=make_feature)


def make_grant(**fields: Any) -> Grant:
    """A standalone grant of 100, of which 30 were used, with its ledger entries."""
    grant = _make(
        Grant,
        {name: value for name, value in fields.items() if name not in _GRANT_FIGURES},
        balance=make_balance,
    )
    figures = {"included_grant": Decimal(100), "prepaid_grant": Decimal(0), "usage": Decimal(30), **fields}
    _post(grant, {name: figures[name] for name in _GRANT_FIGURES})
    return grant


def make_rollover(**fields: Any) -> Rollover:
    """Ten carried over, four left, with their ledger entries."""
    rollover = _make(
        Rollover,
        {name: value for name, value in fields.items() if name not in _ROLLOVER_FIGURES},
        balance=make_balance,
    )
    figures = {"granted": Decimal(10), "left": Decimal(4), **fields}
    _post(rollover, {name: figures[name] for name in _ROLLOVER_FIGURES})
    return rollover


def _post(row: Grant | Rollover, figures: dict[str, Any]) -> None:
    changes = [FigureChange(row, name, Decimal(value)) for name, value in figures.items()]
    post(
        PostingDraft(
            customer_id=row.balance.customer_id,
            kind=Posting.Kind.GRANT,
            feature_id=row.balance.feature_id,
            occurred_at=clock.now(),
            done_by="factory",
            changes=changes,
        )
    )


def make_posting(**fields: Any) -> Posting:
    """A use that left no entry."""
    return _of_customer(Posting, fields, kind="usage", occurred_at=clock.now(), done_by="factory")


def make_ledger_entry() -> LedgerEntry:
    """The first entry of a grant."""
    return LedgerEntry.objects.get(grant=make_grant(), figure="included_grant")


def make_flag(**fields: Any) -> Flag:
    """A flag."""
    return _of_customer(
        Flag, fields, feature=lambda: make_feature(type="boolean"), flag_id=f"flag-{next(_numbers)}"
    )


def make_invoice(**fields: Any) -> Invoice:
    """A paid invoice of 12.34 USD, without lines."""
    stripe_id = f"in_{next(_numbers)}"
    return _of_customer(Invoice, fields, stripe_id=stripe_id, status="paid", currency="USD", total=1234)


def make_invoice_line(**fields: Any) -> InvoiceLine:
    """A line of 12.34."""
    return _make(
        InvoiceLine,
        fields,
        invoice=make_invoice,
        description="Plan",
        amount=1234,
    )


def make_invoice_series(**fields: Any) -> InvoiceSeries:
    """A series of numbers that nobody took one of."""
    return _make(InvoiceSeries, fields, prefix=f"SERIES-{next(_numbers)}")


def make_payment(**fields: Any) -> Payment:
    """12.34 received."""
    return _make(Payment, fields, invoice=make_invoice, amount=1234, reference="bank 17")


def make_platform_change(**fields: Any) -> PlatformChange:
    """A cancellation to make on the billing platform."""
    return _make(
        PlatformChange,
        fields,
        subscription=make_subscription,
        plan_before=make_plan,
        requested_by="ada",
    )


def make_pending_line(**fields: Any) -> PendingLine:
    """Three units of overage, recorded late."""
    return _make(
        PendingLine,
        fields,
        subscription=make_subscription,
        grant=make_grant,
        period_end=clock.now(),
        quantity=3,
        amount=300,
    )


def make_subscription_phase(**fields: Any) -> SubscriptionPhase:
    return _make(SubscriptionPhase, fields, subscription=make_subscription, plan=make_plan)


def make_billing_cycle(**fields: Any) -> BillingCycle:
    """A cycle of this month's length."""
    now = clock.now()
    return _make(
        BillingCycle,
        fields,
        subscription=make_subscription,
        interval="month",
        period_start=now,
        period_end=now + timedelta(days=30),
    )


def make_invoice_email(**fields: Any) -> InvoiceEmail:
    """An email that was sent to jane@example.com."""
    return _make(
        InvoiceEmail,
        fields,
        invoice=make_invoice,
        attachment="Invoice INV-000001.pdf",
        recipients=["jane@example.com"],
        subject="Invoice INV-000001",
        text="Hello",
        status="sent",
    )


def make_payment_reversal(**fields: Any) -> PaymentReversal:
    """The reversal of a payment."""
    return _make(PaymentReversal, fields, payment=make_payment, reason="Bounced")


def make_credit_note(**fields: Any) -> CreditNote:
    """A credit note over 1.00."""
    number = f"NOTE-{next(_numbers)}"
    return _make(CreditNote, fields, invoice=make_invoice, number=number, total=100, reason="Outage")


def make_trial_used(**fields: Any) -> TrialUsed:
    """A trial that was taken."""
    return _of_customer(TrialUsed, fields, plan=make_plan, customer_external_id="customer-1")


def make_discount(**fields: Any) -> Discount:
    """A tenth off, for ever."""
    return _of_customer(
        Discount,
        fields,
        discount_id=f"discount-{next(_numbers)}",
        name="Welcome",
        type="percentage_discount",
        discount_value=Decimal(10),
        duration_type="forever",
    )


def make_referral(**fields: Any) -> Referral:
    """Somebody brought in."""
    return _of_customer(
        Referral, fields, program_id="friends", referred_id=f"friend-{next(_numbers)}", referred_name="Friend"
    )


def make_relationship(**fields: Any) -> Relationship:
    """A relationship of 12,000 USD a year."""
    return _of_customer(
        Relationship,
        fields,
        contract_annual_revenue=Decimal(12000),
        currency="USD",
        crm_id=f"crm-{next(_numbers)}",
    )


def make_company(**fields: Any) -> Company:
    """A company."""
    return _of_customer(Company, fields, name="Example Ltd", website_urls=["https://example.com/"])


def make_domain(**fields: Any) -> Domain:
    """A domain."""
    return _of_customer(Domain, fields, name=f"domain{next(_numbers)}.example.com")


def make_custom_field(**fields: Any) -> CustomField:
    """A field with a text."""
    return _of_customer(CustomField, fields, key=f"key{next(_numbers)}", string_value="value")


def make_field_definition(**fields: Any) -> FieldDefinition:
    """A custom field of texts that users enter."""
    number = next(_numbers)
    return _make(FieldDefinition, fields, name=f"field_{number}", label=f"Field {number}")


def make_field_value(**fields: Any) -> FieldValue:
    """A text that a user entered."""
    return _of_customer(FieldValue, fields, field=make_field_definition, text="Jane Doe")


def make_person(**fields: Any) -> Person:
    """Somebody."""
    number = next(_numbers)
    return _make(Person, fields, name=f"Person {number}", email=f"person{number}@example.com")


def make_contact(**fields: Any) -> Contact:
    """A point of contact."""
    return _of_customer(Contact, fields, person=make_person, role="Billing")


def make_note(**fields: Any) -> Note:
    """A note by nobody."""
    return _of_customer(Note, fields, body="Wants to try the product.")


def make_task(**fields: Any) -> Task:
    """An open task without a day."""
    return _of_customer(Task, fields, title="Send the offer")


def make_activity(**fields: Any) -> Activity:
    """A call."""
    return _of_customer(Activity, fields, kind="call", summary="They are content.", happened_at=MOMENT)


def make_mention(**fields: Any) -> Mention:
    """A colleague named in a note, who has not seen it."""
    return _make(Mention, fields, note=make_note, user=make_user)


def make_tag(**fields: Any) -> Tag:
    """A tag that nobody has."""
    return _make(Tag, fields, name=f"tag {next(_numbers)}")


def make_customer_tag(**fields: Any) -> CustomerTag:
    """A customer's tag."""
    return _of_customer(CustomerTag, fields, tag=make_tag)


def make_segment(**fields: Any) -> Segment:
    """Somebody's segment of active customers, for themselves."""
    return _make(
        Segment, fields, name=f"segment {next(_numbers)}", owner=make_user, query={"status": ["active"]}
    )


def make_export(**fields: Any) -> Export:
    """An export of nobody."""
    return _make(Export, fields, title="status Active", format="csv", made_by=make_user, columns=["Id"])


def make_outgoing_email(**fields: Any) -> OutgoingEmail:
    """An email that waits."""
    return _make(
        OutgoingEmail,
        fields,
        user=make_user,
        address="max@example.com",
        kind="mentioned",
        subject="You were mentioned in a note",
        text="Hello",
    )


def make_webhook_endpoint(**fields: Any) -> WebhookEndpoint:
    """A webhook that gets merges."""
    return _make(
        WebhookEndpoint,
        fields,
        name=f"webhook {next(_numbers)}",
        url="https://example.com/hook",
        events=["customer.merged"],
    )


def make_webhook_delivery(**fields: Any) -> WebhookDelivery:
    """A delivery that waits."""
    return _make(
        WebhookDelivery,
        fields,
        endpoint=make_webhook_endpoint,
        message_id=f"evt_{next(_numbers)}",
        kind="customer.merged",
        body="{}",
    )


def make_document(**fields: Any) -> Document:
    """A contract."""
    return _of_customer(
        Document, fields, type="contract", title="Contract", url="https://example.com/contract"
    )


def make_merged_record(**fields: Any) -> MergedRecord:
    """What a merged customer was."""
    crm_id = f"crm-{next(_numbers)}"
    return _make(
        MergedRecord,
        fields,
        survivor=make_customer,
        crm_id=crm_id,
        document=json.dumps({"id": crm_id, "company": {"name": "Example Ltd"}}),
    )


def make_merge(**fields: Any) -> Merge:
    """A merge on record, without what it would have done."""
    return _make(Merge, fields, survivor=make_customer, other=make_customer)


def make_team(**fields: Any) -> Team:
    """A team, of nobody unless `members` are given."""
    members = fields.pop("members", ())
    team = _make(Team, fields, name=f"Team {next(_numbers)}")
    team.members.set(members)
    return team


def make_desk_refresh(**fields: Any) -> DeskRefresh:
    """A refresh of something that ended once."""
    return _make(DeskRefresh, fields, name=f"refresh {next(_numbers)}", finished_at=MOMENT, customers=3)


def make_worker(**fields: Any) -> Worker:
    """A worker that was seen just now."""
    return _make(Worker, fields, host="worker.example.com", process=next(_numbers))


def make_job(**fields: Any) -> Job:
    """A job that waits."""
    return _make(Job, fields, kind="test")


def make_job_schedule(**fields: Any) -> JobSchedule:
    """The schedule of some kind of job."""
    return _make(JobSchedule, fields, kind=f"kind{next(_numbers)}", next_at=MOMENT)


def make_change_position(**fields: Any) -> ChangePosition:
    """A reader of the outbox at its start."""
    return _make(
        ChangePosition, fields, reader=f"reader{next(_numbers)}", number=0, customer_id=new_typed_id("cus")
    )


def make_worklist_entry(**fields: Any) -> WorklistEntry:
    """Somebody's entry, without its reasons."""
    return _of_customer(WorklistEntry, fields, person=make_user, weight=50, heaviest=50)


def make_worklist_reason(**fields: Any) -> WorklistReason:
    """An open reason."""
    return _make(
        WorklistReason,
        fields,
        entry=make_worklist_entry,
        rule="subscription_past_due",
        key=f"sub:{next(_numbers)}",
        words="Pro is past due",
        weight=50,
        since=MOMENT,
    )


def make_worklist_decision(**fields: Any) -> WorklistDecision:
    """It was dealt with."""
    return _of_customer(
        WorklistDecision,
        fields,
        rule="subscription_past_due",
        key=f"sub:{next(_numbers)}",
        words="Pro is past due",
        decision=DecisionKind.DONE,
    )


def make_health_score(**fields: Any) -> HealthScore:
    """A score of 80, in force."""
    part = {"name": "Payments", "points": 30, "most": 30, "words": "Nothing is past due."}
    return _of_customer(HealthScore, fields, day=MOMENT.date(), at=MOMENT, score=80, parts=[part])


def make_duplicate_cluster(**fields: Any) -> DuplicateCluster:
    """A cluster of two, without its pair."""
    return _make(DuplicateCluster, fields, first=make_customer, size=2, score=0.9, found_at=MOMENT)


def make_duplicate_pair(**fields: Any) -> DuplicatePair:
    """A pair that waits in a cluster."""
    a = fields.pop("a", None) or make_customer()
    return _make(
        DuplicatePair,
        fields,
        a=a,
        b=make_customer,
        cluster=lambda: make_duplicate_cluster(first=a),
        score=0.9,
        reasons=["same phone number: +15550100", "another e-mail address"],
    )


#: How to make one row of each model.
MAKERS: dict[type[Model], Callable[..., Any]] = {
    SubscriptionPhase: make_subscription_phase,
    BillingCycle: make_billing_cycle,
    Activity: make_activity,
    ChangePosition: make_change_position,
    Job: make_job,
    JobSchedule: make_job_schedule,
    Worker: make_worker,
    Mention: make_mention,
    Task: make_task,
    Address: make_address,
    ApiToken: make_api_token,
    AutoTopup: make_auto_topup,
    Balance: make_balance,
    BillingAccount: make_billing_account,
    Business: make_business,
    Company: make_company,
    Contact: make_contact,
    CreditCost: make_credit_cost,
    CreditNote: make_credit_note,
    CustomField: make_custom_field,
    CustomerTag: make_customer_tag,
    Tag: make_tag,
    Customer: make_customer,
    DeskRefresh: make_desk_refresh,
    AlertFired: make_alert_fired,
    Discount: make_discount,
    DunningStep: make_dunning_step,
    Document: make_document,
    Domain: make_domain,
    DuplicateCluster: make_duplicate_cluster,
    DuplicatePair: make_duplicate_pair,
    Entity: make_entity,
    Feature: make_feature,
    FieldValue: make_field_value,
    Flag: make_flag,
    Grant: make_grant,
    Invoice: make_invoice,
    InvoiceEmail: make_invoice_email,
    InvoiceLine: make_invoice_line,
    InvoiceSeries: make_invoice_series,
    HealthScore: make_health_score,
    License: make_license,
    Merge: make_merge,
    MergedRecord: make_merged_record,
    Note: make_note,
    OutgoingEmail: make_outgoing_email,
    LedgerEntry: make_ledger_entry,
    OverageAllowed: make_overage_allowed,
    Payment: make_payment,
    PaymentReversal: make_payment_reversal,
    PendingLine: make_pending_line,
    PlatformChange: make_platform_change,
    Posting: make_posting,
    PaymentMethod: make_payment_method,
    Person: make_person,
    Plan: make_plan,
    PlanItem: make_plan_item,
    Purchase: make_purchase,
    ReceivedPayload: make_received_payload,
    Referral: make_referral,
    Relationship: make_relationship,
    Rollover: make_rollover,
    SourceRecord: make_source_record,
    SpendLimit: make_spend_limit,
    Subscription: make_subscription,
    Team: make_team,
    TrialUsed: make_trial_used,
    UsageAlert: make_usage_alert,
    UsageLimit: make_usage_limit,
    WebhookDelivery: make_webhook_delivery,
    WebhookEndpoint: make_webhook_endpoint,
    WorklistDecision: make_worklist_decision,
    WorklistEntry: make_worklist_entry,
    WorklistReason: make_worklist_reason,
}


def _of_customer(model: type[M], fields: dict[str, Any], **defaults: Any) -> M:
    return _make(model, fields, customer=make_customer, **defaults)


def _make(model: type[M], fields: dict[str, Any], **defaults: Any) -> M:
    made = {
        name: default() if callable(default) else default
        for name, default in defaults.items()
        if name not in fields
    }
    return model._default_manager.create(**made, **fields)
