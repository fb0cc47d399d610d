"""Files as other systems export them, imported in a real browser with at most one correction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from crm.models import FileImport
from tests.crm.imports.exports import TWENTY, Export
from tests.crm.imports.test_twenty_files import work
from tests.factories import make_user

#: Those that say the least about how they are to be read, which the suite imports each time.
_HARDEST = ("trade-fair.csv", "american.txt", "merged-headings.xlsx")


def _cases() -> list[Any]:
    return [
        pytest.param(each, id=each.name, marks=() if each.name in _HARDEST else pytest.mark.soak)
        for each in TWENTY
    ]


@pytest.fixture
def at_imports(page: Page, transactional_db: None, sign_in: Callable[[User], None]) -> Page:
    sign_in(make_user("Account manager", username="ada"))
    page.goto("/admin/imports/")
    return page


def _correct(page: Page, correction: dict[str, str]) -> None:
    assert len(correction) <= 1
    for name, value in correction.items():
        if name == "header":
            page.get_by_label("Row of the headings").fill(value)
            page.get_by_role("button", name="Read the file again").click()
        else:
            page.get_by_label(name, exact=True).select_option(value)


@pytest.mark.parametrize("export", _cases())
def test_a_file_is_imported_with_at_most_one_correction(
    at_imports: Page, tmp_path: Path, export: Export
) -> None:
    page = at_imports
    path = tmp_path / export.name
    path.write_bytes(export.data)
    page.get_by_label("Files", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_role("button", name="Preview import")).to_be_visible()
    _correct(page, export.correction)
    page.get_by_role("button", name="Preview import").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work()
    page.reload()
    refused = page.get_by_role("group", name="Records by outcome").get_by_role("link", name="Refused")
    expect(refused).to_have_text(f"{export.refused}Refused")
    noun = "customer" if export.created == 1 else "customers"
    page.get_by_role("button", name=f"Import {export.created} {noun}", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work()
    page.reload()
    expect(page.get_by_text(f"{export.created} {noun} imported in ")).to_be_visible()
    page.get_by_role("link", name=export.company, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=export.company)).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_an_upload_that_breaks_off_goes_on_where_it_stopped(
    at_imports: Page, tmp_path: Path, page_problems: list[str]
) -> None:
    page, path = at_imports, tmp_path / "large.csv"
    row = "Invented Works {at};works{at}@firm{at}.example;" + "x" * 400 + "\n"
    path.write_text("Company;Email;Notes\n" + "".join(row.format(at=at) for at in range(6000)))
    sent: list[str] = []

    def deliver(route: Route) -> None:
        sent.append(route.request.url.rpartition("=")[2])
        if len(sent) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/imports/upload/*/?offset=*", deliver)
    page.get_by_label("Files", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_role("button", name="Preview import")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("6,000 rows")).to_be_visible()
    assert sent == ["0", "1000000", "1000000", "2000000"]
    # The browser's own word about the request that was broken off.
    assert [each for each in page_problems if "ERR_FAILED" not in each] == []
    page_problems.clear()


def test_lost_answers_and_files_chosen_again_make_no_second_import(
    at_imports: Page, tmp_path: Path, page_problems: list[str]
) -> None:
    page, paths = at_imports, [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        path.write_text(f"Company;Email\nInvented Works;works@{path.stem}.example\n")
    finished: list[str] = []

    def lose(route: Route) -> None:
        # The answer for the first file is lost after the server did it, the second file is refused the first time.
        finished.append(route.request.url)
        if len(finished) == 1:
            route.fetch()
            route.abort()
        elif len(finished) == 3:
            route.fulfill(status=403)
        else:
            route.continue_()

    page.route("**/imports/upload/*/finish/", lose)
    page.get_by_label("Files", exact=True).set_input_files(paths)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("The server refused the upload.")).to_be_visible()
    page.get_by_label("Files", exact=True).set_input_files(paths)
    page.get_by_role("button", name="Upload files").click()
    for path in paths:
        expect(page.get_by_role("link", name=path.name, exact=True)).to_have_count(1)
    assert len(finished) == 4
    assert sorted(FileImport.objects.values_list("name", flat=True)) == ["one.csv", "two.csv"]
    page_problems.clear()
