"""No link of the desk leads to a form of the admin but *Edit* and *History*, and none to what the user may not do."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from crm.models import Person
from customers import clock
from customers.formats import page_of
from tests.crm.desk.pages.test_customer_page import surround
from tests.desk import refresh_all_facts
from tests.examples import sampled
from tests.factories import (
    make_activity,
    make_company,
    make_customer,
    make_note,
    make_payment,
    make_relationship,
    make_task,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: Pages about one customer, and pages about all. Lists of rows are found by their names.
ABOUT_ONE = (
    "desk-customer",
    "desk-billing",
    "desk-usage",
    "desk-timeline",
    "desk-details",
    "desk-health",
    "desk-provenance",
    "desk-as-of",
)
ABOUT_ALL = (
    "admin:index",
    "desk-worklist",
    "desk-customers",
    "desk-invoices",
    "desk-subscriptions",
    "desk-balances",
    "desk-companies",
    "desk-people",
    "desk-tasks",
    "reports",
    "desk-trials",
    "desk-segments",
    "desk-exports",
    "desk-notifications",
    "desk-reassign",
)
#: Pages of acts that have the address of a form.
ACTS = {"admin:billing_subscription_add", "admin:customers_customer_add"}
FORMS = ("_change", "_add", "_delete", "_history")


class Links(HTMLParser):
    """The links of a page, each with what a reader is told of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.posts: list[str] = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and given.get("method") == "post":
            self.posts.append(given.get("action") or "")
        if given.get("formaction"):
            self.posts.append(given["formaction"] or "")
        if tag == "a":
            self._open = True
            self.found.append((given.get("href") or "", given.get("aria-label") or ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._open:
            url, words = self.found[-1]
            self.found[-1] = (url, f"{words} {data}".strip())


def form_of(url: str) -> str:
    """The name of the admin's form at `url`; empty for any other page."""
    try:
        name = resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""
    is_form = name.startswith("admin:") and name.endswith(FORMS) and name not in ACTS
    return name if is_form else ""


@pytest.mark.sampled
def test_only_edit_and_history_lead_to_a_form() -> None:
    customer = make_customer(name="Blue Finch")
    owner = make_user("Account manager")
    make_company(customer=customer)
    make_relationship(customer=customer, owner=owner)
    surround(customer, 1)
    make_note(customer=customer, body="Asked for seats.")
    make_task(customer=customer, due_on=clock.now().date(), owner=owner)
    make_activity(customer=customer)
    make_payment(invoice=customer.invoices.first())
    refresh_all_facts()
    records = [
        customer.company,
        Person.objects.first(),
        customer.invoices.first(),
        customer.subscriptions.first(),
        customer.balances.first(),
    ]
    pages = [reverse(name, args=[customer.pk]) for name in ABOUT_ONE]
    pages += [page_of(row) for row in records if row is not None]
    pages += [reverse(name) for name in ABOUT_ALL]
    pages += [f"{reverse('desk-find')}?q=Finch", f"{reverse('desk-worklist')}?scope=all"]
    raw: set[str] = set()
    masked: set[str] = set()
    offered: dict[tuple[str, str], str] = {}
    viewer = make_user("Viewer")
    for number, user in enumerate((viewer, owner, make_user("Administrator"))):
        client = Client()
        client.force_login(user)
        # Who may the least sees every page, the others one half each.
        for page in pages if user is viewer else sampled(pages, one_in=2, first=number):
            answer = client.get(page)
            assert answer.status_code in (200, 403), page
            links = Links(answer.content.decode())
            if user is viewer:
                ways = [*(("get", url) for url, _ in links.found), *(("post", url) for url in links.posts)]
                offered |= {
                    (way, resolve(urlsplit(url).path).view_name): url
                    for way, url in ways
                    if url.startswith("/admin/")
                }
            for url, words in links.found:
                form = form_of(url)
                if form and not words.startswith(("Edit", "edit Edit", "History", "history History")):
                    raw.add(f"{resolve(urlsplit(page).path).view_name}: {words} -> {form}")
                if "_5F" in url:
                    masked.add(url)
    client = Client()
    client.force_login(viewer)
    refused = {name for (way, name), url in offered.items() if getattr(client, way)(url).status_code == 403}
    assert (refused, len(offered) > 20) == (set(), True)
    assert sorted(raw) == []
    assert sorted(masked) == []
