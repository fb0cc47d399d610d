"""The admin of customers, their addresses, business profiles and payment methods, source records and API tokens."""

from customers.admin.api_token import ApiTokenAdmin
from customers.admin.audit import AuditEntryAdmin
from customers.admin.contact_points import AddressAdmin, BusinessAdmin
from customers.admin.customer import CustomerAdmin
from customers.admin.payment_method import PaymentMethodAdmin
from customers.admin.source import ReceivedPayloadAdmin, SourceRecordAdmin

__all__ = [
    "AddressAdmin",
    "ApiTokenAdmin",
    "AuditEntryAdmin",
    "BusinessAdmin",
    "CustomerAdmin",
    "PaymentMethodAdmin",
    "ReceivedPayloadAdmin",
    "SourceRecordAdmin",
]
