"""Customers, their addresses, business profiles and payment methods, and the records of their sources."""

from customers.models.api_token import ApiToken
from customers.models.audit import AuditAction, AuditDetails, AuditEntry, AuditSeal
from customers.models.change import CustomerChange
from customers.models.contact_points import Address, Business
from customers.models.customer import Customer, Environment
from customers.models.customer_row import CustomerRow, default_of, shown_once
from customers.models.erasure import ErasedRecord, Erasure
from customers.models.event import Event, EventKind
from customers.models.list_item import ListItem, PartOfList
from customers.models.payment_method import PaymentMethod
from customers.models.pinned_fields import PinnedFields
from customers.models.setting import StoredSetting
from customers.models.source import LinkRule, ReceivedPayload, Source, SourceRecord

__all__ = [
    "Address",
    "ApiToken",
    "AuditAction",
    "AuditDetails",
    "AuditEntry",
    "AuditSeal",
    "Business",
    "Customer",
    "CustomerChange",
    "CustomerRow",
    "Environment",
    "ErasedRecord",
    "Erasure",
    "Event",
    "EventKind",
    "LinkRule",
    "ListItem",
    "PartOfList",
    "PaymentMethod",
    "PinnedFields",
    "ReceivedPayload",
    "Source",
    "SourceRecord",
    "StoredSetting",
    "default_of",
    "shown_once",
]
