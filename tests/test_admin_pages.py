"""Every page of the admin is opened: lists, searches, filters, columns, forms, histories, actions; as every role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin, auth
from django.contrib.admin import BooleanFieldListFilter, SimpleListFilter
from django.contrib.admin.utils import quote
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from billing.models import Invoice, Subscription
from crm.models import Note
from crm.roles import ROLES
from customers.admin.base import HistoryAdmin
from customers.admin.filters import DaysFilter
from customers.models import Customer
from tests.admin_forms import field_data, form_data, without_templates
from tests.examples import sampled
from tests.factories import MAKERS, make_note, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: The page of jobs shows them.
JOBS = {"crm.ChangePosition", "crm.Job", "crm.JobSchedule", "crm.Worker"}
#: Signing in writes an entry, so that its list is never empty: tests/customers/admin/test_audit.py opens it.
AUDIT = {"customers.AuditEntry"}
OURS = sorted(
    (model for model in MAKERS if model._meta.label not in JOBS), key=lambda model: model._meta.label
)
OTHERS = sorted(set(admin.site._registry) - set(OURS), key=lambda model: model._meta.label)

#: Rows that only imports and the ledger write.
READ_ONLY = {
    "crm.FieldValue",
    "crm.Mention",
    "billing.AlertFired",
    "billing.DunningStep",
    "billing.Balance",
    "billing.CreditNote",
    "billing.Grant",
    "billing.BillingCycle",
    "billing.PendingLine",
    "billing.PlatformChange",
    "billing.SubscriptionPhase",
    "billing.Invoice",
    "billing.InvoiceEmail",
    "billing.InvoiceLine",
    "billing.InvoiceSeries",
    "billing.LedgerEntry",
    "billing.License",
    "billing.Payment",
    "billing.PaymentReversal",
    "billing.Posting",
    "billing.Rollover",
    "billing.TrialUsed",
    "crm.CustomerTag",
    "crm.DeskRefresh",
    "crm.DuplicateCluster",
    "crm.DuplicatePair",
    "crm.HealthScore",
    "crm.Merge",
    "crm.MergedRecord",
    "crm.OutgoingEmail",
    "crm.WebhookDelivery",
    "crm.WorklistDecision",
    "crm.WorklistEntry",
    "crm.WorklistReason",
    "customers.ReceivedPayload",
    "customers.SourceRecord",
}
#: Figures that a command works out for the pages of the desk: there is nothing to list.
WORKED_OUT = {
    "customers.AuditDetails",
    "customers.AuditSeal",
    "customers.ErasedRecord",
    "customers.Erasure",
    "customers.Event",
    "crm.BalanceFacts",
    "crm.CurrencyFacts",
    "crm.CustomerFacts",
    "crm.FieldFacts",
    "crm.InvoiceFacts",
    "crm.SubscriptionFacts",
    "crm.Receivable",
    "crm.RevenueChange",
    "crm.RevenueMonth",
    "crm.UsageMonth",
    "crm.WorkMonth",
    "customers.CustomerChange",
}
#: One row for the installation, or one for each setting, on pages of their own.
ONE_ROW = {"billing.ExchangeRate", "billing.Seller", "crm.FieldDefinition", "customers.StoredSetting"}
#: Everybody has their own, on pages of the desk.
ONES_OWN = {
    "crm.DigestTime",
    "crm.Export",
    "crm.ExportPart",
    "crm.FileImport",
    "crm.FileImportPart",
    "crm.HomeVisit",
    "crm.ImportBatch",
    "crm.ImportMapping",
    "crm.ImportedRecord",
    "crm.Notification",
    "crm.NotificationChoice",
    "crm.Preferences",
    "crm.Segment",
}
#: What account managers work on.
ACCOUNTS = {
    "crm.Activity",
    "crm.Task",
    "crm.Company",
    "crm.Contact",
    "crm.CustomField",
    "crm.Document",
    "crm.Domain",
    "crm.Note",
    "crm.Person",
    "crm.Relationship",
    "crm.Tag",
    "customers.Address",
    "customers.Business",
    "customers.Customer",
    "customers.PaymentMethod",
}
ALL = {model._meta.label for model in OURS}
#: Which rows each role may change.
CHANGED_BY = {
    "Viewer": set(),
    "Account manager": ACCOUNTS | {"billing.Subscription"},
    "Billing operations": {label for label in ALL if label.startswith("billing.")} - READ_ONLY,
    "Administrator": ALL - READ_ONLY,
}
#: Which rows each role may delete.
DELETED_BY = {
    "Viewer": set(),
    "Account manager": {"crm.Contact", "crm.CustomField", "crm.Document", "crm.Domain"},
    "Billing operations": {"billing.CreditCost", "billing.PlanItem"},
    "Administrator": {
        "billing.CreditCost",
        "billing.PlanItem",
        "crm.Contact",
        "crm.CustomField",
        "crm.Document",
        "crm.Domain",
        "crm.Note",
        "crm.Tag",
        "crm.Team",
        "crm.WebhookEndpoint",
    },
}

#: The same classes serve all models, so the sweeps take one in five; `make soak` takes every one.
SAMPLE = [*OURS[::5], Customer, Invoice, Note, Subscription]
every_kind = pytest.mark.parametrize(
    "model",
    [pytest.param(model, marks=[] if model in SAMPLE else [pytest.mark.soak]) for model in OURS],
    ids=lambda model: model._meta.label,
)


def page(model: type[Model], kind: str, *arguments: Any) -> str:
    """The address of a page of the admin."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=arguments)


