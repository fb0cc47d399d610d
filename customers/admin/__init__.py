"""The admin of customers: who they are, where they are billed, how they pay, what each source said."""

from customers.admin.api_token import ApiTokenAdmin
from customers.admin.contact_points import AddressAdmin, BusinessAdmin
from customers.admin.customer import CustomerAdmin
from customers.admin.payment_method import PaymentMethodAdmin
from customers.admin.source import ReceivedPayloadAdmin, SourceRecordAdmin

__all__ = [
    "AddressAdmin",
    "ApiTokenAdmin",
    "BusinessAdmin",
    "CustomerAdmin",
    "PaymentMethodAdmin",
    "ReceivedPayloadAdmin",
    "SourceRecordAdmin",
]
