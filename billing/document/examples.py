"""An example of the billing document."""

CUSTOMER = {
    "id": "acme-42",
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "created_at": 1724674500000,
    "fingerprint": None,
    "stripe_id": "cus_NffrFeUfNV2Hib",
    "env": "live",
    "metadata": {"segment": "startup"},
    "send_email_receipts": True,
    "billing_controls": {
        "spend_limits": [{"feature_id": "api_calls", "enabled": True, "overage_limit": 500}]
    },
    "subscriptions": [
        {
            "id": "sub_0100",
            "plan_id": "pro",
            "auto_enable": False,
            "add_on": False,
            "status": "active",
            "past_due": False,
            "canceled_at": None,
            "expires_at": None,
            "trial_ends_at": None,
            "started_at": 1724674500000,
            "current_period_start": 1724674500000,
            "current_period_end": 1727352900000,
            "quantity": 1,
        }
    ],
    "purchases": [
        {"plan_id": "starter-pack", "started_at": 1724674500000, "expires_at": None, "quantity": 2}
    ],
    "licenses": [],
    "balances": {
        "api_calls": {
            "feature_id": "api_calls",
            "granted": 1000,
            "remaining": 979.5,
            "usage": 20.5,
            "unlimited": False,
            "overage_allowed": False,
            "max_purchase": None,
            "next_reset_at": 1727352900000,
            "breakdown": [
                {
                    "id": "grant-0100",
                    "plan_id": "pro",
                    "included_grant": 1000,
                    "prepaid_grant": 0,
                    "remaining": 979.5,
                    "usage": 20.5,
                    "unlimited": False,
                    "reset": {"interval": "month", "resets_at": 1727352900000},
                    "price": None,
                    "expires_at": None,
                }
            ],
        }
    },
    "flags": {"sso": {"id": "flag-0100", "feature_id": "sso", "plan_id": "pro", "expires_at": None}},
}
