"""A user sees where they are signed in, and ends sessions elsewhere."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client

from config.sessions import device_of
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)


def signed_in(user: User, agent: str) -> Client:
    client = Client(headers={"user-agent": agent})
    done = client.post("/accounts/login/", {"login": user.username, "password": "correct horse 1"})
    assert done.status_code == 302
    return client


def test_the_owner_ends_other_sessions_and_keeps_this_one() -> None:
    user, stranger = make_user(password="correct horse 1"), make_user(password="correct horse 1")
    here, phone, third = signed_in(user, FIREFOX), signed_in(user, SAFARI), signed_in(user, SAFARI)
    elsewhere = signed_in(stranger, FIREFOX)
    page = here.get("/admin/sessions/").content.decode()
    assert page.index("Firefox on Windows") < page.index("Safari on iPhone")
    assert (page.count("Safari on iPhone</span>"), page.count("This session")) == (2, 1)
    foreign = UserSession.objects.get(user=stranger)
    here.post("/admin/sessions/", {"session": str(foreign.pk)})
    assert elsewhere.get("/admin/").status_code == 200
    key = UserSession.objects.filter(user=user).order_by("pk")[1].pk
    assert (
        "Ended 1 session."
        in here.post("/admin/sessions/", {"session": str(key)}, follow=True).content.decode()
    )
    assert [client.get("/admin/").status_code for client in (here, phone, third)] == [200, 302, 200]
    here.post("/admin/sessions/", {})
    assert [client.get("/admin/").status_code for client in (here, third, elsewhere)] == [200, 302, 200]


def test_a_session_from_before_is_there(client: Client) -> None:
    client.force_login(make_user())
    assert "This session" in client.get("/admin/sessions/").content.decode()


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_the_device_in_words(agent: str, device: str) -> None:
    assert device_of(agent) == device
