"""The audit log in the admin: administrators read, filter and export it."""

from __future__ import annotations

import csv

import pytest
from django.test import Client
from django.urls import reverse

from customers.audit.record import audit
from customers.models import AuditAction, AuditEntry
from tests.factories import make_customer, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LIST = "admin:customers_auditentry_changelist"


def signed_in(role: str | None) -> Client:
    client = Client()
    client.force_login(make_user(role, username=role or "root"))
    return client


def test_it_is_read_filtered_and_exported() -> None:
    client, customer = signed_in("Administrator"), str(make_customer().pk)
    audit(AuditAction.MERGED, customer, "merge_1", details={"reason": "=as asked"}, merged=2)
    merged = AuditEntry.objects.get(action=AuditAction.MERGED)
    listed = client.get(reverse(LIST), {"action__exact": "merged"})
    assert [row.pk for row in listed.context["cl"].result_list] == [merged.pk]
    assert client.get(reverse(LIST), {"q": customer}).context["cl"].result_count == 1
    page = client.get(reverse("admin:customers_auditentry_change", args=[merged.pk])).content.decode()
    assert "=as asked" in page
    answer = client.post(reverse(LIST), {"action": "export", "_selected_action": [merged.pk]})
    heading, row = csv.reader(b"".join(answer).decode().splitlines())
    exported = dict(zip(heading, row, strict=True))
    assert (exported["action"], exported["customer"], exported["details"]) == (
        "merged",
        customer,
        '{"reason": "=as asked"}',
    )
    assert AuditEntry.objects.filter(action=AuditAction.EXPORTED).count() == 1
    assert client.post(reverse("admin:customers_auditentry_delete", args=[merged.pk])).status_code == 403


@pytest.mark.parametrize("role", ["Viewer", "Account manager", "Billing operations"])
def test_others_do_not_see_it(role: str) -> None:
    assert signed_in(role).get(reverse(LIST)).status_code == 403
