"""The audit log names who did or saw what, from where, and of whom."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from crm.dedupe.merges.merge import merge
from crm.roles import ADMINISTRATOR, VIEWER
from customers.audit.chain import seal_entries, verify
from customers.models import ApiToken, AuditAction, AuditEntry
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db


def test_what_people_and_programs_do_is_recorded(client: Client):
    user = make_user(role=ADMINISTRATOR)
    user.set_password("a long pass phrase")
    user.save()
    page = reverse("account_login")
    client.post(page, {"login": user.username, "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    client.post(page, {"login": user.username, "password": "a long pass phrase"}, REMOTE_ADDR="192.0.2.7")
    customer, other = make_customer(), make_customer()
    client.get(reverse("desk-customer", args=[customer.pk]), REMOTE_ADDR="192.0.2.7")
    merge(str(customer.pk), [str(other.pk)], by=user, reason="The same company")
    _, secret = ApiToken.issue("warehouse")
    for _ in range(2):
        client.get("/api/v1/customers", headers={"authorization": f"Bearer {secret}"})
    found = list(
        AuditEntry.objects.order_by("at", "id").values_list("action", "user_id", "address", "customer_id")
    )
    key = str(customer.pk)
    assert found == [
        (AuditAction.SIGN_IN_FAILED, None, "192.0.2.7", None),
        (AuditAction.SIGNED_IN, user.pk, "192.0.2.7", None),
        (AuditAction.CUSTOMER_VIEWED, user.pk, "192.0.2.7", key),
        (AuditAction.MERGED, user.pk, "", key),
        (AuditAction.TOKEN_USED, None, "127.0.0.1", None),
    ]
    assert seal_entries() == 5
    assert verify().broken is None

    listed = client.get(reverse("admin:customers_auditentry_changelist")).content.decode()
    assert "Merged customers" in listed
    assert user.username in listed
    entry = AuditEntry.objects.get(action=AuditAction.MERGED)
    form = client.get(reverse("admin:customers_auditentry_change", args=[entry.pk])).content.decode()
    assert "The same company" in form
    export = client.post(
        reverse("admin:customers_auditentry_changelist"),
        {"action": "export", "_selected_action": [str(entry.pk)]},
    )
    assert "The same company" in b"".join(export.streaming_content).decode()  # type: ignore[attr-defined]
    assert AuditEntry.objects.filter(action=AuditAction.EXPORTED, user_id=user.pk).count() == 1


def test_only_administrators_see_the_log(client: Client):
    client.force_login(make_user(role=VIEWER))
    assert client.get(reverse("admin:customers_auditentry_changelist")).status_code == 403
    assert Group.objects.filter(permissions__codename="view_auditentry").count() == 1


def test_an_address_that_is_not_known_is_empty(client: Client):
    """Behind a Unix socket whose proxy isn't counted."""
    _, secret = ApiToken.issue("warehouse")
    header = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/customers", headers=header, REMOTE_ADDR="").status_code == 200
    [entry] = AuditEntry.objects.filter(action=AuditAction.TOKEN_USED)
    assert entry.address == ""
