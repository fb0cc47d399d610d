"""The pages of one customer: overview, billing and details. Usage and activity are in modules of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from billing.revenue.monthly import revenue_of_subscriptions
from billing.sheets.credits import ReturnCredit
from crm.dedupe.merges.plan import PERMISSION as MERGE
from crm.desk.form_fields import people_who_act
from crm.desk.pages.customer_lookup import customer_with_head
from crm.desk.pages.overview import (
    attention,
    billing_accounts,
    details,
    health,
    money,
    people,
    places,
    related,
    work,
)
from crm.desk.pages.overview.bars import bars_of
from crm.desk.pages.overview.section import Section
from crm.desk.pages.record_shell import BILLING, DETAILS, OVERVIEW, RecordShell, shell_of
from crm.desk.sheets.custom_field import EditField
from crm.desk.sheets.field_value import EnterValue
from crm.desk.worklist.refresh import refresh_customers
from crm.notes import mark_mentions_seen
from customers import clock

#: The permission to see a section, and the function that reads it.
_Gather = tuple[str, Callable[[], Section | None]]


def customer_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The overview of the customer with this identifier; redirects to the URL with its typed ID.

    Viewing it marks the user's mentions in the customer's notes as seen. The number of queries doesn't depend on the
    amount of data.
    """
    found = _shell(request, identifier, "desk-customer")
    if isinstance(found, HttpResponse):
        return found
    key = str(found.customer.pk)
    if found.may("crm.view_note") and mark_mentions_seen(found.customer, request.user):
        refresh_customers([key])
    # The head brings the facts up to date that the balances are read from.
    head = found.context(request, OVERVIEW)
    assignees = _people(found, head["owners"])
    context = {
        **head,
        "attention": attention.attention_section(found.customer, found.may),
        "composer": work.entry_forms(found.customer, found.may, found.contacts, assignees),
        "main": _shown(_overview(found, assignees)),
        "latest_url": reverse("desk-latest", args=[found.customer.pk]),
        "activity_url": reverse("desk-timeline", args=[found.customer.pk]),
        "rail": _shown(_rail(found)),
    }
    return TemplateResponse(request, "crm/desk/customer.html", context)


def billing_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """What the customer buys and owes."""
    found = _shell(request, identifier, "desk-billing")
    if isinstance(found, HttpResponse):
        return found
    if not (found.may("billing.view_subscription") or found.may("billing.view_invoice")):
        raise PermissionDenied
    # The head brings the facts up to date that the balances are read from.
    head = found.context(request, BILLING)
    customer, may, now = found.customer, found.may, found.now
    rows = billing_accounts.running_subscriptions(customer) if may("billing.view_subscription") else []
    bars = bars_of(customer, now) if may("billing.view_balance") else []
    sections: tuple[_Gather, ...] = (
        ("billing.view_license", lambda: money.licenses_section(customer)),
        ("billing.view_purchase", lambda: money.purchases_section(customer)),
        (
            "billing.view_discount",
            lambda: money.discounts_section(customer, may_return=ReturnCredit.allowed(found.may)),
        ),
        ("billing.view_trialused", lambda: money.trials_section(customer)),
        ("customers.view_paymentmethod", lambda: places.payment_methods_section(customer)),
        ("billing.view_referral", lambda: related.referrals_section(customer)),
    )
    is_open_only = request.GET.get("invoices") == billing_accounts.OPEN
    context = {
        **head,
        "accounts": billing_accounts.accounts_of(customer, rows, bars, now) if rows or bars else [],
        "contract": money.contract_words(customer, revenue_of_subscriptions(rows, now))
        if may("billing.view_subscription")
        else [],
        "invoices": billing_accounts.invoices_of(customer, now, is_open_only=is_open_only)
        if may("billing.view_invoice")
        else None,
        "sections": _shown(gather() for permission, gather in sections if may(permission)),
    }
    return TemplateResponse(request, "crm/desk/billing.html", context)


