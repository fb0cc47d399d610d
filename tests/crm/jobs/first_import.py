"""What a user of a fresh installation does in a process of its own: imports files at the pages, and waits."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.demo.documents import demo_documents
from crm.models import FileImport
from crm.roles import ACCOUNT_MANAGER

_PASSWORD = "one of twelve and more"
#: Seconds for a preview or an import of sixty documents, on a busy machine.
_PATIENCE = 240
#: Seconds from the end of the import.
_A_MINUTE = 60


def import_and_wait() -> None:
    """Import the documents of three sources. Fails unless what follows from them is on the pages within a minute."""
    user = User.objects.create_user("lea", password=_PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=ACCOUNT_MANAGER))
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"login": user.username, "password": _PASSWORD})
    documents = demo_documents(60, datetime.now(UTC).replace(microsecond=0))
    for source, found in documents.items():
        _import(client, source, found)
    begun = time.monotonic()
    pages = {
        "the importer's notifications": ("/admin/notifications/", "Import of billing documents done"),
        "possible duplicates": ("/admin/review/", "Suggested links"),
        "reasons on the worklist": ("/admin/worklist/?scope=all", "past due"),
        "MRR on the home page": ("/admin/?scope=all", "NRR, 12 months"),
    }
    for what, (address, words) in pages.items():
        _wait(what, begun + _A_MINUTE, partial(_shows, client, address, words))
        sys.stdout.write(f"{what}: after {time.monotonic() - begun:.1f} s\n")


def _import(client: Client, source: str, documents: list[dict[str, Any]]) -> None:
    file = SimpleUploadedFile(f"{source}.json", json.dumps(documents).encode())
    client.post("/admin/imports/", {"file": file})
    found = FileImport.objects.latest("made_at")

    def is_in(state: str) -> bool:
        found.refresh_from_db()
        assert not found.error, found.error
        return found.state == state

    deadline = time.monotonic() + _PATIENCE
    _wait(f"the preview of {source}", deadline, lambda: is_in("ready"))
    client.post(f"/admin/imports/{found.pk}/run/")
    _wait(f"the import of {source}", deadline, lambda: is_in("done"))


def _shows(client: Client, address: str, words: str) -> bool:
    return words in client.get(address, follow=True).content.decode()


def _wait(what: str, deadline: float, is_there: Callable[[], bool]) -> None:
    while not is_there():
        assert time.monotonic() < deadline, f"{what} came too late"
        time.sleep(0.5)
