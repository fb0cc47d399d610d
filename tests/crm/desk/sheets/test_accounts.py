"""Assigning an account, which a toast undoes, and adding a task."""

from __future__ import annotations

from datetime import date

import pytest

from crm.models import Merge, Relationship, Task
from customers.formats import customer_url
from customers.models import Customer
from customers.sheets import CHANGED, act_url
from tests.billing.sheets.acts import confirm, lines, preview, problem, signed_in, toast
from tests.factories import make_custom_field, make_customer, make_relationship, make_subscription, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_an_account_is_assigned_and_given_back() -> None:
    client, customer = signed_in(), make_customer()
    bea, max_ = make_user(username="bea"), make_user(username="max")
    make_relationship(customer=customer, owner=bea)
    page = client.get(act_url("assign", customer))
    assert page.context["form"]["owner"].value() is None
    assert problem(preview(client, "assign", customer, owner=str(bea.pk))).startswith(
        "Choose another person."
    )
    shown = preview(client, "assign", customer, owner=str(max_.pk))
    assert lines(shown) == {"Account manager": ("bea", "max")}
    message, undo = toast(confirm(client, shown))
    assert message == "Assigned the account to max."
    assert Relationship.objects.get().owner == max_
    # What was previewed was another state.
    assert problem(confirm(client, shown)) in (
        CHANGED,
        "Choose another person. max already manages this account.",
    )
    client.post(undo)
    assert Relationship.objects.get().owner == bea
    client.post(undo.partition("?")[0])
    assert Relationship.objects.get().owner is None


def test_a_task_is_added_without_a_second_look() -> None:
    client, customer = signed_in(), make_customer()
    max_ = make_user(username="max")
    page = preview(client, "add-task", customer, title="Call", owner=str(max_.pk), due_on="2999-12-31")
    assert page.context["preview"].button == "Add task for max"
    done = confirm(client, page, title="Call them")
    assert done.redirect_chain == [(customer_url(customer.pk), 302)]
    assert toast(done)[0] == "Added the task for max."
    task = Task.objects.get()
    assert (task.title, task.owner, task.due_on) == ("Call them", max_, date(2999, 12, 31))


def test_two_customers_are_merged_and_parted_again() -> None:
    client, kept, gone = signed_in(), make_customer(name="Ash Ltd"), make_customer(name="Birch Ltd")
    make_custom_field(customer=kept)
    make_subscription(customer=kept)
    make_subscription(customer=gone)
    Customer.objects.filter(pk=gone.pk).update(phone="+15550100")
    shown = preview(client, "merge", gone, other="Ash Ltd", stays="other", reason="Same firm")
    made = shown.context["preview"]
    assert made.button == "Merge Birch Ltd into Ash Ltd"
    assert lines(shown)["Phone"] == ("None", "+15550100")
    assert lines(shown)["Subscriptions"] == ("1", "2")
    # The other one is found, so nothing is written before the button is pressed.
    assert not Merge.objects.exists()
    done = confirm(client, shown)
    assert done.redirect_chain == [(customer_url(kept.pk), 302)]
    message, undo = toast(done)
    assert message == "Merged Birch Ltd into Ash Ltd."
    assert (Merge.objects.get().survivor, Merge.objects.get().reason) == (kept, "Same firm")
    client.post(undo)
    assert not Customer.objects.exclude(merged_into=None).exists()


def test_what_cannot_be_merged_is_refused_in_words() -> None:
    client, customer = signed_in(), make_customer(name="Ash Ltd")
    make_customer(name="Ash One", email="one@example.com")
    make_customer(name="Ash Two", email="two@example.com")
    for term, start in (
        (str(customer.pk), "Enter another customer. Ash Ltd is this one."),
        ("Nobody at all", "No customer is found by “Nobody at all”."),
        ("Ash", "“Ash” finds several customers: "),
    ):
        refused = problem(preview(client, "merge", customer, other=term, stays="complete"))
        assert refused.startswith(start), refused


def test_a_merge_is_confirmed_as_it_was_previewed() -> None:
    client, kept, gone = signed_in(), make_customer(name="Ash Ltd"), make_customer(name="Birch Ltd")
    shown = preview(client, "merge", kept, other=str(gone.pk), stays="this")
    make_subscription(customer=gone)
    assert problem(confirm(client, shown)) == CHANGED
    assert not Merge.objects.exists()


def test_a_viewer_does_neither() -> None:
    client, customer = signed_in("Viewer"), make_customer()
    for act in ("assign", "add-task", "merge"):
        assert client.get(act_url(act, customer)).status_code == 403
    assert client.post(f"/admin/undo/assign/{customer.pk}/").status_code == 403


def test_yesterdays_call_is_logged_in_a_sheet() -> None:
    client, customer = signed_in(), make_customer()
    page = client.get(act_url("log-contact", customer))
    suggested = page.context["suggestion"]
    assert suggested.button == "Yesterday"
    shown = preview(client, "log-contact", customer, happened_on=suggested.value, follow_up="Send the offer")
    assert shown.context["preview"].button == "Log call"
    assert toast(confirm(client, shown))[0] == "Logged the call and added the task."
    activity = customer.activities.get()
    assert str(activity.happened_at.astimezone().date()) == suggested.value
    assert str(activity.follow_up) == "Send the offer"
    refused = preview(client, "log-contact", customer, happened_on="2999-12-31")
    assert refused.context["form"].errors == {
        "happened_on": ["Choose today or an earlier day. Add a task for what is planned."]
    }


def test_a_custom_field_is_edited_as_its_type_has_it() -> None:
    client = signed_in()
    text = make_custom_field(string_value="Gold", display_label="Tier")
    flag = make_custom_field(string_value=None, boolean_value=False, display_label="Reference")
    shown = preview(client, "edit-field", text, value="Silver")
    assert lines(shown) == {"Tier": ("Gold", "Silver")}
    assert toast(confirm(client, shown))[0] == "Set Tier to Silver."
    assert (
        toast(confirm(client, preview(client, "edit-field", flag, value="yes")))[0] == "Set Reference to Yes."
    )
    flag.refresh_from_db()
    assert (flag.boolean_value, flag.string_value) == (True, None)
    # Nobody has typed anything yet, so nothing is wrong.
    opened = client.get(act_url("edit-field", text))
    assert (problem(opened), opened.context["preview"].button) == ("", "Save Tier")
    # What a browser makes of the ends of lines is no change.
    make_long = make_custom_field(string_value="One\nTwo", display_label="Plan", key="plan")
    same = preview(client, "edit-field", make_long, value="One\r\nTwo")
    assert problem(same) == "Enter another value. This one is saved already."
    message = toast(confirm(client, preview(client, "edit-field", make_long, value="x" * 20_000)))[0]
    assert message == f"Set Plan to {'x' * 99}…."
    cleared = preview(client, "edit-field", make_long, value="")
    assert lines(cleared) == {"Plan": (f"{'x' * 99}…", "None")}
    assert toast(confirm(client, cleared))[0] == "Cleared Plan."
    make_long.refresh_from_db()
    assert make_long.string_value == ""
    url = act_url("edit-field", text)
    details = f"/admin/customer/{text.customer_id}/details/"
    assert url in client.get(details).content.decode()
    viewer = signed_in("Viewer")
    assert (viewer.get(url).status_code, url in viewer.get(details).content.decode()) == (403, False)