def details_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """Who the customer is, where that is known from, and what was merged."""
    found = _shell(request, identifier, "desk-details")
    if isinstance(found, HttpResponse):
        return found
    customer = found.customer
    records = related.source_records_of(customer) if found.may("customers.view_sourcerecord") else []
    return _tab(
        request,
        found,
        DETAILS,
        (
            ("customers.view_customer", lambda: details.company_section(customer)),
            ("customers.view_customer", lambda: details.account_section(customer)),
            (
                "crm.view_fieldvalue",
                lambda: details.custom_fields_section(
                    customer,
                    may_see_crm=found.may("crm.view_customfield"),
                    may_edit_crm=EditField.allowed(found.may) and customer.merged_into_id is None,
                    may_enter=EnterValue.allowed(found.may) and customer.merged_into_id is None,
                ),
            ),
            ("billing.view_billingaccount", lambda: details.billing_details_section(customer)),
            ("billing.view_usagelimit", lambda: details.limits_section(customer)),
            ("customers.view_address", lambda: places.addresses_section(customer, found.addresses)),
            ("customers.view_business", lambda: places.businesses_section(customer)),
            ("crm.view_domain", lambda: places.domains_section(customer)),
            ("crm.view_document", lambda: places.documents_section(customer)),
            ("customers.view_sourcerecord", lambda: related.sources_section(customer, records)),
            ("crm.view_merge", lambda: related.merges_section(customer, may_undo=found.may(MERGE))),
            ("crm.view_mergedrecord", lambda: related.merged_section(customer)),
        ),
        "No details yet",
        received=details.received_of(
            customer, records, may_see_payloads=found.may("customers.view_receivedpayload")
        ),
        as_of_url=reverse("desk-as-of", args=[customer.pk]),
        profile_url=reverse("desk-details", args=[customer.pk]),
        sources_url=reverse("desk-provenance", args=[customer.pk])
        if found.may("customers.view_sourcerecord")
        else "",
    )


def _shell(request: HttpRequest, identifier: str, url_name: str) -> RecordShell | HttpResponse:
    """The customer with this identifier, or the redirect to the URL with its typed ID."""
    customer = customer_with_head(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse(url_name, args=[customer.pk]))
    return shell_of(customer, request.user.has_perm, clock.now())


def _tab(
    request: HttpRequest, found: RecordShell, tab: str, sections: Iterable[_Gather], empty: str, **more: Any
) -> HttpResponse:
    context = {
        **found.context(request, tab),
        "sections": _shown(gather() for permission, gather in sections if found.may(permission)),
        "empty": empty,
        **more,
    }
    return TemplateResponse(request, "crm/desk/record_tab.html", context)


def _people(found: RecordShell, owners: list[Any]) -> list[Any]:
    """The people whom a task may be given to, if the user may give it; those of the head if it has them."""
    if owners or not (found.may("crm.add_task") or found.may("crm.change_task")):
        return owners
    return list(people_who_act())


def _overview(found: RecordShell, assignees: list[Any]) -> list[Section | None]:
    """The wide column between what needs attention and the activity."""
    customer, may = found.customer, found.may
    sections: list[Section | None] = []
    if may("crm.view_task"):
        sections.append(work.tasks_section(customer, assignees if may("crm.change_task") else []))
    if may("crm.view_note"):
        sections.append(work.notes_section(customer))
    return sections


def _rail(found: RecordShell) -> list[Section | None]:
    """The narrow column: facts to look up."""
    customer = found.customer
    sections: tuple[_Gather, ...] = (
        ("crm.view_contact", lambda: people.people_section(customer, found.contacts)),
        ("customers.view_customer", lambda: money.billing_section(customer, found.now, found.may)),
        ("crm.view_healthscore", lambda: health.health_section(customer, found.now)),
        (
            "customers.view_sourcerecord",
            lambda: related.sources_section(customer, related.source_records_of(customer)),
        ),
    )
    return [gather() for permission, gather in sections if found.may(permission)]


def _shown(sections: Iterable[Section | None]) -> list[Section]:
    return [section for section in sections if section is not None]
