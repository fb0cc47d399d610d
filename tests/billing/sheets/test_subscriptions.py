"""What people do with subscriptions in the admin: asked, previewed without a trace, and done as previewed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse

from billing.formats import money
from billing.models import Grant, Invoice, InvoiceSeries, LedgerEntry, Plan, Posting, Subscription, TrialUsed
from billing.subscriptions import attach_plan, cancel_subscription, change_plan
from customers import clock
from customers.formats import customer_url, page_of
from customers.models import Customer
from customers.sheets import CHANGED, act_url
from tests.admin_forms import form_data
from tests.billing.sheets.acts import lines, toast
from tests.billing.subscriptions.timeline import assert_adds_up, metered, plan_of
from tests.examples import some_cases
from tests.factories import make_customer, make_entity, make_plan, make_subscription, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ANEW = CHANGED


@pytest.fixture
def client() -> Client:
    return signed_in(username="ada")


def signed_in(role: str | None = None, **fields: Any) -> Client:
    client = Client()
    client.force_login(make_user(role, **fields))
    return client


def a_month_for(price: int, **fields: Any) -> dict[str, Any]:
    return {"price_amount": Decimal(price), "price_interval": "month", "group": "main", **fields}


def attached(plan: Plan, **options: Any) -> Subscription:
    subscription = attach_plan(make_customer(), plan, done_by="test", **options).subscription
    assert subscription is not None
    return subscription


def attach_url(customer: Customer) -> str:
    return act_url("attach", customer)


def url_of(subscription: Subscription, name: str) -> str:
    return act_url(name, subscription)


def form_url(subscription: Subscription, name: str = "change") -> str:
    return reverse(f"admin:billing_subscription_{name}", args=[subscription.pk])


def everything() -> list[Any]:
    models = (Subscription, Invoice, InvoiceSeries, Posting, LedgerEntry, Grant, TrialUsed)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def previewed(client: Client, url: str, **fields: Any) -> Any:
    """The page that previews what the form would do with `fields`."""
    before = everything()
    page = client.post(url, form_data(client.get(url), preview="1", **fields))
    assert page.status_code == 200
    assert everything() == before
    return page


def errors(page: Any) -> str:
    """The form's errors, and why the act was refused."""
    return " ".join([page.context["problem"], *map(str, page.context["form"].errors.values())])


def test_a_plan_is_previewed_and_attached(client: Client) -> None:
    customer = make_customer()
    plan = plan_of("pro", (metered("calls"), {"included": 100}), **a_month_for(20))
    page = previewed(client, attach_url(customer), plan=plan.pk, quantity="2")
    shown = lines(page)
    assert page.context["preview"].notes == ("pro v1 is active.",)
    assert shown["calls"] == ("0", "200")
    assert shown["Total"] == ("", "$40.00")
    assert shown["Customer MRR"] == ("$0.00", "$40.00")
    assert page.context["preview"].button == "Attach pro v1 for $40.00"
    answer = client.post(attach_url(customer), form_data(page, confirm="1"))
    assert answer.status_code == 302
    assert answer["Location"] == customer_url(customer.pk)
    subscription = Subscription.objects.get()
    assert (subscription.plan, subscription.quantity) == (plan, 2)
    assert Invoice.objects.get().number.endswith("000001")
    assert set(Posting.objects.values_list("done_by", flat=True)) == {"ada"}
    assert_adds_up()


def test_units_are_asked_for_once_the_plan_is_chosen(client: Client) -> None:
    item = {
        "included": 0,
        "billing_method": "prepaid",
        "price_amount": Decimal(5),
        "price_interval": "month",
        "billing_units": Decimal(250),
    }
    feature = metered("credits")
    plan = plan_of("pro", (feature, item), **a_month_for(20))
    customer, name = make_customer(), f"units-{feature.pk}"
    assert name not in form_data(client.get(attach_url(customer)))
    page = previewed(client, attach_url(customer), plan=plan.pk)
    assert form_data(page)[name] == "0"
    page = client.post(attach_url(customer), form_data(page, **{name: "600", "preview": "1"}))
    assert lines(page)["Total"] == ("", "$35.00")
    client.post(attach_url(customer), form_data(page, confirm="1"))
    subscription = Subscription.objects.get()
    assert subscription.prepaid_quantities == {"credits": "750"}
    # A change shows what is bought so far, and keeps it.
    page = previewed(client, url_of(subscription, "change-plan"), plan=plan.pk, quantity="2")
    assert form_data(page)[name] == "750"
    for bad in ("-1", "NaN", "1e999", "a\0b"):
        wrong = client.post(
            url_of(subscription, "change-plan"), form_data(page, **{name: bad, "preview": "1"})
        )
        assert name in wrong.context["form"].errors, bad


