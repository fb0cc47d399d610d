"""Asks a database of everything that version_0_1.json notes, at one moment; the tests run it in a process of its own.

    python -m tests.upgrade.read_state < QUESTIONS > ANSWERS

QUESTIONS is a list of JSON objects, answered in order, with `moment`, `first` (commands to run before), `token`, `user`,
`commands`, `views`, `pages` and `identifiers`. Modules move, so this knows the product by its commands, its addresses and the names of its models alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from datetime import datetime
from typing import Any

import django
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

Json = dict[str, Any]

#: Rows that Django, or whoever looks, makes for themselves.
_NOT_OURS = {"admin", "auth", "contenttypes", "sessions", "axes", "account", "mfa", "migrations"}


def freeze(moment: str) -> None:
    """Lets time stand still. Has to happen before anything of the product is imported."""
    found = datetime.fromisoformat(moment)
    timezone.now = lambda: found


def told_by(command: list[str]) -> Json:
    """What a command of manage.py says, and its exit status."""
    out = io.StringIO()
    status, problem = 0, ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            call_command(*command)
        except CommandError as error:
            status, problem = error.returncode, str(error)
    return {"status": status, "output": out.getvalue(), "problem": problem}


def without_words(told: Json) -> Json:
    """How a command ended. Its words are the newer version's own."""
    return {"status": told["status"], "problem": told["problem"]}


def program(token: str) -> Any:
    """A program with the token. One serves for all: every new one looks for all static files."""
    return Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {token}"})


def shown_to(client: Any, request: str) -> Json:
    """The answer to `GET ADDRESS` or `POST ADDRESS BODY`."""
    method, _, rest = request.partition(" ")
    if method == "POST":
        address, _, body = rest.partition(" ")
        answer = client.post(address, body, content_type="application/json")
    else:
        answer = client.get(rest)
    return {"status": answer.status_code, "body": answer.json()}


def words_at(addresses: dict[str, list[str]], user: str) -> dict[str, list[str]]:
    """Which of some words are on pages of the admin; the status instead, if a page does not open."""
    client = Client(SERVER_NAME="localhost")
    with override_settings(AXES_ENABLED=False):
        client.force_login(get_user_model()._default_manager.get(username=user))
        found = {}
        for address, words in addresses.items():
            answer = client.get(address, follow=True)
            text = answer.content.decode()
            opened = answer.status_code == 200
            found[address] = [word for word in words if word in text] if opened else [str(answer.status_code)]
        client.logout()
    return found


def held_fast() -> Json:
    """The fields that imports leave alone: of each kind of row, by its id."""
    found: Json = {}
    for model in apps.get_models():
        if any(field.name == "pinned_fields" for field in model._meta.get_fields()):
            rows = model._default_manager.exclude(pinned_fields=[]).order_by("pk")
            found[str(model._meta.model_name)] = {
                str(key): fields for key, fields in rows.values_list("pk", "pinned_fields")
            }
    return found


def counted() -> dict[str, int]:
    """How many rows there are of each kind."""
    return {
        str(model._meta.model_name): model._default_manager.count()
        for model in sorted(apps.get_models(), key=lambda model: str(model._meta.model_name))
        if model._meta.app_label not in _NOT_OURS
    }


def figures(document: Json) -> Json:
    """The figures of each balance of a billing document."""
    names = ("granted", "remaining", "usage", "unlimited", "next_reset_at")
    return {
        feature: {name: balance.get(name) for name in names}
        for feature, balance in document.get("balances", {}).items()
    }


def documents(exported: str) -> list[Any]:
    """The documents of an export, one a line, without the lists that version 0.1 did not know, if they are empty."""
    found = [json.loads(line) for line in exported.splitlines()]
    for document in found:
        controls = document.get("billing_controls", {})
        for name in ("usage_limits", "overage_allowed"):
            if controls.get(name) == []:
                del controls[name]
    return found


def answers(questions: Json) -> Json:
    """Everything that is asked."""
    client = program(questions["token"])
    told = {" ".join(command): told_by(command) for command in questions["commands"]}
    exports = {
        name: documents(said["output"]) for name, said in told.items() if name.startswith("export_customers")
    }
    # Which of two that weigh the same comes first was left to chance when the list was made.
    worklist = {each["customer_id"]: each for each in json.loads(told["worklist --format json"]["output"])}
    leads_to, balances = {}, {}
    for identifier in questions["identifiers"]:
        # An id is the last part of an address; those here need no quoting.
        payments = shown_to(client, f"GET /api/v1/customers/{identifier}")["body"]
        leads_to[identifier] = payments.get("id")
        balances[identifier] = figures(
            shown_to(client, f"GET /api/v1/billing/customers/{identifier}")["body"]
        )
    return {
        "commands": {"doctor": without_words(told["doctor"])},
        "exports": exports,
        "worklist": worklist,
        "views": {request: shown_to(client, request) for request in questions["views"]},
        "leads_to": leads_to,
        "balances": balances,
        "held_fast": held_fast(),
        "rows": counted(),
        "pages": words_at(questions["pages"], questions["user"]),
    }


def main() -> None:
    """Answer what is asked on standard input."""
    asked = json.load(sys.stdin)
    freeze(asked[0]["moment"])
    django.setup()
    answered = []
    for questions in asked:
        first = {" ".join(each): without_words(told_by(each)) for each in questions["first"]}
        answered.append({"first": first, **answers(questions)})
    sys.stdout.write(json.dumps(answered))


if __name__ == "__main__":
    main()
