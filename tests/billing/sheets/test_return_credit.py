"""Returning a credit to the customer in money."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing.invoices.credits import return_credit
from billing.invoices.locking import CannotChangeInvoice
from customers import clock
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.factories import make_customer, make_discount, make_user

pytestmark = pytest.mark.django_db


def test_what_is_left_of_a_credit_is_returned_once() -> None:
    customer = make_customer()
    credit = make_discount(
        customer=customer,
        name="Credit",
        type="invoice_credits",
        discount_value=Decimal(45),
        spent=Decimal(20),
        currency="EUR",
        duration_type="forever",
    )
    url, ada, viewer = act_url("return-credit", credit), Client(), Client()
    ada.force_login(make_user())
    viewer.force_login(make_user("Viewer"))
    page = reverse("desk-billing", args=[customer.pk])

    assert url in ada.get(page).content.decode()
    assert url not in viewer.get(page).content.decode()
    assert viewer.get(url).status_code == 403
    preview = ada.post(url, form_data(ada.get(url), preview="1"))
    assert "Return €25.00" in preview.content.decode()

    done = ada.post(url, form_data(preview, confirm="1"), follow=True).content.decode()
    credit.refresh_from_db()
    assert "Returned €25.00. Refund it to the customer." in done
    assert (credit.discount_value, credit.spent) == (45, 45)
    assert url not in ada.get(page).content.decode()


def test_credit_that_no_invoice_can_use_is_not_returned() -> None:
    credit = make_discount(
        type="invoice_credits",
        discount_value=Decimal(45),
        currency="EUR",
        duration_type="forever",
        end=clock.now() - timedelta(days=1),
    )
    with pytest.raises(CannotChangeInvoice, match="no credit left"):
        return_credit(credit, done_by="ada")
