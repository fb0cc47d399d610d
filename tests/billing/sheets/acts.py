"""Drive acts as a browser without JavaScript does: preview, then confirm what the page holds."""

from __future__ import annotations

from typing import Any

from django.test import Client

from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.factories import make_user


def signed_in(role: str | None = None) -> Client:
    """A client of a user with the role; None is a superuser."""
    client = Client()
    client.force_login(make_user(role))
    return client


def preview(client: Client, act: str, row: Any, **fields: Any) -> Any:
    """The page of the act with these fields filled in and *Preview* pressed."""
    url = act_url(act, row)
    return client.post(url, {**form_data(client.get(url)), **fields, "preview": "1"})


def confirm(client: Client, previewed: Any, **changes: Any) -> Any:
    """The page after the button of the preview, with fields changed before it is pressed."""
    url = previewed.wsgi_request.path
    data = {**form_data(previewed), "confirm": "1", **changes}
    data.pop("preview", None)
    return client.post(url, data, follow=True)


def lines(response: Any) -> dict[str, tuple[str, str]]:
    """The lines of the preview: what was, and what will be, by label."""
    found = response.context["preview"]
    return {line.label: (line.was, line.value) for block in found.blocks for line in block.lines}


def toast(response: Any) -> tuple[str, str]:
    """The success message, and where its Undo leads; empty if it has none."""
    (shown,) = [each for each in response.context["messages"] if each.level_tag == "success"]
    return str(shown), shown.extra_tags.removeprefix("undo:")


def problem(response: Any) -> str:
    """Why the act was refused."""
    found: str = response.context["problem"]
    return found