def queries(client: Client, url: str) -> tuple[int, int]:
    """How many queries a list takes, and how many rows it found."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == 200, url
    return len(captured), response.context["cl"].result_count


def listed(client: Client, url: str, query: dict[str, str] | None = None) -> Any:
    """What a list would fill its template with."""
    with without_templates():
        response: Any = client.get(url, query)
    return response.context_data


@pytest.fixture
def superuser() -> Client:
    """A client that is signed in as a superuser."""
    return signed_in()


def signed_in(role: str | None = None) -> Client:
    """A client that is signed in with a role, as a superuser without one."""
    client = Client()
    client.force_login(make_user(role))
    return client


def choices_of(spec: Any) -> Iterator[str]:
    """The queries of every choice that a filter offers."""
    if isinstance(spec, AutocompleteSelectFilter):
        row = spec.field.remote_field.model._default_manager.first()
        yield urlencode({spec.lookup_kwarg: row.pk if row else ""})
    elif isinstance(spec, DaysFilter):
        for query in ({"from": "2024-01-01"}, {"to": "2024-12-31"}, {"from": "no day"}, {"to": "9999-12-31"}):
            yield urlencode({f"{spec.field_path}_{side}": day for side, day in query.items()})
    elif isinstance(spec, SimpleListFilter):
        for value, _ in spec.lookup_choices:
            yield urlencode({str(spec.parameter_name): value})
    elif isinstance(spec, BooleanFieldListFilter):
        yield from (urlencode({spec.lookup_kwarg: value}) for value in ("0", "1"))
    else:
        yield from (urlencode({spec.lookup_kwarg: value}) for value, _ in spec.field.flatchoices)


def test_every_model_is_in_the_admin_and_has_a_factory() -> None:
    models = {
        model
        for label in ("customers", "billing", "crm")
        for model in apps.get_app_config(label).get_models()
        if not model.__name__.startswith("Historical")
        and model._meta.label not in WORKED_OUT | JOBS | AUDIT | ONE_ROW | ONES_OWN
    }
    assert models == set(OURS)
    assert models <= set(admin.site._registry)


@every_kind
def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(
    model: type[Model], superuser: Client
) -> None:
    url = page(model, "changelist") + ("?standing=all" if model.__name__ == "Customer" else "")
    # An empty list, which also reads what is then kept in memory.
    assert listed(superuser, url)["cl"].result_count == 0
    MAKERS[model]()
    one, _ = queries(superuser, url)
    MAKERS[model]()
    MAKERS[model]()
    three, found = queries(superuser, url)
    assert found >= 3
    assert three == one
    assert one <= 12


@every_kind
def test_the_id_of_a_row_finds_it(model: type[Model], superuser: Client) -> None:
    row = MAKERS[model]()
    MAKERS[model]()
    found = listed(superuser, page(model, "changelist"), {"q": str(row.pk)})["cl"].result_list
    assert [found_row.pk for found_row in found] == [row.pk]


@every_kind
def test_any_search_is_answered(model: type[Model], superuser: Client) -> None:
    MAKERS[model]()
    with without_templates():
        for term in ("two words", "a" * 5000, "w " * 400, "tok_0 % ' \\ 🙂 \u202eabc"):
            assert superuser.get(page(model, "changelist"), {"q": term}).status_code == 200, term


@every_kind
def test_every_filter_is_answered(model: type[Model], superuser: Client) -> None:
    MAKERS[model]()
    url = page(model, "changelist")
    specs = listed(superuser, url)["cl"].filter_specs
    assert len(specs) == len(admin.site._registry[model].list_filter)
    offered = [list(choices_of(spec)) for spec in specs]
    assert all(offered)
    # One choice of every filter at a time: a page takes long to build.
    choices = ["&".join(each for each in chosen if each) for chosen in zip_longest(*offered)]
    for query in choices[:1]:
        assert superuser.get(f"{url}?{query}").status_code == 200, query
    with without_templates():
        for query in choices[1:]:
            assert superuser.get(f"{url}?{query}").status_code == 200, query


@every_kind
def test_every_column_can_be_asked_for_and_only_declared_ones_sort(
    model: type[Model], superuser: Client
) -> None:
    MAKERS[model]()
    url = page(model, "changelist")
    model_admin = admin.site._registry[model]
    changelist = listed(superuser, url)["cl"]
    sortable = {name for name in changelist.list_display if changelist.get_ordering_field(name)}
    assert sortable == set(model_admin.sortable_by or ())
    with without_templates():
        for direction in ("", "-"):
            asked = ".".join(f"{direction}{index}" for index in range(len(changelist.list_display)))
            assert superuser.get(url, {"o": asked}).status_code == 200


@every_kind
def test_every_form_opens_and_saves_as_it_is(model: type[Model], superuser: Client) -> None:
    row = MAKERS[model]()
    is_read_only = model._meta.label in READ_ONLY
    assert superuser.get(page(model, "add")).status_code == (403 if is_read_only else 200)
    form = superuser.get(page(model, "change", row.pk))
    assert form.status_code == 200
    saved = superuser.post(page(model, "change", row.pk), form_data(form))
    assert saved.status_code == (403 if is_read_only else 302), saved.context["errors"]
    before = {field.attname: getattr(row, field.attname) for field in model._meta.fields}
    row.refresh_from_db()
    assert {field.attname: getattr(row, field.attname) for field in model._meta.fields} == before


def test_what_stands_at_the_top_of_a_form_leads_somewhere(superuser: Client) -> None:
    opened = set()
    for model in OURS:
        if not getattr(admin.site._registry[model], "actions_detail", ()):
            continue
        # As lists lead to it: with the key as addresses have it.
        billed = {"billed_here": True} if model is Subscription else {}
        form = page(model, "change", quote(MAKERS[model](**billed).pk))
        beside = re.escape(form.removesuffix("change/"))
        links = re.findall(f'href="({beside}[^"/]+/)"', superuser.get(form).content.decode())
        for link in set(links):
            assert superuser.get(link, follow=True).status_code == 200, link
            opened.add(link.rstrip("/").rpartition("/")[2])
    assert opened >= {"overview", "timeline", "merge", "attach-plan", "cancel", "explain", "print"}


def test_pages_that_ask_before_deleting_have_what_the_scripts_of_filters_need(superuser: Client) -> None:
    note = MAKERS[Note]()
    superuser.get(page(Note, "changelist"))
    chosen = {"action": "delete_selected", "_selected_action": [note.pk]}
    for asked in (
        superuser.get(page(Note, "delete", note.pk)),
        superuser.post(page(Note, "changelist"), chosen),
    ):
        shown = asked.content.decode()
        assert 0 < shown.find(reverse("admin:jsi18n")) < shown.find("admin/js/calendar.js")


@every_kind
def test_every_history_opens(model: type[Model], superuser: Client) -> None:
    row = MAKERS[model]()
    assert superuser.get(page(model, "history", row.pk)).status_code == 200
    assert superuser.get(page(model, "history", "nonsense")).status_code == 302
    if isinstance(admin.site.get_model_admin(model), HistoryAdmin):
        version = row.history.get()
        then = page(model, "simple_history", row.pk, version.pk)
        assert superuser.get(then).status_code == 200
        assert superuser.post(then, {}).status_code == 403
        assert superuser.get(page(model, "simple_history", row.pk, "x")).status_code == 404
        assert superuser.get(page(model, "simple_history", "nonsense", version.pk)).status_code == 404


def test_a_history_leads_to_users_whoever_may_see_them() -> None:
    note = make_note(author=None)
    writer = make_user(username="ada")
    note.history.update(history_user=writer)
    link = reverse("admin:auth_user_change", args=[writer.pk])
    for role, is_linked in (("Account manager", False), ("Administrator", True)):
        shown = signed_in(role).get(page(Note, "history", note.pk)).content.decode()
        assert "ada" in shown
        assert (link in shown) is is_linked


@every_kind
def test_every_action_runs(model: type[Model], superuser: Client) -> None:
    row = MAKERS[model]()
    url = page(model, "changelist")
    form = listed(superuser, url)["action_form"]
    actions = [name for name, _ in form.fields["action"].choices if name] if form else []
    deletable = model._meta.label in DELETED_BY["Administrator"]
    assert ("delete_selected" in actions) == deletable
    for action in actions:
        chosen = {"action": action, "_selected_action": [row.pk]}
        assert superuser.post(url, chosen).status_code in {200, 302}
        assert superuser.post(url, chosen | {"_selected_action": ["nonsense"]}).status_code in {200, 302}


@pytest.mark.sampled
@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_is_for(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user, client = make_user(role), Client()
    client.force_login(user)
    # Who asks, and what they may, is looked up once instead of on each of four hundred pages.
    monkeypatch.setattr(auth, "get_user", lambda request: user)
    may_see = (
        ALL
        if role == "Administrator"
        else ALL - {"crm.OutgoingEmail", "crm.WebhookDelivery", "crm.WebhookEndpoint", "customers.ApiToken"}
    )
    # Each model with one of the roles; `make soak` takes each with all of them.
    for model in sampled(OURS, one_in=len(ROLES), first=list(ROLES).index(role)):
        label, row = model._meta.label, MAKERS[model]()
        url = page(model, "change", row.pk)
        # Who may change nothing is shown a page that looks different.
        with nullcontext() if role == "Viewer" and model in SAMPLE else without_templates():
            form: Any = client.get(url)
        with without_templates():
            seen = {
                "list": client.get(page(model, "changelist")).status_code,
                "form": form.status_code,
                "history": client.get(page(model, "history", row.pk)).status_code,
                "add": client.get(page(model, "add")).status_code,
                "save": client.post(
                    url, field_data(form.context_data) if form.status_code == 200 else {}
                ).status_code,
                "delete": client.get(page(model, "delete", row.pk)).status_code,
            }
        sees, changes = label in may_see, label in CHANGED_BY[role]
        assert seen == {
            "list": 200 if sees else 403,
            "form": 200 if sees else 403,
            "history": 200 if sees else 403,
            "add": 200 if changes else 403,
            "save": 302 if changes else 403,
            "delete": 200 if label in DELETED_BY[role] else 403,
        }, label


@pytest.mark.parametrize("role", ROLES)
def test_only_administrators_see_users_and_how_they_sign_in(role: str) -> None:
    client = signed_in(role)
    expected = 200 if role == "Administrator" else 403
    with without_templates():
        assert {client.get(page(model, "changelist")).status_code for model in OTHERS} == {expected}


@pytest.mark.parametrize("model", OTHERS, ids=lambda model: model._meta.label)
def test_what_other_packages_register_opens(model: type[Model], superuser: Client) -> None:
    assert superuser.get(page(model, "changelist"), {"q": "a"}).status_code == 200
    assert superuser.get(page(model, "add")).status_code in {200, 403}


def test_without_signing_in_nothing_opens() -> None:
    client = Client()
    for model in OURS:
        answer = client.get(page(model, "changelist"))
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]
