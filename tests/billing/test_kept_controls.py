"""Billing controls that were imported before there were rows for them."""

import importlib
import json
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from billing.document.api import render_views
from billing.models import OverageAllowed, SpendLimit, UsageAlert, UsageLimit
from customers.json_types import encode
from customers.models import SourceRecord
from tests.billing.import_documents import take_one

pytestmark = pytest.mark.django_db

CONTROLS: dict[str, Any] = {
    "spend_limits": [
        {"feature_id": "calls", "enabled": True, "overage_limit": 20, "limit_type": "usage_percentage"},
        {"enabled": True, "overage_limit": 30, "limit_type": "absolute", "source": "plan"},
    ],
    "usage_limits": [
        {"feature_id": "calls", "limit": 50.5, "interval": "day", "usage": 12, "source": "customer"},
        {"feature_id": "calls", "limit": 9, "interval": "fortnight"},
        {"feature_id": "mails", "limit": 100, "interval": "month", "anchor": "utc", "enabled": False},
    ],
    "usage_alerts": [
        {"feature_id": "calls", "threshold": 10, "threshold_type": "remaining"},
        {"feature_id": "calls", "threshold": 90, "threshold_type": "usage_percentage"},
    ],
    "overage_allowed": [{"feature_id": "calls", "enabled": True}, {"feature_id": "mails", "source": "plan"}],
}
#: What the version before kept of them.
KEPT = {
    "billing_controls": {
        "in": {
            "spend_limits": {
                "items": [
                    {
                        "at": 0,
                        "id": {"feature_id": "calls"},
                        "in": {"limit_type": {"is": "usage_percentage"}},
                    },
                    {
                        "at": 1,
                        "id": {},
                        "in": {"limit_type": {"is": "absolute"}, "source": {"is": "plan"}},
                    },
                ]
            },
            "usage_limits": {"is": CONTROLS["usage_limits"]},
            "usage_alerts": {
                "items": [
                    {
                        "at": 0,
                        "id": {"feature_id": "calls", "threshold": 10, "threshold_type": "remaining"},
                        "is": CONTROLS["usage_alerts"][0],
                    }
                ]
            },
            "overage_allowed": {"is": CONTROLS["overage_allowed"]},
        }
    }
}


def shown(customer):
    [view] = render_views([customer], ())
    return json.loads(encode(view))["billing_controls"]


def test_what_was_kept_is_acted_on_and_never_comes_back_twice():
    document = {"billing_controls": CONTROLS}
    customer = take_one(**document)
    # As the version before left it.
    UsageLimit.objects.all().delete()
    OverageAllowed.objects.all().delete()
    SpendLimit.objects.update(limit_type="")
    UsageAlert.objects.filter(threshold_type="remaining").delete()
    SourceRecord.objects.update(not_understood=json.dumps(KEPT))
    assert shown(customer) == CONTROLS

    importlib.import_module("billing.migrations.0019_take_kept_controls").take(apps, None)
    assert shown(customer) == CONTROLS
    assert list(UsageLimit.objects.values_list("feature__feature_id", "limit", "reported", "anchor")) == [
        ("calls", Decimal("50.5"), 12, ""),
        ("mails", 100, None, "utc"),
    ]
    assert [limit.limit_type for limit in SpendLimit.objects.all()] == ["usage_percentage", "absolute"]
    assert list(OverageAllowed.objects.values_list("feature__feature_id", "enabled")) == [
        ("calls", True),
        ("mails", None),
    ]
    assert UsageLimit.history.count() >= 2

    # The same document is taken once more, for the alert.
    take_one(**document)
    assert shown(customer) == CONTROLS
    assert UsageAlert.objects.filter(threshold_type="remaining").count() == 1
    assert UsageLimit.objects.count() == 2
    take_one(billing_controls={**CONTROLS, "usage_limits": []})
    assert shown(customer) == {name: items for name, items in CONTROLS.items() if name != "usage_limits"}
