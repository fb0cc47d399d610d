"""Examples for the description of the API."""

_ADDRESS = {
    "line1": "123 Main St",
    "line2": "Apt 4B",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
}

CUSTOMER = {
    "id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "phone": "+1234567890",
    "address": _ADDRESS,
    "payment_method": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.000Z",
    "status": "active",
    "custom_data": {"loyalty_program": "gold"},
}

ADDRESS = {
    "id": "adr_01h3vjs3b16yc3f9q8q9pfrb79",
    "customer_id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "description": "Home",
    **_ADDRESS,
    "is_default": True,
    "status": "active",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-08-26T12:15:00.000Z",
    "custom_data": None,
}

BUSINESS = {
    "id": "biz_01h3vjs3b16yc3f9q8q9pfrb7a",
    "customer_id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "name": "Doe Trading",
    "company_number": "555-0100",
    "tax_identifier": "TZ-000-000-100",
    "contacts": [{"name": "Jane Doe", "email": "jane.doe@example.com"}],
    "status": "active",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-08-26T12:15:00.000Z",
    "custom_data": None,
}

PAYMENT_METHOD = {
    "id": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "customer_id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "type": "mobile_money",
    "provider": "Example Money",
    "phone": "+1 555 0100",
    "is_default": True,
    "status": "active",
}