def test_a_plan_may_begin_on_a_day_to_come_without_a_trial_and_for_an_entity(client: Client) -> None:
    customer = make_customer()
    entity = make_entity(customer=customer)
    plan = plan_of("pro", **a_month_for(20, free_trial_length=14, free_trial_unit="day"))
    page = previewed(client, attach_url(customer), plan=plan.pk, starts="2999-01-31", entity=entity.pk)
    client.post(attach_url(customer), form_data(page, confirm="1"))
    scheduled = Subscription.objects.get()
    assert (scheduled.status, scheduled.entity, scheduled.started_at.year) == ("scheduled", entity, 2999)
    page = previewed(client, attach_url(customer), plan=plan.pk)
    assert "The trial ends" in page.context["preview"].notes[1]
    data = form_data(page, preview="1")
    del data["with_trial"]
    page = client.post(attach_url(customer), data)
    assert lines(page)["Total"] == ("", "$20.00")


def test_a_change_is_done_as_it_was_previewed_though_time_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)), at=clock.now() - timedelta(days=10))
    pro = plan_of("pro", **a_month_for(50_000))
    url = url_of(subscription, "change-plan")
    page = previewed(client, url, plan=pro.pk)
    total = lines(page)["Total"][1]
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=5))
    assert client.post(url, form_data(page, confirm="1")).status_code == 302
    assert money(Invoice.objects.latest("number").total, "USD") == total


def test_what_was_previewed_too_long_ago_is_previewed_anew(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)), at=clock.now() - timedelta(days=10))
    pro = plan_of("pro", **a_month_for(50_000))
    url = url_of(subscription, "change-plan")
    page = previewed(client, url, plan=pro.pk)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    before = everything()
    again = client.post(url, form_data(page, confirm="1"))
    assert ANEW in errors(again)
    assert everything() == before
    assert client.post(url, form_data(again, confirm="1")).status_code == 302


def test_what_has_changed_meanwhile_is_previewed_anew(client: Client) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)))
    pro = plan_of("pro", **a_month_for(50))
    url = url_of(subscription, "change-plan")
    page = previewed(client, url, plan=pro.pk)
    pro.price_amount = Decimal(90)
    pro.save()
    before = everything()
    again = client.post(url, form_data(page, confirm="1"))
    assert ANEW in errors(again)
    assert everything() == before
    # As is a form that was changed after its preview.
    assert ANEW in errors(client.post(url, form_data(again, confirm="1", quantity="7")))
    assert everything() == before
    assert client.post(url, form_data(again, confirm="1")).status_code == 302
    assert Subscription.objects.active().get().plan == pro


def test_a_cancellation_is_previewed_done_and_taken_back(client: Client) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)))
    url = url_of(subscription, "cancel")
    page = previewed(client, url)
    assert "basic v1 ends on" in page.context["preview"].notes[0]
    client.post(url, form_data(page, confirm="1"))
    subscription.refresh_from_db()
    assert subscription.expires_at == subscription.current_period_end
    # Nothing has to be asked to take it back: the page is the preview.
    page = client.get(url_of(subscription, "keep"))
    assert page.context["preview"].notes == ("basic v1 continues.",)
    answer = client.post(url_of(subscription, "keep"), form_data(page, confirm="1"))
    assert answer["Location"] == page_of(subscription)
    subscription.refresh_from_db()
    assert subscription.canceled_at is None
    # So does the toast.
    page = previewed(client, url)
    _, undo = toast(client.post(url, form_data(page, confirm="1"), follow=True))
    client.post(undo)
    subscription.refresh_from_db()
    assert subscription.canceled_at is None
    page = previewed(client, url, when="at_once")
    assert toast(client.post(url, form_data(page, confirm="1"), follow=True))[1] == ""
    subscription.refresh_from_db()
    assert subscription.status == "ended"


