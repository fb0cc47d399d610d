"""Merging customers of any shape and undoing it leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Balance, LedgerEntry
from crm.dedupe.merges.fields import FIELDS
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from customers.models import Customer
from tests.crm.dedupe.merges.snapshots import documents_of, ledger_sums, row_counts
from tests.examples import examples
from tests.factories import (
    make_address,
    make_billing_account,
    make_business,
    make_company,
    make_contact,
    make_custom_field,
    make_customer,
    make_document,
    make_domain,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_note,
    make_payment_method,
    make_person,
    make_plan,
    make_purchase,
    make_relationship,
    make_rollover,
    make_subscription,
    make_usage_alert,
)

pytestmark = pytest.mark.django_db

#: Rows of which a customer may have several, or one where the name says so.
LISTS: dict[str, Callable[..., Any]] = {
    "address": lambda customer: make_address(customer=customer),
    "business": lambda customer: make_business(customer=customer),
    "payment method": lambda customer: make_payment_method(customer=customer),
    "document": lambda customer: make_document(customer=customer),
    "entity": lambda customer: make_entity(customer=customer),
    "invoice": lambda customer: make_invoice(customer=customer),
    "note": lambda customer: make_note(customer=customer),
    "purchase": lambda customer: make_purchase(customer=customer),
    "subscription": lambda customer: make_subscription(customer=customer),
    "usage alert": lambda customer: make_usage_alert(customer=customer),
}
texts = st.sampled_from(["", "x", "y"])
figures = st.decimals(-1000, 1000, places=3)
shapes = st.fixed_dictionaries(
    {
        "phone": texts,
        "fingerprint": texts,
        "external": st.booleans(),
        "stripe": st.booleans(),
        "custom_data": st.none() | st.just({"tier": 1.5}),
        "lists": st.lists(st.sampled_from(sorted(LISTS)), max_size=4),
        "marks": st.booleans(),
        "company": st.none() | texts,
        "relationship": st.none() | st.sampled_from([Decimal("0.1"), None]),
        "account": st.booleans(),
        "shared": st.booleans(),
        "grants": st.lists(st.tuples(st.sampled_from([0, 1]), figures, figures), max_size=3),
    }
)


def customer_of(shape: dict[str, Any], number: int, shared: dict[str, Any]) -> Customer:
    """A customer of this shape; `shared` are what customers may have in common."""
    customer = make_customer(
        phone=shape["phone"],
        fingerprint=shape["fingerprint"],
        custom_data=shape["custom_data"],
        external_id=f"ext-{number}" if shape["external"] else None,
        stripe_id=f"cus_{number}" if shape["stripe"] else None,
    )
    for name in shape["lists"]:
        LISTS[name](customer)
    if shape["marks"]:
        make_address(customer=customer, is_default=True)
        make_note(customer=customer, is_summary=True)
    if shape["company"] is not None:
        make_company(customer=customer, industry=shape["company"])
    if shape["relationship"] is not None:
        make_relationship(customer=customer, contract_annual_revenue=shape["relationship"])
    if shape["account"]:
        make_billing_account(customer=customer, metadata={"number": number})
    if shape["shared"]:
        make_contact(customer=customer, person=shared["person"])
        make_domain(customer=customer, name="finch.example.com")
        make_custom_field(customer=customer, key="tier", string_value=str(number))
        make_flag(customer=customer, feature=shared["flag"], plan=shared["plan"])
    for place, included, usage in shape["grants"]:
        balance, _ = Balance.objects.get_or_create(customer=customer, feature=shared["features"][place])
        make_grant(balance=balance, included_grant=included, usage=usage)
        make_rollover(balance=balance)
    return customer


@settings(
    max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(own=shapes, theirs=st.lists(shapes, min_size=1, max_size=2), data=st.data())
def test_there_and_back(own: dict[str, Any], theirs: list[dict[str, Any]], data: st.DataObject) -> None:
    with transaction.atomic():
        there_and_back(own, theirs, data)
        # Each example begins with nothing.
        transaction.set_rollback(True)


def there_and_back(own: dict[str, Any], theirs: list[dict[str, Any]], data: st.DataObject) -> None:
    """Merge, undo, and look whether anything is another than before."""
    shared = {
        "person": make_person(),
        "plan": make_plan(),
        "flag": make_feature(type="boolean"),
        "features": [make_feature(), make_feature()],
    }
    made = [customer_of(shape, number, shared) for number, shape in enumerate([own, *theirs])]
    survivor, *others = made
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.sampled_from(range(len(made)))))
    before = documents_of(*made), row_counts(), ledger_sums()
    entries = LedgerEntry.objects.count()

    merges = merge(
        str(survivor.pk),
        [str(other.pk) for other in others],
        choices={name: str(made[place].pk) for name, place in chosen.items()},
    )
    assert set(Customer.objects.filter(merged_into=survivor)) == set(others)
    assert LedgerEntry.objects.count() == entries
    for done in reversed(merges):
        unmerge(done)

    assert (documents_of(*made), row_counts(), ledger_sums()) == before
