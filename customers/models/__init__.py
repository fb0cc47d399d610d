"""Who the customers are: the record itself, where they are billed, how they pay, and what each source said."""

from customers.models.api_token import ApiToken
from customers.models.contact_points import Address, Business
from customers.models.customer import Customer, Environment
from customers.models.customer_row import Belonging, shown_once
from customers.models.list_item import Listed
from customers.models.payment_method import PaymentMethod
from customers.models.pinned_fields import Holding
from customers.models.source import ReceivedPayload, Source, SourceRecord

__all__ = [
    "Address",
    "ApiToken",
    "Belonging",
    "Business",
    "Customer",
    "Environment",
    "Holding",
    "Listed",
    "PaymentMethod",
    "ReceivedPayload",
    "Source",
    "SourceRecord",
    "shown_once",
]
