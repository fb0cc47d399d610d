"""The version is shown to people who are signed in, and by a command."""

import pytest
from django.test import Client

from config.command_line import run_command_line
from config.version import VERSION
from tests.factories import make_user


def test_the_command_prints_the_version_alone(capsys: pytest.CaptureFixture[str]) -> None:
    run_command_line(["manage.py", "version"])
    assert capsys.readouterr().out == f"{VERSION}\n"


@pytest.mark.once
@pytest.mark.django_db
def test_the_footer_shows_the_version_to_staff_only(client: Client) -> None:
    footer = f"Clientele {VERSION}</footer>"
    assert footer not in client.get("/accounts/login/").content.decode()
    client.force_login(make_user("Viewer"))
    for address in ("/admin/", "/admin/customers/customer/", "/accounts/2fa/"):
        assert footer in client.get(address, follow=True).content.decode()
