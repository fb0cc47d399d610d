"""How we work with customers: company, people, what was said, and what was merged."""

from crm.models.company import Company, CustomField, Domain, Relationship
from crm.models.duplicate import DuplicateCluster, DuplicatePair
from crm.models.merged_record import MergedRecord
from crm.models.note import Document, Note
from crm.models.person import Contact, Person
from crm.models.revenue_month import RevenueMonth
from crm.models.team import Team

__all__ = [
    "Company",
    "Contact",
    "CustomField",
    "Document",
    "Domain",
    "DuplicateCluster",
    "DuplicatePair",
    "MergedRecord",
    "Note",
    "Person",
    "Relationship",
    "RevenueMonth",
    "Team",
]
