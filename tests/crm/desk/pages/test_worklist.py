"""The page of the worklist."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from crm.desk.worklist.rules import RULES
from crm.models import WorklistDecision, WorklistEntry, WorklistReason
from customers.models import Customer
from tests.desk import refresh_all_facts
from tests.factories import (
    MOMENT,
    make_customer,
    make_desk_refresh,
    make_relationship,
    make_subscription,
    make_team,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGE = "/admin/worklist/"
XSS = "<script>alert(1)</script>"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def waits(
    user: User | None, weight: int = 50, words: str = "Pro is past due", **fields: Any
) -> WorklistReason:
    """An account that waits for somebody, for one reason."""
    customer = make_customer(**fields)
    entry = make_worklist_entry(customer=customer, person=user, weight=weight, heaviest=weight)
    return make_worklist_reason(entry=entry, weight=weight, words=words, link="/admin/")


def names(client: Client, query: str = "") -> list[str]:
    """The accounts on the page, in order."""
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return [str(row.entry.customer) for row, _, _ in response.context["accounts"]]


def test_a_reason_opens_the_act_that_settles_it_for_those_who_may() -> None:
    reason = waits(None, words="invoice INV-1 18 days past due")
    reason.rule, reason.act, reason.link = "invoice_overdue", "record-payment:inv_1", "/admin/invoice/inv_1/"
    reason.save()
    for role, step in (
        (None, ("Record payment", "/admin/act/record-payment/inv_1/", True)),
        ("Viewer", ("View invoice", "/admin/invoice/inv_1/", False)),
    ):
        page = signed_in(make_user(role)).get(f"{PAGE}?scope=all")
        ((_, _, found, _),) = page.context["pane"].reasons
        assert (found.label, found.url, found.is_sheet) == step


def test_whose_accounts_and_in_which_order() -> None:
    ada, ben, cy = make_user(), make_user(), make_user()
    make_team(members=[ada, ben])
    waits(ada, 20, name="Ada's lesser")
    waits(ada, 70, name="Ada's first")
    waits(ben, 50, name="Ben's")
    waits(cy, 90, name="Cy's")
    waits(None, 10, name="Nobody's")
    make_worklist_entry(person=ada, weight=0)
    client = signed_in(ada)
    assert names(client) == ["Ada's first", "Ada's lesser"]
    assert names(client, "scope=team") == ["Ada's first", "Ben's", "Ada's lesser"]
    assert names(client, "scope=all") == ["Cy's", "Ada's first", "Ben's", "Ada's lesser", "Nobody's"]
    assert names(client, "scope=nonsense&page=nonsense") == ["Ada's first", "Ada's lesser"]


def test_a_rule_narrows_it() -> None:
    user = make_user()
    waits(user, name="Late")
    trial = waits(user, name="Trying")
    make_worklist_reason(entry=trial.entry, rule="trial_ending", words="trial ends Friday")
    client = signed_in(user)
    assert names(client, "rule=trial_ending") == ["Trying"]
    assert names(client, "rule=nonsense") == ["Late", "Trying"]
    page = client.get(f"{PAGE}?rule=trial_ending").content.decode()
    assert RULES["trial_ending"].description in page
    assert "Trial ends Friday" in page


def test_the_pages_and_what_an_account_shows() -> None:
    user = make_user()
    last = [waits(user, 100 - number, name=f"Account {number:02}") for number in range(26)][-1]
    make_subscription(customer=last.entry.customer)
    refresh_all_facts()
    make_desk_refresh(name="worklist")
    client = signed_in(user)
    assert len(names(client)) == 25
    assert names(client, "page=2") == ["Account 25"]
    page = client.get(f"{PAGE}?page=2").content.decode()
    assert "$20.00" in page
    assert "Updated <time" in page


def test_it_takes_as_many_queries_for_many_accounts_as_for_one() -> None:
    user = make_user()
    client = signed_in(user)
    counts = []
    for more in (1, 6):
        for _ in range(more):
            reason = waits(user)
            make_worklist_reason(entry=reason.entry)
            make_subscription(customer=reason.entry.customer)
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            client.get(f"{PAGE}?scope=all")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12


@pytest.mark.parametrize("decision", ["done", "not_relevant", "snoozed"])
def test_a_decision_takes_a_reason_off_the_page(decision: str) -> None:
    user = make_user("Account manager")
    reason = waits(user)
    make_worklist_reason(entry=reason.entry, words="trial ends Friday")
    client = signed_in(user)
    day = localdate() + timedelta(days=3)
    answer = client.post(
        f"{PAGE}?scope=all&page=1",
        {"reason": str(reason.pk), "decision": decision, "until": day.isoformat()},
        follow=True,
    )
    assert answer.redirect_chain == [(f"{PAGE}?scope=all&page=1", 302)]
    words = [each.words for row, _, _ in answer.context["accounts"] for each in row.reasons]
    assert words == ["trial ends Friday"]
    written = WorklistDecision.objects.get()
    assert (written.decision, written.decided_by) == (decision, user)
    assert (written.until is not None) == (decision == "snoozed")
    assert "Pro is past due" in str(next(iter(answer.context["messages"])))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decision": "perhaps"}, "Choose done, snooze or dismiss"),
        ({"reason": "nonsense"}, "isn't on the worklist"),
        ({"reason": "wlr_01h455vb4pex5vsknk084sn02q"}, "no longer on the worklist"),
        ({"decision": "snoozed", "until": ""}, "a future day"),
        ({"decision": "snoozed", "until": "2020-01-01"}, "a future day"),
        ({"decision": "snoozed", "until": "2026-02-31"}, "a future day"),
        ({"decision": "snoozed", "until": "9999-01-01"}, "a future day"),
    ],
)
def test_what_cannot_be_decided_is_told(changes: dict[str, str], said: str) -> None:
    user = make_user()
    reason = waits(user)
    answer = signed_in(user).post(
        PAGE, {"reason": str(reason.pk), "decision": "done", **changes}, follow=True
    )
    assert said in str(next(iter(answer.context["messages"])))
    assert not WorklistDecision.objects.exists()
    assert WorklistEntry.objects.get().weight == 50


def test_who_may_see_and_who_may_decide() -> None:
    reason = waits(None)
    asked = {"reason": str(reason.pk), "decision": "done"}
    for role, may_decide in (
        ("Viewer", False),
        ("Billing operations", False),
        ("Account manager", True),
        ("Administrator", True),
    ):
        client = signed_in(make_user(role))
        page = client.get(f"{PAGE}?scope=all")
        assert page.status_code == 200
        assert ("Mark done" in page.content.decode()) == may_decide
        if not may_decide:
            assert client.post(PAGE, asked).status_code == 403
    outsider = make_user("Viewer")
    outsider.groups.clear()
    assert signed_in(outsider).get(PAGE).status_code == 403
    assert signed_in(outsider).post(PAGE, asked).status_code == 403
    assert Client().get(PAGE).status_code == 302


def test_nobody_is_told_what_they_may_not_see() -> None:
    group = Group.objects.create(name="Guests")
    group.permissions.set(Permission.objects.filter(codename__in=["view_customer", "view_worklistentry"]))
    guest = make_user("Guests")
    reason = waits(guest, words="Pro is past due")
    make_worklist_reason(entry=reason.entry, rule="unowned", words="no account manager")
    page = signed_in(guest).get(PAGE).content.decode()
    assert "No account manager" in page
    assert "past due" not in page


def test_it_says_when_there_is_nothing() -> None:
    client = signed_in(make_user())
    assert "No worklist yet" in client.get(PAGE).content.decode()
    make_desk_refresh(name="worklist", finished_at=MOMENT)
    assert "You're all caught up." in client.get(PAGE).content.decode()


def test_what_customers_are_called_runs_nothing() -> None:
    user = make_user()
    waits(user, words=f"invoice {XSS}", name=XSS)
    page = signed_in(user).get(PAGE).content.decode()
    assert XSS not in page
    assert len(re.findall("&lt;script&gt;", page)) >= 2


def test_an_account_is_one_row_for_several_people_with_its_worst_reason_first() -> None:
    ada, ben = make_user(), make_user()
    mine = waits(ada, 20, name="Shared")
    theirs = make_worklist_entry(customer=mine.entry.customer, person=ben, weight=60, heaviest=60)
    make_worklist_reason(entry=theirs, weight=60, rule="trial_ending", words="trial ends Friday")
    refresh_all_facts()
    response = signed_in(ada).get(f"{PAGE}?scope=all")
    ((row, _, _),) = response.context["accounts"]
    assert (row.reason.words, row.more, row.color) == ("trial ends Friday", 1, "bad")
    pane = response.context["pane"]
    assert [reason.words for reason, *_ in pane.reasons] == ["trial ends Friday", "Pro is past due"]
    assert names(signed_in(ada)) == ["Shared"]


def test_many_accounts_are_decided_at_once_and_undone_as_one() -> None:
    user = make_user("Account manager")
    reasons = [waits(user, words=f"reason {number}") for number in range(3)]
    client = signed_in(user)
    two = [str(reason.entry.customer_id) for reason in reasons[:2]]
    tomorrow = (localdate() + timedelta(days=1)).isoformat()
    for posted, said in (
        ({"one": f"done:{two[0]}"}, "Marked done: "),
        ({"all": tomorrow, "account": two}, "Snoozed until "),
        ({"all": "day", "day": tomorrow, "account": two}, "Snoozed until "),
        ({"one": f"not_relevant:{two[1]}"}, "Dismissed: "),
    ):
        answer = client.post(PAGE, posted, follow=True)
        (message,) = answer.context["messages"]
        assert str(message).startswith(said)
        decided = WorklistDecision.objects.count()
        assert decided == len(posted.get("account", ["one"]))
        assert len(answer.context["accounts"]) == 3 - decided
        undo = message.extra_tags.removeprefix("undo:")
        # Only who decided can undo it here.
        signed_in(make_user("Account manager")).post(undo)
        assert WorklistDecision.objects.count() == decided
        client.post(undo, follow=True)
        assert not WorklistDecision.objects.exists()
        # The rules don't find the reasons of this test, so they don't come back by themselves.
        WorklistEntry.objects.all().delete()
        for reason in reasons:
            entry = make_worklist_entry(customer=reason.entry.customer, person=user, weight=50, heaviest=50)
            make_worklist_reason(entry=entry, weight=50)
    for posted, said in (
        ({"all": "done"}, "Select accounts"),
        ({"all": "perhaps", "account": two}, "Choose done"),
        ({"all": "day", "day": "2020-01-01", "account": two}, "a future day"),
        ({"one": "done:cus_01h455vb4pex5vsknk084sn02q"}, "no longer on the worklist"),
    ):
        answer = client.post(PAGE, posted, follow=True)
        assert said in str(next(iter(answer.context["messages"])))
    assert not WorklistDecision.objects.exists()


def test_selected_accounts_are_assigned() -> None:
    user, other = make_user("Account manager"), make_user("Account manager")
    customer = waits(user).entry.customer
    posted = {"all": "assign", "account": [str(customer.pk)]}
    client = signed_in(user)
    client.post(PAGE, posted)
    assert not hasattr(Customer.objects.get(pk=customer.pk), "relationship")
    client.post(PAGE, posted | {"owner": str(other.pk)})
    assert Customer.objects.get(pk=customer.pk).relationship.owner == other


def test_what_was_decided_is_listed_and_undone_one_by_one() -> None:
    user = make_user("Account manager")
    make_relationship(customer=(customer := waits(user).entry.customer), owner=user)
    client = signed_in(user)
    client.post(PAGE, {"all": "2099-01-01", "account": [str(customer.pk)]})
    day = (localdate() + timedelta(days=9)).isoformat()
    client.post(PAGE, {"one": f"{day}:{customer.pk}"})
    snoozed = client.get(f"{PAGE}?view=snoozed")
    assert [row.reason.words for row, _, _ in snoozed.context["accounts"]] == ["Pro is past due"]
    history = client.get(f"{PAGE}?view=history")
    ((decision, _, words),) = history.context["decisions"]
    assert words.startswith("Snoozed until ")
    client.post(f"{PAGE}?view=history", {"decided": str(decision.pk)})
    assert not WorklistDecision.objects.exists()
