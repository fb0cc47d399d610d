"""The pages of imports, from the upload to the revert."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from crm.imports.revert import revert
from crm.imports.run import preview, run, start_preview, start_run
from crm.models import FileImport, ImportMapping, Job, Task
from crm.roles import ACCOUNT_MANAGER, VIEWER
from customers.models import Customer
from tests.crm.imports import files

pytestmark = pytest.mark.django_db


def _client(role: str, name: str = "max") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def _nothing(done: int, total: int) -> None:
    pass


def test_a_file_is_uploaded_mapped_previewed_imported_and_reverted() -> None:
    client = _client(ACCOUNT_MANAGER)
    file = SimpleUploadedFile("trade-fair.csv", files.TRADE_FAIR)
    answer = client.post(reverse("imports"), {"file": file}, follow=True)
    found = FileImport.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("import-map", args=[found.pk])
    page = answer.content.decode()
    assert "Day first: row 4 has 31/10/2026" in page
    assert "EUR, decimal comma: row 3 has 1.234,56 €" in page

    names = {
        f"field-{at}": found.fields.get(column["heading"], "") for at, column in enumerate(found.columns)
    }
    category = next(at for at, column in enumerate(found.columns) if column["heading"] == "Kategorie")
    mapped = {**names, f"field-{category}": "tags", "source": "Trade fair", "mapping": "Trade fair contacts"}
    client.post(reverse("import-map", args=[found.pk]), mapped)
    found.refresh_from_db()
    assert (found.state, found.source, found.fields["Kategorie"]) == ("previewing", "csv:trade-fair", "tags")
    assert Job.objects.get(key=str(found.pk)).kind == "preview_file"
    assert "Waiting to start" in client.get(reverse("import", args=[found.pk])).content.decode()
    preview(found, _nothing)

    page = client.get(reverse("import", args=[found.pk])).content.decode()
    assert "Import 2 customers" in page
    assert "Fährbrück GmbH" in page
    assert not Customer.objects.exists()
    refused = client.get(reverse("import-refused", args=[found.pk]))
    lines = b"".join(refused.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0].endswith("Betreuer,Row,Reason")
    assert lines[1].startswith("TF-00019,Lumen Fracht,Lea Tanaka,lea@@lumen")

    page = client.get(reverse("import", args=[found.pk]), {"show": "refused"}).content.decode()
    assert 'name="cell-5"' in page
    client.post(reverse("import-mend", args=[found.pk]), {"cell-5": "lea@lumen.example"})
    found.refresh_from_db()
    preview(found, _nothing)
    assert found.counts["created"] == 3

    client.post(reverse("import-run", args=[found.pk]))
    found.refresh_from_db()
    run(found, _nothing)
    page = client.get(reverse("import", args=[found.pk])).content.decode()
    assert "3 customers imported" in page
    assert Customer.objects.get(name="Optik Süd").customer_tags.get().tag.name == "B"

    page = client.get(reverse("import-revert", args=[found.pk])).content.decode()
    assert "Revert 3 customers" in page
    client.post(reverse("import-revert", args=[found.pk]))
    found.refresh_from_db()
    revert(found, _nothing)
    assert not Customer.objects.exists()
    page = client.get(reverse("imports")).content.decode()
    assert "Reverted" in page

    # The next file with these columns takes the mapping by itself.
    client.post(reverse("imports"), {"file": SimpleUploadedFile("next.csv", files.TRADE_FAIR)})
    later = FileImport.objects.get(name="next.csv")
    assert (later.mapping, later.source) == (ImportMapping.objects.get(), "csv:trade-fair")
    assert later.fields["Kategorie"] == "tags"


def test_one_customer_of_an_import_is_reverted_and_an_import_is_paused() -> None:
    client = _client(ACCOUNT_MANAGER)
    client.post(
        reverse("imports"), {"file": SimpleUploadedFile("list.csv", b"Company;City\nTern;Oslo\nWren;Rome\n")}
    )
    found = FileImport.objects.get()
    start_preview(found, None)
    preview(found, _nothing)
    address = reverse("import", args=[found.pk])
    assert "Importing takes a few seconds" in client.get(address).content.decode()
    client.post(reverse("import-run", args=[found.pk]))
    pause = reverse("import-pause", args=[found.pk])
    # Whoever clicks second has the same page, and means the same.
    for _ in range(2):
        client.post(pause, {"verb": "pause"})
        assert Job.objects.get(kind="import_file").state == Job.State.PAUSED
    colleague = _client(ACCOUNT_MANAGER, "mo")
    assert "Resume" not in colleague.get(address).content.decode()
    assert colleague.post(pause, {"verb": "resume"}).status_code == 403
    assert "Resume" in client.get(address).content.decode()
    client.post(pause, {"verb": "resume"})
    assert Job.objects.get(kind="import_file").state == Job.State.WAITING

    found.refresh_from_db()
    run(found, _nothing)
    customer = reverse("import-revert-customer", args=[found.pk, 2])
    assert customer in client.get(address).content.decode()
    assert "Tern" in client.get(customer).content.decode()
    client.post(customer)
    assert [str(row) for row in Customer.objects.all()] == ["Wren"]
    assert client.get(customer).status_code == 404
    page = client.get(address).content.decode()
    assert customer not in page
    assert "Reverted" in page


def test_the_pages_take_as_many_queries_for_three_rows_as_for_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = _client(ACCOUNT_MANAGER)
    for count in (1, 3):
        rows = b"".join(b"Works %d %d;Call back\n" % (count, at) for at in range(count))
        file = SimpleUploadedFile(f"{count}.csv", b"Company;Next step\n" + rows)
        client.post(reverse("imports"), {"file": file})
        found = FileImport.objects.get(name=f"{count}.csv")
        pages = [
            reverse("imports"),
            reverse("import-map", args=[found.pk]),
            reverse("import", args=[found.pk]),
        ]
        start_preview(found, None)
        preview(found, _nothing)
        for page in pages:
            with django_assert_max_num_queries(20):
                assert client.get(page).status_code == 200
        start_run(found, None)
        found.refresh_from_db()
        run(found, _nothing)
        with django_assert_max_num_queries(20):
            client.get(pages[-1])
    assert Task.objects.filter(title="Call back").count() == 4
    customer = Customer.objects.get(name="Works 1 0")
    page = client.get(reverse("desk-provenance", args=[customer.pk])).content.decode()
    first = FileImport.objects.get(name="1.csv")
    assert (
        f'<a href="{reverse("import", args=[first.pk])}?show=created" class="cl-link">1.csv, row 2</a>'
        in page
    )


def test_a_file_of_another_kind_is_refused_on_the_page() -> None:
    client = _client(ACCOUNT_MANAGER)
    answer = client.post(reverse("imports"), {"file": SimpleUploadedFile("a.csv", b"%PDF-1.7")}, follow=True)
    assert "a.csv: This looks like a PDF file. Upload CSV, Excel (.xlsx) or JSON." in answer.content.decode()
    assert not FileImport.objects.exists()


def test_a_viewer_can_not_import() -> None:
    client = _client(VIEWER)
    assert client.get(reverse("imports")).status_code == 403
