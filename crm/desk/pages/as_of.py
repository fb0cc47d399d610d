"""The page that shows a customer as of a moment, compared with now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from billing.document.as_of import render_known as billing_known
from billing.document.renderer import render_customers as render_billing
from billing.document.schema import BillingCustomer
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.customer_lookup import requested_customer, requested_env
from crm.document.as_of import render_known as crm_known
from crm.document.renderer import render_customers as render_crm
from crm.document.schema import CrmCustomer
from customers import clock
from customers.as_of import KnownCustomer, NotKnownThen
from customers.document.importer import CUSTOMER_FIELDS
from customers.document.renderer import render_customers as render_payments
from customers.document.renderer import render_known as payments_known
from customers.document.schema import PaymentsCustomer
from customers.formats import customer_url, day, moment
from customers.json_types import to_plain
from customers.lookup import find_customer_at
from customers.models import Customer

#: Values to show, by label.
LabeledValues = dict[str, str]


class WhenForm(forms.Form):
    """The moment to view, in the current time zone."""

    at = forms.DateTimeField(
        error_messages={
            "invalid": "Enter a date and a time, such as 2026-03-01 12:00.",
            "required": "Enter a date and a time.",
        },
    )

    def clean_at(self) -> datetime:
        at: datetime = self.cleaned_data["at"].astimezone(UTC)
        if at > clock.now():
            raise forms.ValidationError("Enter a time in the past.")
        return at


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A value then and now. `label` is (word, color) of the change; None if there was none."""

    name: str
    then: str
    now: str
    label: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ComparedTable:
    title: str
    rows: list[ComparedRow]


def as_of_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The customer with this identifier as of `?at=`; without it, only the form."""
    may: Callable[[str], bool] = request.user.has_perm
    customer = requested_customer(request, identifier)
    form = WhenForm(request.GET or None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{customer}: view as of",
        "crumbs": crumbs_of(customer, Crumb("View as of")),
        "is_titled_by_crumb": True,
        "customer_url": customer_url(customer.pk),
        "at_value": request.GET.get("at", ""),
        "error": "",
        "tables": [],
    }
    status = 200
    if form.is_valid():
        try:
            known = find_customer_at(identifier, form.cleaned_data["at"], requested_env(request))
        except NotKnownThen as problem:
            context["error"], status = str(problem), 404
        else:
            context |= _comparison(known, customer, may)
    elif form.is_bound:
        context["error"], status = form.errors["at"][0], 400
    return TemplateResponse(request, "crm/desk/as_of.html", context, status=status)


def _comparison(known: KnownCustomer, now: Customer, may: Callable[[str], bool]) -> dict[str, Any]:
    """The page's context: each document that the user may view, then and now."""
    sources: list[
        tuple[str, Callable[[Any], dict[str, LabeledValues]], Callable[[], Any], Callable[[], Any], str]
    ] = [
        (
            "customers.view_customer",
            _payments,
            lambda: payments_known(known, embedded=True),
            lambda: render_payments([now], embedded=True)[0],
            "payments-customer",
        ),
        (
            "billing.view_billingaccount",
            _billing,
            lambda: billing_known(known),
            lambda: render_billing([now])[0],
            "billing-customer",
        ),
        (
            "crm.view_relationship",
            _crm,
            lambda: crm_known(known),
            lambda: render_crm([now])[0],
            "crm-customer",
        ),
    ]
    tables: list[ComparedTable] = []
    links: list[tuple[str, str]] = []
    query = urlencode({"as_of": known.at.isoformat().replace("+00:00", "Z")})
    for permission, facts_of, then, today, name in sources:
        if may(permission):
            tables += _compared(facts_of(then()), facts_of(today()))
            links.append((_DOCUMENTS[name], f"{reverse(name, args=[known.key])}?{query}"))
    return {
        "at": moment(known.at),
        "known": known.customer,
        "merged_into": now if known.key != str(now.pk) else None,
        "tables": tables,
        "documents": links,
    }


_DOCUMENTS = {
    "payments-customer": "Payments document",
    "billing-customer": "Billing document",
    "crm-customer": "CRM document",
}


def _compared(then: dict[str, LabeledValues], now: dict[str, LabeledValues]) -> list[ComparedTable]:
    """Each section's values then and now; without sections that are empty in both."""
    tables = []
    for title, facts in then.items():
        today = now[title]
        rows = [_row(name, facts.get(name, ""), today.get(name, "")) for name in {**facts, **today}]
        if rows := [row for row in rows if row.then or row.now]:
            tables.append(ComparedTable(title, rows))
    return tables


def _row(name: str, then: str, now: str) -> ComparedRow:
    if then == now:
        return ComparedRow(name, then, "", None)
    if not then:
        return ComparedRow(name, "", now, ("Added since", "success"))
    return ComparedRow(name, then, now, ("Changed since", "warning") if now else ("Removed since", "danger"))


def _payments(document: PaymentsCustomer) -> dict[str, LabeledValues]:
    plain = to_plain(document)
    return {
        "Profile": {
            capfirst(Customer.label_of(name)): _text(plain[name]) for name in (*CUSTOMER_FIELDS, "status")
        },
        "Addresses": {each["id"]: _joined(each, _POSTAL) for each in plain["addresses"]},
        "Business profiles": {
            each["id"]: _joined(each, ("name", "company_number", "tax_identifier"))
            for each in plain["businesses"]
        },
        "Payment methods": {
            each["id"]: _joined(each, ("type", "brand", "last4", "provider", "phone", "bank_name", "status"))
            for each in plain["payment_methods"]
        },
    }


_POSTAL = ("description", "line1", "line2", "city", "state", "postal_code", "country")


def _billing(document: BillingCustomer) -> dict[str, LabeledValues]:
    plain = to_plain(document)
    return {
        "Subscriptions": {
            f"{each['plan_id']} ({each['id']})": ", ".join(
                [
                    each["status"],
                    f"quantity {_text(each['quantity'])}",
                    *(["past due"] if each["past_due"] else []),
                    *(
                        [f"period ends {_day(each['current_period_end'])}"]
                        if each["current_period_end"]
                        else []
                    ),
                ]
            )
            for each in plain["subscriptions"]
        },
        "Balances": {
            feature: "unlimited"
            if each["unlimited"]
            else f"{_text(each['remaining'])} left of {_text(each['granted'])}, {_text(each['usage'])} used"
            for feature, each in plain["balances"].items()
        },
        "Enabled features": {
            feature: _text(each["plan_id"]) or "Yes" for feature, each in plain["flags"].items()
        },
    }


def _crm(document: CrmCustomer) -> dict[str, LabeledValues]:
    plain = to_plain(document)
    company = plain["company"]
    return {
        "Company": {
            name.replace("_", " ").capitalize(): _text(value) for name, value in company.items() if value
        },
        "Account details": {
            "Domains": _text(plain.get("domains")),
            "Customer since": _text(plain.get("start_date")),
            "Annual contract value": _text(plain.get("contract_annual_revenue")),
            "Notes": _text(plain.get("notes")),
        },
        "Contacts": {
            each["name"]: _joined(each.get("metadata") or {}, ("title", "department", "email", "phone"))
            or "-"
            for each in plain.get("poc") or ()
        },
    }


def _joined(values: dict[str, Any], names: Iterable[str]) -> str:
    return ", ".join(_text(values[name]) for name in names if values.get(name))


def _day(milliseconds: int) -> str:
    return day(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items())
    return str(value)
