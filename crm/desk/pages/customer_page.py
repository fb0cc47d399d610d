"""The page of one customer: header, sections, links."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from billing.revenue.monthly import revenue_of
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.pages.customer_lookup import requested_customer
from crm.desk.pages.merge import merge_url
from crm.desk.pages.overview import attention, health, money, people, places, related, timeline, usage, work
from crm.desk.pages.overview.header import header_of
from crm.desk.pages.overview.section import Section
from crm.desk.pages.overview.tags import tags_of
from crm.desk.worklist.refresh import refresh_customers
from crm.models import Contact, Relationship
from crm.notes import mark_mentions_seen
from customers import clock
from customers.formats import page_of
from customers.models import Address, Customer

_ADJUST = "billing.change_balance"


def customer_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The page of the customer with this identifier; redirects to the URL with its typed ID.

    Viewing it marks the user's mentions in the customer's notes as seen. The number of queries doesn't depend on the
    amount of data.
    """
    customer = requested_customer(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse("desk-customer", args=[customer.pk]))
    customer = Customer.objects.select_related("company", "relationship__owner").get(pk=customer.pk)
    may: Callable[[str], bool] = request.user.has_perm
    now = clock.now()
    contacts = people.contacts_of(customer) if may("crm.view_contact") else []
    addresses = places.addresses_of(customer) if may("customers.view_address") else []
    if may("crm.view_note") and mark_mentions_seen(customer, request.user):
        refresh_customers([str(customer.pk)])
    context = {
        **admin.site.each_context(request),
        "title": str(customer),
        "customer": customer,
        "header": header_of(customer, contacts, addresses[0] if addresses else None, now),
        "tags": tags_of(customer, may) if may("crm.view_customertag") else None,
        "main": _shown(_main(customer, may, contacts)),
        "side": _shown(_side(customer, may, contacts, addresses)),
        "below": _shown([timeline.timeline_section(customer, may)]),
        "links": _links(customer, may),
        "assign_url": _assign_url(customer, may),
        "as_of_url": reverse("desk-as-of", args=[customer.pk]),
    }
    return TemplateResponse(request, "crm/desk/customer.html", context)


def _main(customer: Customer, may: Callable[[str], bool], contacts: list[Contact]) -> list[Section | None]:
    """The wide column: what an account manager reads first."""
    now = clock.now()
    found: list[Section | None] = [attention.attention_section(customer)]
    if may("crm.add_activity"):
        found.append(work.contact_section(customer, contacts))
    if may("crm.view_task"):
        found.append(
            work.tasks_section(customer, may_add=may("crm.add_task"), may_reassign=may("crm.change_task"))
        )
    if may("crm.view_note"):
        found.append(work.notes_section(customer, may_add=may("crm.add_note")))
    if may("billing.view_subscription"):
        billed = revenue_of([str(customer.pk)]).get(str(customer.pk), {})
        found += [money.contract_section(customer, billed), money.subscriptions_section(customer, now)]
    if may("billing.view_balance"):
        found.append(usage.balances_section(customer, now, may_adjust=may(_ADJUST)))
    if may("billing.view_invoice"):
        found.append(money.invoices_section(customer))
    return found


def _side(
    customer: Customer, may: Callable[[str], bool], contacts: list[Contact], addresses: list[Address]
) -> list[Section | None]:
    """The narrow column: facts to look up."""
    now = clock.now()
    sections: tuple[tuple[str, Callable[[], Section | None]], ...] = (
        ("crm.view_healthscore", lambda: health.health_section(customer, now)),
        ("crm.view_contact", lambda: people.people_section(customer, contacts)),
        ("customers.view_paymentmethod", lambda: places.payment_methods_section(customer)),
        ("customers.view_address", lambda: places.addresses_section(customer, addresses)),
        ("customers.view_business", lambda: places.businesses_section(customer)),
        ("crm.view_domain", lambda: places.domains_section(customer)),
        ("crm.view_document", lambda: places.documents_section(customer)),
        ("billing.view_purchase", lambda: money.purchases_section(customer)),
        ("billing.view_discount", lambda: money.discounts_section(customer)),
        ("billing.view_flag", lambda: usage.flags_section(customer, now)),
        ("billing.view_entity", lambda: usage.entities_section(customer)),
        ("billing.view_referral", lambda: related.referrals_section(customer)),
        ("crm.view_merge", lambda: related.merges_section(customer, may_undo=may(PERMISSION))),
        ("crm.view_mergedrecord", lambda: related.merged_section(customer)),
        ("customers.view_sourcerecord", lambda: related.sources_section(customer)),
    )
    return [gather() for permission, gather in sections if may(permission)]


def _shown(sections: list[Section | None]) -> list[Section]:
    return [section for section in sections if section is not None]


def _assign_url(customer: Customer, may: Callable[[str], bool]) -> str:
    """Where the user can assign an account manager; empty if they may not."""
    relationship: Relationship | None = getattr(customer, "relationship", None)
    if relationship is not None:
        return page_of(relationship) if may("crm.change_relationship") else ""
    if not may("crm.add_relationship"):
        return ""
    return f"{reverse('admin:crm_relationship_add')}?{urlencode({'customer': customer.pk})}"


def _links(customer: Customer, may: Callable[[str], bool]) -> list[tuple[str, str]]:
    """The buttons of the header: (text, URL)."""
    links = [
        ("Edit" if may("customers.change_customer") else "Record", page_of(customer)),
        ("Activity", reverse("desk-timeline", args=[customer.pk])),
        ("History", page_of(customer, "history")),
    ]
    if may("customers.view_sourcerecord"):
        links.append(("Sources", reverse("desk-provenance", args=[customer.pk])))
    if may(PERMISSION) and customer.merged_into_id is None and customer.archived_at is None:
        links.append(("Merge…", merge_url([customer])))
    return links
