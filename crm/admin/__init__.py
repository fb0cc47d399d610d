"""The admin of relationships: company, people, what was said, and what was merged."""

from crm.admin.merged_record import MergedRecordAdmin
from crm.admin.note import DocumentAdmin, DocumentInline, NoteAdmin, NoteInline
from crm.admin.person import ContactAdmin, ContactInline, PersonAdmin
from crm.admin.relationship import (
    CompanyAdmin,
    CustomFieldAdmin,
    DomainAdmin,
    DomainInline,
    RelationshipAdmin,
)
from crm.models import Company, CustomField, Relationship
from customers.admin import CustomerAdmin

__all__ = [
    "CompanyAdmin",
    "ContactAdmin",
    "CustomFieldAdmin",
    "DocumentAdmin",
    "DomainAdmin",
    "MergedRecordAdmin",
    "NoteAdmin",
    "PersonAdmin",
    "RelationshipAdmin",
]

CustomerAdmin.extend(
    first=[ContactInline, NoteInline],
    last=[DomainInline, DocumentInline],
    linked=[Relationship, Company, CustomField],
)
