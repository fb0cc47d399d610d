"""Moving the subscriptions of a plan to another version on a page."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Subscription
from billing.subscriptions import attach_plan
from tests.factories import make_customer, make_plan, make_user

pytestmark = pytest.mark.django_db


def client(role: str | None = None) -> Client:
    found = Client()
    found.force_login(make_user(role))
    return found


def test_subscriptions_move_at_period_end_after_their_mrr_was_shown() -> None:
    old, new = (
        make_plan(
            plan_id="pro", name="Pro", version=number, price_amount=Decimal(price), price_interval="month"
        )
        for number, price in ((1, 20), (2, 30))
    )
    for quantity in (1, 2):
        attach_plan(make_customer(), old, quantity=Decimal(quantity), done_by="test")
    url, ada = reverse("move-plan", args=[new.pk]), client()

    page = ada.get(url).content.decode()
    assert "Move 2 subscriptions" in page
    assert "$60.00" in page
    assert "$90.00" in page
    assert url in ada.get(reverse("admin:billing_plan_change", args=[new.pk])).content.decode()

    stale = ada.post(url, {"seen": "", "when": "later"}, follow=True)
    assert "Review and confirm again" in stale.content.decode()
    seen = ada.get(url).context["seen"]
    done = ada.post(url, {"seen": seen, "when": "later"}, follow=True).content.decode()
    assert "Moved 2 subscriptions to Pro v2. They change at the end of their periods." in done
    assert "No subscriptions to move" in done
    scheduled = Subscription.objects.filter(status="scheduled", plan=new).order_by("quantity")
    assert [each.quantity for each in scheduled] == [1, 2]
    viewer = client("Viewer")
    assert viewer.get(url).status_code == 403
    attach_plan(make_customer(), old, done_by="test")
    assert url in ada.get(reverse("admin:billing_plan_change", args=[new.pk])).content.decode()
    assert url not in viewer.get(reverse("admin:billing_plan_change", args=[new.pk])).content.decode()


def test_who_may_move_does_so_immediately_and_learns_what_could_not_be_moved() -> None:
    euros = [{"currency": "eur", "amount": "18"}]
    old = make_plan(plan_id="pro", name="Pro", price_amount=Decimal(20), additional_currencies=euros)
    new = make_plan(plan_id="pro", name="Pro", version=2, price_amount=Decimal(30))
    dollars = attach_plan(make_customer(), old, done_by="test").subscription
    in_euros = attach_plan(make_customer(), old, currency="EUR", done_by="test").subscription
    assert dollars is not None
    assert in_euros is not None
    url, ada = reverse("move-plan", args=[new.pk]), client()
    page = ada.get(url)
    # The one in euros has no price in the new version, so its MRR is on neither side.
    assert page.context["seen"] == "2 [('USD', 2000)] [('USD', 3000)]"
    done = ada.post(url, {"seen": page.context["seen"], "when": "now"}, follow=True).content.decode()
    assert "Moved 1 subscription to Pro v2." in done
    assert "at the end of their periods" not in done
    assert "Couldn&#x27;t move" in done
    assert "Pro v2 has no price in EUR" in done
    versions = Subscription.objects.filter(status="active").values_list("pk", "plan__version")
    assert dict(versions) == {dollars.pk: 2, in_euros.pk: 1}
    viewer = client("Viewer")
    assert viewer.post(url, {"seen": page.context["seen"], "when": "now"}).status_code == 403
