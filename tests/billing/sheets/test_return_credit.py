"""Returning a credit to the customer in money."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

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
    assert (credit.discount_value, credit.spent) == (20, 20)
    assert url not in ada.get(page).content.decode()
