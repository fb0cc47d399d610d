"""An upload that breaks off goes on where it stopped; nobody else adds to it, and what nobody finishes goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crm.imports import resumable, store
from crm.imports.pages import pieces, upload
from crm.imports.store import pieces_of
from crm.models import FileImport, Job
from crm.roles import ACCOUNT_MANAGER, VIEWER
from customers import clock
from tests.crm.imports import files
from tests.factories import make_user

pytestmark = pytest.mark.django_db

_PIECE = 40


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (store, resumable, pieces, upload):
        monkeypatch.setattr(module, "PART", _PIECE)


def _client(name: str, role: str = ACCOUNT_MANAGER) -> Client:
    client = Client()
    client.force_login(make_user(role, username=name))
    return client


def _begin(client: Client, size: int, name: str = "list.csv") -> Any:
    return client.post(reverse("import-upload"), {"name": name, "size": size, "stamp": 17})


def _send(client: Client, key: str, data: bytes, offset: int) -> tuple[int, int]:
    answer = client.post(
        f"{reverse('import-upload-piece', args=[key])}?offset={offset}",
        data[offset : offset + _PIECE],
        content_type="application/octet-stream",
    )
    return answer.status_code, answer.json()["received"]


def test_an_upload_goes_on_where_it_stopped() -> None:
    client, data = _client("ada"), files.TRADE_FAIR
    begun = _begin(client, len(data)).json()
    key = begun["id"]
    assert (begun["received"], begun["piece"]) == (0, _PIECE)
    assert _send(client, key, data, 0) == (200, 40)
    assert _send(client, key, data, 40) == (200, 80)
    # Its answer was lost, so it comes again; and one that is not the next one.
    assert _send(client, key, data, 40) == (409, 80)
    assert _send(client, key, data, 160) == (409, 80)
    page = client.get(reverse("imports")).content.decode()
    assert "Unfinished uploads" in page
    assert f"{80 * 100 / len(data):.0f}%" in page
    # It is no import yet.
    assert client.get(reverse("import", args=[key])).status_code == 404
    assert client.post(reverse("import-upload-finish", args=[key])).status_code == 409

    again = _begin(client, len(data)).json()
    assert (again["id"], again["received"]) == (key, 80)
    at = 80
    while at < len(data):
        status, at = _send(client, key, data, at)
        assert status == 200
    for _ in range(2):
        answer = client.post(reverse("import-upload-finish", args=[key])).json()
        assert answer == {"url": reverse("import-map", args=[key]), "is_refused": False}
    found = FileImport.objects.get()
    assert (found.kind, found.state, found.source, found.total) == ("csv", "uploaded", "csv:list", 3)
    assert b"".join(pieces_of(found)) == data


def test_a_packed_file_is_unpacked_and_one_of_another_kind_removed() -> None:
    client = _client("ada")
    for name, data in (("fair.csv.gz", files.gzipped(files.TRADE_FAIR)), ("a.csv", b"%PDF-1.7 " * 9)):
        key, at = _begin(client, len(data), name).json()["id"], 0
        while at < len(data):
            _, at = _send(client, key, data, at)
        answer = client.post(reverse("import-upload-finish", args=[key])).json()
        assert answer["is_refused"] == (name == "a.csv")
    assert "a.csv: This looks like a PDF file" in client.get(answer["url"]).content.decode()
    found = FileImport.objects.get()
    assert (found.size, b"".join(pieces_of(found))) == (len(files.TRADE_FAIR), files.TRADE_FAIR)


def _upload(client: Client, data: bytes, name: str = "list.csv") -> str:
    """Upload a file whole, but don't finish it. Returns the ID."""
    key, at = str(_begin(client, len(data), name).json()["id"]), 0
    while at < len(data):
        _, at = _send(client, key, data, at)
    return key


def test_finishing_twice_at_once_requests_one_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _client("ada")
    documents = b'[{"id": "c-1", "company": {"name": "Acme"}, "domains": ["acme.example"]}]'
    key = _upload(client, documents, "customers.json")

    def second(found: FileImport) -> FileImport:
        # The other request, which had the lock, is through; this one read the row before that.
        resumable.finish_upload(found)
        return resumable.finish_upload(found)

    monkeypatch.setattr(pieces, "finish_upload", second)
    answer = client.post(reverse("import-upload-finish", args=[key]))
    assert answer.json() == {"url": reverse("import", args=[key]), "is_refused": False}
    assert FileImport.objects.get().state == "previewing"
    assert Job.objects.filter(kind="preview_file").count() == 1


def test_an_upload_removed_while_it_is_finished_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _client("ada")
    key = _upload(client, files.TRADE_FAIR)

    def second(found: FileImport) -> FileImport:
        resumable.remove_upload(found)
        return resumable.finish_upload(found)

    monkeypatch.setattr(pieces, "finish_upload", second)
    assert client.post(reverse("import-upload-finish", args=[key])).status_code == 404


def test_the_name_of_a_file_has_no_folders_and_nothing_unprintable() -> None:
    client = _client("ada")
    key = _begin(client, 100, "up/li\x00st\u202e\n.csv").json()["id"]
    assert FileImport.objects.get(pk=key).name == "list.csv"
    # The same file again is the same upload.
    assert _begin(client, 100, "up/li\x00st\u202e\n.csv").json()["id"] == key
    assert FileImport.objects.get(pk=_begin(client, 101, "\x00").json()["id"]).name == "file"


def test_an_upload_has_bounds_and_an_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    client, other, viewer = _client("ada"), _client("mo"), _client("vi", VIEWER)
    assert _begin(viewer, 100).status_code == 403
    assert _begin(client, 0).json() == {"problem": "The file is empty."}
    assert "more than 2 GB" in _begin(client, 2_000_000_001).json()["problem"]
    key = _begin(client, 100).json()["id"]
    for path in (reverse("import-upload-piece", args=[key]), reverse("import-upload-finish", args=[key])):
        assert other.post(path).status_code == 404
        assert client.get(path).status_code == 405
    whole = reverse("import-upload-piece", args=[key]) + "?offset=0"
    assert client.post(whole, b"x" * 41, content_type="application/octet-stream").status_code == 413
    # Shorter than a piece, and longer than what is missing.
    assert client.post(whole, b"x" * 39, content_type="application/octet-stream").status_code == 409
    assert _begin(other, 100).json()["id"] != key
    monkeypatch.setattr(resumable, "MOST_UNFINISHED", 1)
    assert "Continue or remove one" in _begin(client, 101).json()["problem"]
    client.post(reverse("import-upload-remove", args=[key]))
    assert _begin(client, 101).status_code == 200


def test_what_nobody_finishes_is_deleted() -> None:
    user = User.objects.create_user("ada")
    old, new = (resumable.begin_upload(name, 90, "1", user) for name in ("old.csv", "new.csv"))
    resumable.add_piece(old, 0, b"x" * _PIECE)
    FileImport.objects.filter(pk=old.pk).update(made_at=clock.now() - timedelta(hours=25))
    assert resumable.delete_abandoned_uploads(clock.now()) == 1
    assert list(FileImport.objects.values_list("pk", flat=True)) == [new.pk]
