"""A customer of whom every text tries to run a script, on every page that there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from crm.dedupe.merges.merge import merge
from crm.demo.load import settle_desk
from crm.desk.lists.urls import LISTS
from crm.models import Export, Job, Segment
from customers import clock
from customers.models import Customer, SourceRecord
from tests.examples import sampled
from tests.factories import make_customer
from tests.markup import Markup
from tests.payloads import MARK, Payloads, plant, planted_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: What a page may answer: it is there, it leads on, not even an administrator may do that, it only takes what is sent.
ANSWERS = {200, 302, 403, 405}
#: Columns that no page shows: what a record was called where it came from, and what a page works out anew.
NOT_SHOWN = {
    "billing.AlertFired.key",
    "billing.Entity.customer_external_id",
    "billing.Grant.scheduled_by",
    "billing.Grant.scheduled_reason",
    "crm.ChangePosition.reader",
    "crm.DuplicatePair.terms",
    "crm.Export.title",
    "crm.Job.arguments",
    "crm.Job.command",
    "crm.Job.key",
    "crm.Job.kind",
    "crm.Job.result",
    "crm.JobSchedule.kind",
    "crm.OutgoingEmail.html",
    "crm.OutgoingEmail.text",
    "crm.WebhookDelivery.log",
    "crm.WebhookEndpoint.events",
    "crm.WorklistReason.act",
    "crm.WorklistReason.key",
    "crm.WorklistReason.link",
    "crm.WorklistReason.words",
    "customers.Address.source_id",
    "customers.ApiToken.scopes",
    "customers.Business.source_id",
    "customers.PaymentMethod.source_id",
    "customers.SourceRecord.mailbox",
    "customers.SourceRecord.signs",
}


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<p>xss1'\"&gt;&lt;xss1</p>", ""),
        ('<a href="https://example.com/?q=xss1">xss</a>', ""),
        ("<p>xss1'\"><xss1</p>", "became an element"),
        ('<img alt="" onerror="xss(1)">', "is in onerror of <img>"),
        ("<div x-data=\"{name: 'xss1'}\">", "is in x-data of <div>"),
        ('<a href="javascript:xss(1)">x</a>', "runs as href of <a>"),
        ('<a href=" java\tscript:go()">x</a>', "runs as href of <a>"),
        ('<iframe src="data:text/html,x"></iframe>', "runs as src of <iframe>"),
        ("<script>let name = 'xss1'</script>", "is in a <script>"),
        ('<script type="application/json">{"a": "xss1"</script>', "breaks embedded JSON"),
        ('<script type="application/json">{"a": "xss1"}</script>', ""),
        ('<p title="a" xss1="">', "is the name of an attribute of <p>"),
        ("<!-- xss1 -->", "is in a comment"),
    ],
)
def test_what_gets_out_of_its_text_is_found(page: str, found: str) -> None:
    findings = Markup(page, MARK).findings
    assert findings[:1] == [] if not found else findings[0].startswith(found)


@pytest.mark.sampled
def test_no_text_of_a_customer_runs_on_any_page() -> None:
    payloads = Payloads()
    user = planted_user(payloads)
    other, merged = make_customer(name=payloads.text("other")), make_customer(name=payloads.text("merged"))
    rows = plant(payloads, user, a=other)
    customer = rows[Customer]
    made = merge(str(customer.pk), [str(merged.pk)], by=user)
    segment = Segment.objects.create(
        name=payloads.text("crm.Segment.name", 100), owner=user, query={"q": "x"}
    )
    export = Export.objects.create(title=payloads.text("crm.Export.title"), format="csv", made_by=user)
    line = [clock.now().isoformat(), payloads.text("crm.Job.log")]
    Job.objects.filter(pk=rows[Job].pk).update(log=[line])
    settle_desk(clock.now())
    client = Client()
    client.force_login(user)
    addresses = [
        *pages_of_admin(rows),
        *pages_of_desk(customer),
        *(reverse(each.url_name) for each in LISTS),
        reverse("desk-merge") + "?" + urlencode({"customer": [customer.pk, other.pk]}, doseq=True),
        *(reverse("desk-unmerge", args=[each.pk]) for each in made),
        reverse("desk-segment", args=[segment.pk]),
        reverse("desk-export", args=[export.pk]),
        *(reverse(name) for name in ("jobs", "job-history", "desk-notifications")),
        reverse("job", args=[rows[Job].pk]),
    ]
    findings, texts = [], []
    for address in addresses:
        response = client.get(address)
        assert response.status_code in ANSWERS, (address, response.status_code)
        if shows_html(response):
            page = Markup(response.content.decode(), MARK)
            findings += [f"{address}: {each}" for each in page.findings]
            texts.append(page.text)
    assert findings == []
    shown = "\n".join(texts)
    seen = {name for number, name in payloads.columns.items() if payloads.beginning(number) in shown}
    assert set(payloads.columns.values()) - seen == NOT_SHOWN


def shows_html(response: Any) -> bool:
    """Whether it is a page, and not a file or an answer to a script."""
    kind: str = response["Content-Type"]
    return response.status_code == 200 and kind.startswith("text/html")


def pages_of_admin(rows: dict[type[Model], Any]) -> list[str]:
    """The list of each model and the form of the row that was planted, and one in three of their other pages."""
    always: list[str] = []
    others: list[str] = []
    for model, model_admin in admin.site._registry.items():
        known = [quote(rows[model].pk)] if model in rows else []
        for pattern in model_admin.get_urls():
            asked = pattern.pattern.regex.groups
            if pattern.name and asked <= len(known):
                pages = always if pattern.name.endswith(("_changelist", "_change")) else others
                pages.append(reverse(f"admin:{pattern.name}", args=known[:asked]))
        changelist = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        others.append(f"{changelist}?q={MARK}")
    return [*always, *sampled(others, one_in=3)]


def pages_of_desk(customer: Customer) -> Iterator[str]:
    """Those that ask for nothing, with all customers, and those of the customer."""
    for name in ("desk-worklist", "desk-segments", "desk-segment-save", "desk-trials", "desk-reassign"):
        yield reverse(name) + "?scope=all"
    yield reverse("admin:index") + "?scope=all"
    yield reverse("report", args=["mrr-movement"])
    yield reverse("desk-find") + f"?q={MARK}"
    for name in (
        "desk-customer",
        "desk-billing",
        "desk-usage",
        "desk-details",
        "desk-timeline",
        "desk-health",
        "desk-provenance",
        "desk-as-of",
    ):
        yield reverse(name, args=[customer.pk])
    for name in ("desk-log", "desk-note", "desk-task"):
        yield reverse(name, args=[customer.pk])
    for record in SourceRecord.objects.filter(customer=customer):
        yield reverse("desk-record-changes", args=[record.pk])
