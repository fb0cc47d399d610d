"""The example of a CRM document in the OpenAPI description."""

CUSTOMER = {
    "id": "crm-0100",
    "company": {
        "name": "Example Trading",
        "website_urls": ["https://example.com/"],
        "location": "Springfield",
        "phone": "+1 555 0100",
        "industry": "Retail",
        "annual_revenue": 1250000.5,
        "number_of_employees": 42,
        "founded_date": "1998-03-01",
    },
    "domains": ["example.com"],
    "document_counts": {"contract": 2, "offer": 1},
    "poc": [
        {
            "name": "Jane Doe",
            "obfuscated_id": "person-0100",
            "metadata": {"type": "FULL_TIME", "title": "CIO", "email": "jane.doe@example.com"},
        }
    ],
    "metadata": {
        "datasource_id": "00100",
        "custom_data": {"tier": {"display_label": "Tier", "string_value": "gold"}},
    },
    "start_date": "2024-08-26",
    "contract_annual_revenue": 48000,
    "notes": "CIO is interested in trying out the product.",
}
