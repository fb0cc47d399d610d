"""What is sold is edited by the rules of its import, and what customers have stays as it is."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from billing.models import CreditCost, Feature, Plan, PlanItem
from tests.admin_forms import form_data, without_templates
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_feature,
    make_plan,
    make_plan_item,
    make_purchase,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db

CLOSED = {
    "group",
    "add_on",
    "price_amount",
    "price_interval",
    "price_interval_count",
    "currency",
    "free_trial_length",
    "free_trial_unit",
    "free_trial_card_required",
    "trial_once_per_fingerprint",
    "config",
    "is_stub",
}


@pytest.fixture
def client() -> Client:
    return signed_in()


def signed_in(role: str | None = None) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def url_of(row: Model, page: str = "change") -> str:
    return reverse(f"admin:billing_{row._meta.model_name}_{page}", args=[row.pk])


def save(client: Client, url: str, **changes: Any) -> Any:
    """Send the form at `url` as a browser would, with `changes`."""
    with without_templates():
        return client.post(url, form_data(client.get(url), **changes))


def errors(answer: Any) -> dict[str, list[str]]:
    """What the form at hand is refused for, by field."""
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def item_errors(answer: Any, number: int = 0) -> list[str]:
    assert answer.status_code == 200
    [formset] = [each.formset for each in answer.context["inline_admin_formsets"]]
    return list(formset.forms[number].errors)


class TestPlansThatCustomersHave:
    @pytest.fixture
    def plan(self) -> Plan:
        plan = make_plan(plan_id="pro", name="Pro", price_amount=Decimal(20))
        make_plan_item(plan=plan, included=Decimal(100))
        return plan

    @pytest.mark.parametrize("attach", [make_subscription, make_purchase])
    def test_what_they_grant_and_cost_is_closed(self, plan: Plan, client: Client, attach: Any) -> None:
        page = client.get(url_of(plan))
        assert form_data(page).keys() >= CLOSED - {
            "add_on",
            "free_trial_card_required",
            "trial_once_per_fingerprint",
            "is_stub",
        }
        assert "This version is in use" not in page.content.decode()
        attach(plan=plan)
        page = client.get(url_of(plan))
        assert "This version is in use" in page.content.decode()
        assert not form_data(page).keys() & CLOSED
        assert not [name for name in form_data(page) if name.startswith("items-0-inc")]

    def test_a_subscription_that_ended_counts(self, plan: Plan, client: Client) -> None:
        make_subscription(plan=plan, status="ended")
        assert "price_amount" not in form_data(client.get(url_of(plan)))

    def test_their_words_may_change(self, plan: Plan, client: Client) -> None:
        make_subscription(plan=plan)
        assert save(client, url_of(plan), name="Professional", archived="on").status_code == 302
        plan.refresh_from_db()
        assert (plan.name, plan.archived, plan.price_amount) == ("Professional", True, 20)

    def test_terms_that_are_sent_all_the_same_are_not_taken(self, plan: Plan, client: Client) -> None:
        make_subscription(plan=plan)
        item = plan.items.get()
        sent = {
            "items-0-id": item.pk,
            "items-0-plan": plan.pk,
            "items-0-included": "5",
            "items-0-DELETE": "on",
        }
        save(client, url_of(plan), name="Professional", **sent)
        assert plan.items.get().included == 100

    def test_a_customer_who_comes_while_the_form_is_open(self, plan: Plan, client: Client) -> None:
        data = form_data(client.get(url_of(plan)), price_amount="30", name="Professional")
        make_subscription(plan=plan)
        answer = client.post(url_of(plan), data)
        [told] = errors(answer)["__all__"]
        assert "Nothing was saved, because a customer got this plan while the form was open." in told
        plan.refresh_from_db()
        assert (plan.name, plan.price_amount) == ("Pro", 20)

    def test_a_stub_may_be_completed(self, client: Client) -> None:
        plan = make_plan(is_stub=True, price_amount=None, price_interval="")
        make_subscription(plan=plan)
        answer = save(client, url_of(plan), price_amount="5", price_interval="month", name="Basic")
        assert answer.status_code == 302
        plan.refresh_from_db()
        assert plan.price_amount == 5

    def test_their_items_are_closed_on_pages_of_their_own_too(self, plan: Plan, client: Client) -> None:
        item = plan.items.get()
        data = form_data(client.get(url_of(item)), included="5")
        make_subscription(plan=plan)
        assert client.post(url_of(item), data).status_code == 403
        assert client.post(url_of(item, "delete"), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"}
        client.post(reverse("admin:billing_planitem_changelist"), chosen)
        assert plan.items.get().included == 100

    def test_no_item_is_added_or_moved_to_them(self, plan: Plan, client: Client) -> None:
        make_subscription(plan=plan)
        new = reverse("admin:billing_planitem_add")
        answer = save(client, new, plan=plan.pk, feature=make_feature().pk, included="1")
        assert list(errors(answer)) == ["plan"]
        other = make_plan_item()
        assert list(errors(save(client, url_of(other), plan=plan.pk))) == ["plan"]
        assert plan.items.count() == 1


class TestNewVersions:
    def test_a_button_copies_the_plan(self, client: Client) -> None:
        plan = make_plan(plan_id="pro", name="Pro")
        make_plan_item(plan=plan, included=Decimal(100))
        subscription = make_subscription(plan=plan)
        page = client.get(url_of(plan))
        assert 'name="_new_version"' in page.content.decode()

        answer = client.post(url_of(plan), form_data(page, _new_version=""))

        made = Plan.objects.get(version=2)
        assert (answer.status_code, answer["Location"]) == (302, url_of(made))
        [message] = get_messages(answer.wsgi_request)
        assert "Created version 2 of pro, a copy of version 1" in str(message)
        assert made.items.get().included == 100
        subscription.refresh_from_db()
        assert subscription.plan == plan
        assert save(client, url_of(made), price_amount="30").status_code == 302
        made.refresh_from_db()
        assert (made.price_amount, Plan.objects.get(version=1).price_amount) == (30, 20)

    def test_what_else_was_changed_is_saved_first(self, client: Client) -> None:
        plan = make_plan(plan_id="pro")
        item = make_plan_item(plan=plan)
        save(client, url_of(plan), _new_version="", **{"items-0-included": "7", "price_amount": "8"})
        item.refresh_from_db()
        made = Plan.objects.get(version=2)
        assert (item.included, made.items.get().included, made.price_amount) == (7, 7, 8)

    def test_nothing_is_made_of_a_form_with_errors(self, client: Client) -> None:
        plan = make_plan()
        assert errors(save(client, url_of(plan), _new_version="", price_interval=""))
        assert Plan.objects.count() == 1

    def test_a_stub_has_nothing_to_copy(self, client: Client) -> None:
        plan = make_plan(is_stub=True)
        assert 'name="_new_version"' not in client.get(url_of(plan)).content.decode()
        answer = save(client, url_of(plan), _new_version="")
        [message] = get_messages(answer.wsgi_request)
        assert "Only its ID is known" in str(message)
        assert Plan.objects.count() == 1

    def test_who_may_not_add_plans_makes_none(self) -> None:
        plan = make_plan()
        viewer = signed_in("Viewer")
        assert 'name="_new_version"' not in viewer.get(url_of(plan)).content.decode()
        assert viewer.post(url_of(plan), {"_new_version": ""}).status_code == 403
        assert Plan.objects.count() == 1


class TestRules:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"price_interval": ""}, ["price_interval"]),
            ({"price_interval": "minute"}, ["price_interval"]),
            ({"price_interval_count": "0"}, ["price_interval_count"]),
            ({"free_trial_length": "0", "free_trial_unit": "day"}, ["free_trial_length"]),
            ({"currency": "XXX"}, ["currency"]),
        ],
    )
    def test_of_plans(self, changes: dict[str, str], expected: list[str], client: Client) -> None:
        assert list(errors(save(client, url_of(make_plan()), **changes))) == expected

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"price_amount": "1"}, ["billing_method", "billing_units", "price_interval"]),
            ({"reset_interval": "", "rollover_expiry_unit": "forever"}, ["rollover_expiry_unit"]),
            ({"reset_interval_count": "0"}, ["reset_interval_count"]),
            (
                {
                    "price_tiers": '[{"to": 9, "amount": 1}, {"to": 9, "amount": 2}]',
                    "billing_units": "1",
                    "billing_method": "prepaid",
                    "price_interval": "month",
                },
                ["price_tiers"],
            ),
        ],
    )
    def test_of_items(self, changes: dict[str, str], expected: list[str], client: Client) -> None:
        item = make_plan_item()
        assert list(errors(save(client, url_of(item), **changes))) == expected
        inline = {f"items-0-{name}": value for name, value in changes.items()}
        assert item_errors(save(client, url_of(item.plan), **inline)) == expected

    def test_of_what_is_on_or_off(self, client: Client) -> None:
        item = make_plan_item()
        switch = make_feature(type="boolean")
        answer = save(client, url_of(item), feature=switch.pk)
        assert list(errors(answer)) == ["included", "reset_interval"]
        assert (
            save(client, url_of(item), feature=switch.pk, included="0", reset_interval="").status_code == 302
        )

    def test_what_came_in_broken_can_be_renamed(self, client: Client) -> None:
        plan = make_plan(price_interval="")
        PlanItem.objects.filter(pk=make_plan_item(plan=plan).pk).update(
            rollover_expiry_unit="forever", reset_interval=""
        )
        assert save(client, url_of(plan), name="Old").status_code == 302
        assert errors(save(client, url_of(plan), price_amount="3"))

    def test_of_types(self, client: Client) -> None:
        feature = make_feature()
        balance = make_balance(feature=feature)
        assert list(errors(save(client, url_of(feature), type="boolean"))) == ["type"]
        assert save(client, url_of(feature), name="Calls").status_code == 302
        balance.delete()
        assert save(client, url_of(feature), type="boolean").status_code == 302
        assert Feature.objects.get().type == "boolean"

    def test_of_stubs(self, client: Client) -> None:
        feature = make_feature(is_stub=True)
        make_balance(feature=feature)
        data = form_data(client.get(url_of(feature)), type="credit_system")
        del data["is_stub"]
        assert client.post(url_of(feature), data).status_code == 302
        assert Feature.objects.get().type == "credit_system"

    def test_of_costs(self, client: Client) -> None:
        cost = make_credit_cost()
        switch = make_feature(type="boolean")
        assert list(errors(save(client, url_of(cost), metered_feature=switch.pk))) == ["metered_feature"]
        assert list(errors(save(client, url_of(cost), metered_feature=cost.credit_system.pk))) == [
            "metered_feature"
        ]
        assert list(errors(save(client, url_of(cost), credit_cost="0"))) == ["credit_cost"]
        system = url_of(cost.credit_system)
        answer = save(client, system, **{"credit_costs-0-metered_feature": switch.pk})
        assert item_errors(answer) == ["metered_feature"]

    def test_a_credit_system_and_its_costs_may_be_made_at_once(self, client: Client) -> None:
        metered = make_feature()
        url = reverse("admin:billing_feature_add")
        costs = {
            "credit_costs-TOTAL_FORMS": "1",
            "credit_costs-0-metered_feature": metered.pk,
            "credit_costs-0-credit_cost": "2",
        }
        answer = save(client, url, feature_id="credits", name="Credits", type="metered", **costs)
        assert item_errors(answer) == ["__all__"]
        answer = save(client, url, feature_id="credits", name="Credits", type="credit_system", **costs)
        assert answer.status_code == 302
        assert CreditCost.objects.get().metered_feature == metered

    def test_what_has_costs_stays_a_credit_system(self, client: Client) -> None:
        cost = make_credit_cost()
        url = url_of(cost.credit_system)
        answer = save(client, url, type="metered")
        assert answer.status_code == 200
        assert "Delete the credit costs, or keep the type." in str(answer.context["errors"])
        assert save(client, url, type="metered", **{"credit_costs-0-DELETE": "on"}).status_code == 302
        assert not CreditCost.objects.exists()
