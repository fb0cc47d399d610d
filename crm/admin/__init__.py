"""The CRM's admin."""

from crm.admin.customer import ManagedCustomerAdmin
from crm.admin.duplicates import DuplicateClusterAdmin, DuplicatePairAdmin
from crm.admin.field_value import FieldValueAdmin
from crm.admin.health import HealthScoreAdmin
from crm.admin.merged_records import MergedRecordAdmin
from crm.admin.merges import MergeAdmin
from crm.admin.note import DocumentAdmin, NoteAdmin
from crm.admin.outgoing_email import OutgoingEmailAdmin
from crm.admin.person import ContactAdmin, PersonAdmin
from crm.admin.relationships import (
    CompanyAdmin,
    CustomFieldAdmin,
    DomainAdmin,
    RelationshipAdmin,
)
from crm.admin.tag import CustomerTagAdmin, TagAdmin
from crm.admin.task import ActivityAdmin, MentionAdmin, TaskAdmin
from crm.admin.team import TeamAdmin
from crm.admin.webhook import WebhookDeliveryAdmin, WebhookEndpointAdmin
from crm.admin.worklist import (
    DeskRefreshAdmin,
    WorklistDecisionAdmin,
    WorklistEntryAdmin,
    WorklistReasonAdmin,
)

__all__ = [
    "ActivityAdmin",
    "CompanyAdmin",
    "ContactAdmin",
    "CustomFieldAdmin",
    "CustomerTagAdmin",
    "DeskRefreshAdmin",
    "DocumentAdmin",
    "DomainAdmin",
    "DuplicateClusterAdmin",
    "DuplicatePairAdmin",
    "FieldValueAdmin",
    "HealthScoreAdmin",
    "ManagedCustomerAdmin",
    "MentionAdmin",
    "MergeAdmin",
    "MergedRecordAdmin",
    "NoteAdmin",
    "OutgoingEmailAdmin",
    "PersonAdmin",
    "RelationshipAdmin",
    "TagAdmin",
    "TaskAdmin",
    "TeamAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
    "WorklistDecisionAdmin",
    "WorklistEntryAdmin",
    "WorklistReasonAdmin",
]
