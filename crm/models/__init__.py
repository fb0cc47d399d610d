"""The CRM's models: account details, company, people, notes and tasks, worklist, segments, duplicates, merges."""

from crm.models.activity import Activity
from crm.models.company import Company, CustomField, Domain, Relationship
from crm.models.custom_field import FieldDefinition, FieldFacts, FieldValue
from crm.models.duplicate import DuplicateCluster, DuplicatePair
from crm.models.export import Export, ExportPart
from crm.models.facts import BalanceFacts, CurrencyFacts, CustomerFacts, InvoiceFacts, SubscriptionFacts
from crm.models.file_import import (
    FileImport,
    FileImportPart,
    ImportBatch,
    ImportedRecord,
    ImportMapping,
)
from crm.models.health import HealthScore
from crm.models.home_visit import HomeVisit
from crm.models.job import ChangePosition, Job, JobSchedule, Worker
from crm.models.mention import Mention
from crm.models.merge import Merge
from crm.models.merged_record import MergedRecord
from crm.models.note import Document, Note
from crm.models.notification import (
    DigestTime,
    EmailChoice,
    Notification,
    NotificationChoice,
    NotificationKind,
)
from crm.models.outgoing_email import OutgoingEmail
from crm.models.person import Contact, Person
from crm.models.preferences import Preferences
from crm.models.report_figures import Receivable, RevenueChange, UsageMonth, WorkMonth
from crm.models.revenue_month import RevenueMonth
from crm.models.segment import Segment
from crm.models.tag import CustomerTag, Tag
from crm.models.task import Task
from crm.models.team import Team
from crm.models.webhook import WebhookDelivery, WebhookEndpoint
from crm.models.worklist import (
    DecisionKind,
    DeskRefresh,
    WorklistDecision,
    WorklistEntry,
    WorklistReason,
)

__all__ = [
    "Activity",
    "BalanceFacts",
    "ChangePosition",
    "Company",
    "Contact",
    "CurrencyFacts",
    "CustomField",
    "CustomerFacts",
    "CustomerTag",
    "DecisionKind",
    "DeskRefresh",
    "DigestTime",
    "Document",
    "Domain",
    "DuplicateCluster",
    "DuplicatePair",
    "EmailChoice",
    "Export",
    "ExportPart",
    "FieldDefinition",
    "FieldFacts",
    "FieldValue",
    "FileImport",
    "FileImportPart",
    "HealthScore",
    "HomeVisit",
    "ImportBatch",
    "ImportMapping",
    "ImportedRecord",
    "InvoiceFacts",
    "Job",
    "JobSchedule",
    "Mention",
    "Merge",
    "MergedRecord",
    "Note",
    "Notification",
    "NotificationChoice",
    "NotificationKind",
    "OutgoingEmail",
    "Person",
    "Preferences",
    "Receivable",
    "Relationship",
    "RevenueChange",
    "RevenueMonth",
    "Segment",
    "SubscriptionFacts",
    "Tag",
    "Task",
    "Team",
    "UsageMonth",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WorkMonth",
    "Worker",
    "WorklistDecision",
    "WorklistEntry",
    "WorklistReason",
]