def test_from_a_customer_the_subscription_is_chosen(client: Client) -> None:
    first = attached(plan_of("basic", **a_month_for(20)), quantity=Decimal(3))
    customer = first.customer
    extra = attach_plan(customer, plan_of("extra", **a_month_for(5, group="x")), done_by="test").subscription
    theirs = make_subscription(customer=customer, plan=make_plan(name="Theirs"), billed_here=False)
    pro = plan_of("pro", **a_month_for(50))
    assert extra is not None
    page = client.get(act_url("change-plan", customer))
    assert page.context["form"].fields["subscription"].choices == [
        (first.pk, "basic v1 \N{MULTIPLICATION SIGN} 3"),
        (extra.pk, "extra v1"),
        (theirs.pk, "Theirs v1 (billed by the billing platform)"),
    ]
    # Three of one plan are not three of another one.
    assert page.context["form"]["quantity"].value() is None
    assert "It is 3 now." in page.content.decode()
    page = previewed(
        client, act_url("change-plan", customer), subscription=extra.pk, plan=pro.pk, quantity="1"
    )
    client.post(act_url("change-plan", customer), form_data(page, confirm="1"))
    assert {str(each.plan) for each in Subscription.objects.active()} == {
        "basic v1",
        "pro v1",
        str(theirs.plan),
    }
    page = client.get(act_url("change-plan", make_customer()), follow=True)
    assert "Attach a plan first." in page.content.decode()


def test_a_trial_is_extended(client: Client) -> None:
    subscription = attached(plan_of("pro", **a_month_for(20, free_trial_length=14, free_trial_unit="day")))
    url = url_of(subscription, "extend-trial")
    for wrong in ("2020-01-01", "9999-12-31", "x", ""):
        assert errors(previewed(client, url, last_day=wrong)), wrong
    page = previewed(client, url, last_day="2998-12-31")
    client.post(url, form_data(page, confirm="1"))
    subscription.refresh_from_db()
    assert subscription.trial_ends_at is not None
    assert subscription.trial_ends_at.isoformat() == "2999-01-01T00:00:00+00:00"


def test_refusals_are_errors_of_the_form_and_of_the_page(client: Client) -> None:
    plan = plan_of("basic", **a_month_for(20))
    subscription = attached(plan)
    page = previewed(client, url_of(subscription, "change-plan"), plan=plan.pk)
    assert "already has" in errors(page)
    assert "The subscription is not canceled." in errors(client.get(url_of(subscription, "keep")))
    bad = plan_of("bad", (metered("calls"), {"billing_method": "prepaid", "price_tiers": [{"to": "x"}]}))
    assert "can't be charged" in errors(previewed(client, attach_url(make_customer()), plan=bad.pk))


@pytest.mark.parametrize(
    ("field", "value"),
    some_cases(
        [
            ("quantity", "0"),
            ("quantity", "NaN"),
            ("quantity", "sNaN"),
            ("quantity", "1e999"),
            ("quantity", "-1"),
            ("quantity", "a\0b"),
            ("plan", "a\0b"),
            ("plan", "nonsense"),
            ("entity", "nonsense"),
            ("starts", "a\0b"),
            ("starts", "2020-01-01"),
            ("starts", "99999-01-01"),
        ],
        one_in=3,
    ),
)
def test_hostile_input_gives_errors(field: str, value: str, client: Client) -> None:
    customer = make_customer()
    make_entity(customer=customer)
    plan = plan_of("pro", **a_month_for(20))
    page = previewed(client, attach_url(customer), **{"plan": plan.pk, field: value})
    assert errors(page).strip()
    assert page.context["preview"] is None


def test_what_belongs_elsewhere_cannot_be_chosen(client: Client) -> None:
    customer = make_customer()
    make_entity(customer=customer)
    plan = plan_of("pro", **a_month_for(20))
    for stranger in (make_plan(env="sandbox"), make_plan(archived=True), make_plan(is_stub=True)):
        assert "plan" in previewed(client, attach_url(customer), plan=stranger.pk).context["form"].errors
    page = previewed(client, attach_url(customer), plan=plan.pk, entity=make_entity().pk)
    assert "entity" in page.context["form"].errors


@pytest.mark.parametrize(
    "hidden", [{"at": "a\0b"}, {"at": "9" * 5000}, {"seen": "a\0b"}, {"at": "2999-01-01"}]
)
def test_what_the_page_remembers_may_be_tampered_with(hidden: dict[str, str], client: Client) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)), at=clock.now() - timedelta(days=3))
    pro = plan_of("pro", **a_month_for(50_000))
    url = url_of(subscription, "change-plan")
    page = previewed(client, url, plan=pro.pk)
    before = everything()
    again = client.post(url, form_data(page, confirm="1", **hidden))
    assert again.status_code in (200, 302)
    if "seen" in hidden:
        assert ANEW in errors(again)
        assert everything() == before


