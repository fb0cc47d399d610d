"""The admin of relationships: company, people, what was said, what was merged, and who may be one."""

from crm.admin.bulk import BULK_ACTIONS
from crm.admin.duplicates import DuplicateClusterAdmin, DuplicatePairAdmin
from crm.admin.exports import export_csv, export_xlsx, may_export
from crm.admin.filters import CRITERION_FILTERS
from crm.admin.health import HealthScoreAdmin
from crm.admin.merge_actions import may_merge, merge_chosen, merge_with
from crm.admin.merged_records import MergedRecordAdmin
from crm.admin.merges import MergeAdmin
from crm.admin.new_customer import NewCustomerForm
from crm.admin.note import DocumentAdmin, DocumentInline, NoteAdmin, NoteInline
from crm.admin.overview import may_see_overview, overview, timeline
from crm.admin.person import ContactAdmin, ContactInline, PersonAdmin
from crm.admin.relationships import (
    CompanyAdmin,
    CustomFieldAdmin,
    DomainAdmin,
    DomainInline,
    RelationshipAdmin,
)
from crm.admin.tag import CustomerTagAdmin, TagAdmin, TagInline
from crm.admin.task import ActivityAdmin, MentionAdmin, TaskAdmin
from crm.admin.team import TeamAdmin
from crm.admin.worklist import (
    DeskRefreshAdmin,
    WorklistDecisionAdmin,
    WorklistEntryAdmin,
    WorklistReasonAdmin,
)
from crm.models import Company, CustomField, Relationship
from customers.admin import CustomerAdmin

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
    "HealthScoreAdmin",
    "MentionAdmin",
    "MergeAdmin",
    "MergedRecordAdmin",
    "NoteAdmin",
    "PersonAdmin",
    "RelationshipAdmin",
    "TagAdmin",
    "TaskAdmin",
    "TeamAdmin",
    "WorklistDecisionAdmin",
    "WorklistEntryAdmin",
    "WorklistReasonAdmin",
]

CustomerAdmin.extend(
    first=[ContactInline, NoteInline],
    last=[TagInline, DomainInline, DocumentInline],
    linked=[Relationship, Company, CustomField],
    filters=CRITERION_FILTERS,
    above_list="crm/desk/_filtered.html",
    new_form=NewCustomerForm,
    actions={overview: may_see_overview, timeline: may_see_overview, merge_with: may_merge},
    list_actions={
        merge_chosen: may_merge,
        export_csv: may_export,
        export_xlsx: may_export,
        **BULK_ACTIONS,
    },
)
