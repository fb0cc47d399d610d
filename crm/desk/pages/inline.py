"""Edit the account manager and the status in the head of a customer's page.

The form sends what the page showed. If someone changed that since, nothing is saved, and the second of two reads what
the first did.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from crm.desk.bulk.actions import set_owner, set_status
from crm.desk.pages.quick_entry import back, customer_of, person_of, posted
from crm.desk.sheets.owner import undo_url
from crm.models import Relationship
from crm.survivors import lock_survivor
from customers.formats import user_name
from customers.models import Customer


@posted("crm.change_relationship")
@transaction.atomic
def assign(request: HttpRequest, customer_id: str) -> HttpResponse:
    """Set the account manager to the user in `owner`; empty removes it. `was` is the one that the page showed."""
    customer = lock_survivor(customer_of(customer_id))
    key = request.POST.get("owner", "")
    owner = person_of(key)
    row = Relationship.objects.filter(customer=customer).select_related("owner").first()
    current = row.owner if row else None
    if owner is None and key:
        messages.error(request, "Couldn't assign the account. Choose a person.")
    elif _is_other(request, "" if current is None else str(current.pk)):
        now = f"It was assigned to {user_name(current)}" if current else "The account manager was removed"
        messages.error(request, f"Couldn't assign the account. {now} after you opened the page.")
    elif set_owner(_only(customer), owner, by=request.user):
        messages.success(
            request,
            f"Assigned the account to {user_name(owner)}." if owner else "Removed the account manager.",
            extra_tags=f"undo:{undo_url(customer, current)}",
        )
    return back(customer)


@posted("customers.change_customer")
@transaction.atomic
def change_status(request: HttpRequest, customer_id: str) -> HttpResponse:
    """Set the status to `status`, and lock it against imports. `was` is the one that the page showed."""
    customer = lock_survivor(customer_of(customer_id))
    status = request.POST.get("status", "")
    if status not in Customer.Status.values:
        messages.error(request, "Couldn't change the status. Choose one.")
    elif _is_other(request, customer.status):
        messages.error(
            request,
            f"Couldn't change the status. It was set to {customer.get_status_display()} after you opened the page.",
        )
    elif set_status(_only(customer), status, by=request.user):
        label = Customer.Status(status).label
        messages.success(request, f"Set the status to {label}. Imports don't change it while it is locked.")
    return back(customer)


def _is_other(request: HttpRequest, current: str) -> bool:
    """Whether the page showed another value than the current one; a program may leave out what it was."""
    was = request.POST.get("was")
    return was is not None and was != current


def _only(customer: Customer) -> Any:
    return Customer.objects.filter(pk=customer.pk)