@pytest.mark.parametrize("customer", ["", "nonsense", "cus_01h455vb4pex5vsknk084sn02q"])
def test_nobody_to_attach_a_plan_to_asks_for_a_customer(customer: str, client: Client) -> None:
    url = f"{reverse('admin:billing_subscription_add')}?customer={customer}"
    for page in (client.get(url), client.post(url, {"confirm": "1"})):
        assert page.status_code == 200
        assert 'id="customer_form"' in page.content.decode()


def test_a_merged_customer_gets_no_plans(client: Client) -> None:
    merged = make_customer(merged_into=make_customer())
    assert client.get(attach_url(merged)).status_code == 404


def test_where_nothing_can_be_chosen_the_page_that_cancels_is_the_preview(client: Client) -> None:
    small = plan_of("small", **a_month_for(5))
    scheduled = change_plan(attached(plan_of("basic", **a_month_for(20))), small, done_by="test").subscription
    assert scheduled is not None
    page = client.get(url_of(scheduled, "cancel"))
    assert "small v1" in page.context["preview"].notes[0]
    assert client.post(url_of(scheduled, "cancel"), form_data(page, confirm="1")).status_code == 302
    scheduled.refresh_from_db()
    assert scheduled.status == "ended"


def test_only_what_makes_sense_is_offered(client: Client) -> None:
    def offered(subscription: Subscription) -> set[str]:
        page = client.get(form_url(subscription)).content.decode()
        names = ("change_plan", "cancel", "uncancel", "extend_trial")
        return {name for name in names if f'href="{form_url(subscription, name)}"' in page}

    basic = plan_of("basic", **a_month_for(20))
    active = attached(basic)
    trial = attached(plan_of("trial", **a_month_for(20, free_trial_length=14, free_trial_unit="day")))
    canceled = attached(basic)
    cancel_subscription(canceled, done_by="test")
    downgraded = attached(basic)
    small = plan_of("small", **a_month_for(5))
    scheduled = change_plan(downgraded, small, done_by="test").subscription
    ended = attached(basic)
    cancel_subscription(ended, at_once=True, done_by="test")
    assert scheduled is not None
    assert offered(active) == {"change_plan", "cancel"}
    assert offered(trial) == {"change_plan", "cancel", "extend_trial"}
    assert offered(canceled) == {"change_plan", "cancel", "uncancel"}
    assert offered(scheduled) == {"cancel"}
    assert offered(ended) == set()


def test_who_may_not_change_subscriptions_may_do_none_of_it() -> None:
    client = signed_in("Viewer")
    subscription = attached(plan_of("basic", **a_month_for(20)))
    before = everything()
    for name in ("change-plan", "cancel", "keep", "extend-trial"):
        url = url_of(subscription, name)
        assert client.get(url).status_code == 403
        assert client.post(url, {"confirm": "1"}).status_code == 403
    assert client.get(attach_url(subscription.customer)).status_code == 403
    assert everything() == before
    customer = reverse("admin:customers_customer_change", args=[subscription.customer_id])
    assert "Attach plan" not in client.get(customer).content.decode()
    assert form_url(subscription, "cancel") not in client.get(form_url(subscription)).content.decode()


@pytest.mark.parametrize("role", ["Account manager", "Billing operations"])
def test_who_may_change_subscriptions_attaches_plans_from_the_customers_page(role: str) -> None:
    client = signed_in(role)
    customer = make_customer()
    page = client.get(reverse("admin:customers_customer_change", args=[quote(customer.pk)]))
    url = reverse("admin:customers_customer_attach_a_plan", args=[quote(customer.pk)])
    assert url in page.content.decode()
    assert client.get(url)["Location"] == attach_url(customer)


def test_ids_that_cannot_be_are_not_found(client: Client) -> None:
    for key in ("nonsense", "0", "sub_zzzz"):
        for name in ("change-plan", "cancel", "keep", "extend-trial"):
            assert client.get(act_url(name, key)).status_code == 404


def test_nothing_of_a_subscription_is_edited_by_hand(client: Client) -> None:
    subscription = attached(plan_of("basic", **a_month_for(20)))
    url = form_url(subscription)
    page = client.get(url)
    assert not page.context["adminform"].form.fields.keys() - {"seen_values"}
    before = everything()
    data = form_data(page, status="ended", quantity="7", current_period_end_0="2999-01-01", past_due="on")
    assert client.post(url, data).status_code == 302
    assert everything() == before


def test_the_next_invoice_is_shown(client: Client) -> None:
    subscription = attached(plan_of("basic", **a_month_for(42)))
    before = everything()
    text = client.get(form_url(subscription)).content.decode()
    assert "$42.00 on" in text
    assert "with 1 line" in text
    assert everything() == before
