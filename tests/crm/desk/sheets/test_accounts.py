"""Assigning an account, which a toast undoes, and adding a task."""

from __future__ import annotations

from datetime import date

import pytest

from crm.models import Relationship, Task
from customers.formats import customer_url
from customers.sheets import CHANGED, act_url
from tests.billing.sheets.acts import confirm, lines, preview, problem, signed_in, toast
from tests.factories import make_custom_field, make_customer, make_relationship, make_user

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


def test_a_viewer_does_neither() -> None:
    client, customer = signed_in("Viewer"), make_customer()
    for act in ("assign", "add-task"):
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
    url = act_url("edit-field", text)
    details = f"/admin/customer/{text.customer_id}/details/"
    assert url in client.get(details).content.decode()
    viewer = signed_in("Viewer")
    assert (viewer.get(url).status_code, url in viewer.get(details).content.decode()) == (403, False)
