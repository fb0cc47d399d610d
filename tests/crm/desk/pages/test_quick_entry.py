"""What people do on a customer's page: log a call, write a note, add and complete tasks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localdate

from crm.contacts import last_contacts
from crm.dedupe.merges.merge import merge
from crm.models import Activity, CustomerTag, Mention, Note, Tag, Task
from crm.notes import write_note
from customers import clock
from tests.factories import (
    make_activity,
    make_contact,
    make_customer,
    make_customer_tag,
    make_note,
    make_person,
    make_tag,
    make_task,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def user() -> User:
    return make_user("Account manager", username="ada")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, name: str, *arguments: Any, **data: Any) -> str:
    """Send a form; answer what the next page will say."""
    response = client.post(reverse(name, args=arguments), data)
    assert response.status_code == 302
    said = [str(message) for message in get_messages(response.wsgi_request)]
    client.cookies.pop("messages", None)
    return " ".join(said)


def test_the_page_says_what_was_done(client: Client) -> None:
    customer = make_customer()
    log = reverse("desk-log", args=[customer.pk])
    response = client.post(log, {"kind": "call", "summary": "All well."}, follow=True)
    assert response.redirect_chain == [(f"{reverse('desk-customer', args=[customer.pk])}", 302)]
    assert "Logged the call." in response.content.decode()


def test_a_call_is_logged_with_whom_and_by_whom(client: Client, user: User) -> None:
    customer = make_customer()
    person = make_contact(customer=customer, person=make_person()).person
    said = post(client, "desk-log", customer.pk, kind="call", summary="All well.", person=person.pk)
    activity = Activity.objects.get()
    assert said == "Logged the call."
    assert (activity.customer, activity.kind, activity.summary) == (customer, "call", "All well.")
    assert (activity.person, activity.logged_by) == (person, user)


def test_a_customer_is_tagged_and_a_tag_taken_off(client: Client, user: User) -> None:
    customer = make_customer()
    make_tag(name="Pilot 2026")
    post(client, "desk-tag", customer.pk, add="pilot  2026, key account,")
    given = CustomerTag.objects.filter(customer=customer, given_by=user)
    assert sorted(each.tag.name for each in given) == ["Pilot 2026", "key account"]
    page = client.get(reverse("desk-customer", args=[customer.pk])).content.decode()
    assert f'href="{reverse("desk-customers")}?tag=Pilot+2026"' in page
    gone = Tag.objects.get(name="Pilot 2026")
    assert post(client, "desk-tag-remove", customer.pk, gone.pk) == "Removed the tag “Pilot 2026”."
    assert post(client, "desk-tag-remove", customer.pk, gone.pk) == ""
    assert [each.tag.name for each in CustomerTag.objects.all()] == ["key account"]


def test_a_tag_that_came_with_a_merged_customer_is_shown_once(client: Client) -> None:
    survivor, other = make_customer(), make_customer()
    for customer in (survivor, other):
        make_customer_tag(customer=customer, tag=Tag.objects.get_or_create(name="pilot")[0])
    merge(str(survivor.pk), [str(other.pk)], by=None)
    page = client.get(reverse("desk-customer", args=[survivor.pk])).content.decode()
    assert page.count("Remove tag pilot") == 1
    assert post(client, "desk-tag-remove", survivor.pk, Tag.objects.get().pk) == "Removed the tag “pilot”."
    assert not CustomerTag.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("", "Tags: This field is required."),
        (" , ,", "Tags: This field is required."),
        ("x" * 51, "Tags: Enter at most 10 tags of at most 50 characters."),
        (",".join("abcdefghijk"), "Tags: Enter at most 10 tags of at most 50 characters."),
        ("a\0b", "Tags: Null characters are not allowed."),
    ],
)
def test_tags_that_cannot_be_are_refused(client: Client, sent: str, words: str) -> None:
    assert post(client, "desk-tag", make_customer().pk, add=sent) == words
    assert not Tag.objects.exists()


def test_who_may_not_tag_is_not_offered_it() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    marked = make_customer_tag(tag=make_tag(name="pilot"))
    page = viewer.get(reverse("desk-customer", args=[marked.customer.pk])).content.decode()
    assert "?tag=pilot" in page
    assert "Remove tag" not in page
    assert "Add a tag" not in page
    assert viewer.post(reverse("desk-tag", args=[marked.customer.pk]), {"add": "x"}).status_code == 403
    take = reverse("desk-tag-remove", args=[marked.customer.pk, marked.tag.pk])
    assert viewer.post(take).status_code == 403


def test_yesterdays_call_with_its_outcome_and_a_follow_up(client: Client, user: User) -> None:
    customer = make_customer()
    yesterday = localdate(clock.now()) - timedelta(days=1)
    fields = {
        "kind": "call",
        "duration_minutes": "25",
        "outcome": "message",
        "summary": "They call back.",
        "follow_up": "Call again",
        "follow_up_on": (yesterday + timedelta(days=3)).isoformat(),
    }
    assert (
        post(client, "desk-log", customer.pk, **fields, yesterday="1")
        == "Logged the call and added the task."
    )
    (activity,) = Activity.objects.all()
    assert (localdate(activity.happened_at), activity.result) == (yesterday, "25 min, left a message")
    task = Task.objects.get()
    assert (activity.follow_up, task.title, task.owner) == (task, "Call again", user)
    page = client.get(reverse("desk-timeline", args=[customer.pk])).content.decode()
    assert "25 min, left a message" in page
    assert "Follow-up: Call again" in page
    for wrong, said in (
        ({"happened_on": "2999-01-01"}, "Date: Choose today or an earlier day."),
        ({"duration_minutes": "0"}, "Minutes: "),
        ({"outcome": "won"}, "Outcome: "),
        ({"follow_up": ""}, "Follow-up task: Say what is due then."),
    ):
        assert post(client, "desk-log", customer.pk, **fields | wrong).startswith(said)
    assert Activity.objects.count() == 1


def test_somebody_elses_contact_is_refused(client: Client) -> None:
    stranger = make_contact().person
    said = post(client, "desk-log", make_customer().pk, kind="call", person=stranger.pk)
    assert said.startswith("With: Select a valid choice.")
    assert not Activity.objects.exists()


def test_a_note_tells_the_colleagues_whom_it_names(client: Client, user: User) -> None:
    max_, gone = make_user(username="max"), make_user(username="gone", is_active=False)
    make_user(username="ben")
    customer = make_customer()
    body = "@Max, look at this. Not ada@max, not @nobody, not @gone, not `@ben`, and @ada knows."
    said = post(client, "desk-note", customer.pk, body=body)
    assert said == "Added the note and notified max."
    assert [mention.user for mention in Mention.objects.all()] == [max_]
    assert not Mention.objects.filter(user__in=[gone, user]).exists()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("see https://example.com/@max for more", False),
        ("<https://example.com/@max>", False),
        ("[their page](https://example.com/@max)", False),
        ("\uff20max, look", True),
        ("@zoe\u0308, look", True),
    ],
)
def test_a_name_in_an_address_is_no_mention_and_any_spelling_is_one(body: str, named: bool) -> None:
    make_user(username="max"), make_user(username="zo\u00eb")
    assert write_note(make_customer(), body, by=make_user()).mentions.exists() == named


def test_who_opens_the_page_has_seen_it(client: Client, user: User) -> None:
    customer = make_customer()
    write_note(customer, "@ada please", by=make_user())
    write_note(make_customer(), "@ada elsewhere", by=make_user())
    assert Mention.objects.unseen().of(user).count() == 2
    client.get(reverse("desk-customer", args=[customer.pk]))
    assert [mention.note.body for mention in Mention.objects.unseen().of(user)] == ["@ada elsewhere"]


def test_a_note_becomes_the_summary_in_place_of_the_one_before(client: Client) -> None:
    customer = make_customer()
    before, after = make_note(customer=customer, is_summary=True), make_note(customer=customer)
    post(client, "desk-note-change", after.pk, "summary")
    assert [note.pk for note in Note.objects.filter(is_summary=True)] == [after.pk]
    assert before.history.count() == 2


def test_pinned_notes_stand_above_the_activity_that_has_all_of_them(client: Client) -> None:
    customer = make_customer()
    old = make_note(customer=customer, body="The old one", created_at=clock.now() - timedelta(days=300))
    make_note(customer=customer, body="The new one")
    page, latest = reverse("desk-customer", args=[customer.pk]), reverse("desk-latest", args=[customer.pk])
    feed = client.get(latest).content.decode()
    assert feed.index("The new one") < feed.index("The old one")
    pin = reverse("desk-note-change", args=[old.pk, "pin"])
    assert f'action="{pin}"' in feed
    client.post(pin)
    shown = client.get(page).content.decode()
    assert "The old one" in shown
    assert "The new one" not in shown
    post(client, "desk-note-change", old.pk, "unpin")
    assert "The old one" not in client.get(page).content.decode()


def test_a_task_is_for_whoever_adds_it_unless_it_is_somebody_elses(client: Client, user: User) -> None:
    customer, colleague = make_customer(), make_user("Account manager")
    post(client, "desk-task", customer.pk, title="Call back", due_on="2026-12-01")
    post(client, "desk-task", customer.pk, title="Send the offer", owner=colleague.pk)
    found = {task.title: (task.owner, task.due_on, task.created_by) for task in Task.objects.all()}
    assert found == {
        "Call back": (user, date(2026, 12, 1), user),
        "Send the offer": (colleague, None, user),
    }


def test_a_task_without_a_title_is_refused_with_what_is_missing(client: Client) -> None:
    assert post(client, "desk-task", make_customer().pk, title=" ").startswith("Task: ")
    assert not Task.objects.exists()


def test_a_task_is_done_once_and_opened_again(client: Client, user: User) -> None:
    task = make_task(title="Call back")
    assert post(client, "desk-task-change", task.pk, "done") == "Completed “Call back”."
    assert post(client, "desk-task-change", task.pk, "done") == ""
    task.refresh_from_db()
    assert (task.done_by, task.done_at is not None) == (user, True)
    assert post(client, "desk-task-change", task.pk, "reopen") == "Reopened “Call back”."
    assert Task.objects.open().get() == task


def test_tasks_that_are_due_come_first_and_late_ones_say_so(client: Client) -> None:
    customer = make_customer()
    today = clock.now().date()
    make_task(customer=customer, title="Some day")
    make_task(customer=customer, title="Tomorrow", due_on=today + timedelta(days=1))
    make_task(customer=customer, title="Yesterday", due_on=today - timedelta(days=2))
    make_task(customer=customer, title="Was done", done_at=clock.now())
    page = client.get(reverse("desk-customer", args=[customer.pk])).content.decode()
    assert page.index("Yesterday") < page.index("Tomorrow") < page.index("Some day")
    assert "Was done" not in page.partition('id="section-timeline"')[0]
    assert page.count("Past due") == 1


def test_last_contact_is_the_latest_of_calls_and_written_notes() -> None:
    now = clock.now()
    called, noted, generated, silent = (make_customer() for _ in range(4))
    make_activity(customer=called, happened_at=now - timedelta(days=3))
    make_note(customer=called, created_at=now - timedelta(days=9))
    make_note(customer=noted, created_at=now - timedelta(days=5))
    make_note(customer=generated, origin="generated")
    make_activity(customer=silent, happened_at=now + timedelta(days=2))
    found = last_contacts([str(each.pk) for each in (called, noted, generated, silent)])
    assert found == {
        str(called.pk): now - timedelta(days=3),
        str(noted.pk): now - timedelta(days=5),
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [("desk-log", {"kind": "call"}), ("desk-note", {"body": "x"}), ("desk-task", {"title": "x"})],
)
def test_who_may_only_look_writes_nothing(name: str, data: dict[str, str]) -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    customer = make_customer()
    url = reverse(name, args=[customer.pk])
    assert viewer.post(url, data).status_code == 403
    assert viewer.get(url).status_code == 405
    page = viewer.get(reverse("desk-customer", args=[customer.pk])).content.decode()
    assert "data-desk-key" not in page


@pytest.mark.parametrize("name", ["desk-log", "desk-note", "desk-task"])
def test_nothing_is_written_for_a_customer_that_is_not_there(client: Client, name: str) -> None:
    merged = make_customer(merged_into=make_customer())
    for key in ("nobody", str(merged.pk)):
        assert client.post(reverse(name, args=[key]), {"body": "x", "title": "x"}).status_code == 404


def test_a_task_is_handed_over_to_a_colleague(client: Client, user: User) -> None:
    eve = make_user(username="eve")
    task = make_task(title="Call back", owner=user)
    page = client.get(reverse("desk-customer", args=[task.customer_id])).content.decode()
    assert f'<option value="{eve.pk}">eve</option>' in page
    assert (
        post(client, "desk-task-change", task.pk, "hand-over", owner=eve.pk)
        == "Reassigned “Call back” to eve."
    )
    task.refresh_from_db()
    assert task.owner == eve
    again = post(client, "desk-task-change", task.pk, "hand-over", owner=eve.pk)
    assert again == "Couldn't reassign the task. It's done, or eve already has it."


@pytest.mark.parametrize("owner", ["", "nobody", "0", "9" * 30, "²"])
def test_a_task_is_handed_over_to_nobody_else(client: Client, owner: str) -> None:
    task = make_task()
    said = post(client, "desk-task-change", task.pk, "hand-over", owner=owner)
    assert said == "Couldn't reassign the task. Choose a person."
