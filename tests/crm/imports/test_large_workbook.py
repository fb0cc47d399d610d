"""A sheet with as many rows as Excel has is read in memory that is bounded."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.crm.imports import files

_ROWS = 1_048_576
#: Kilobytes.
_MOST_MEMORY = 700_000
_SHEET = "xl/worksheets/sheet1.xml"
_READ = """
import sys, resource, django
django.setup()
from contextlib import ExitStack
from crm.imports.table_reader import find_layout, open_table
from crm.imports.unpack import unpack
with open(sys.argv[1], "rb") as stream, ExitStack() as cleanup:
    found = unpack(stream, cleanup)
    layout = find_layout(found.stream, found.kind, found.layout)
    rows = sum(1 for _ in open_table(found.stream, found.kind, layout).rows)
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _large_workbook(path: Path) -> None:
    small = zipfile.ZipFile(io.BytesIO(files.workbook({"Rows": [["Company", "Email", "Revenue", "City"]]})))
    begin, _, end = small.read(_SHEET).decode().partition("</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in small.namelist():
            if name != _SHEET:
                archive.writestr(name, small.read(name))
        with archive.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(begin.encode())
            for at in range(2, _ROWS + 1):
                texts = (f"Invented Works {at}", f"w{at}@firm{at}.example")
                cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
                sheet.write(f'<row r="{at}">{cells}<c><v>{at}</v></c><c><v>{at % 977}</v></c></row>'.encode())
            sheet.write(f"</sheetData>{end}".encode())


@pytest.mark.soak
def test_a_sheet_with_all_rows_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    _large_workbook(path)
    own = {
        "CLIENTELE_DEVELOPMENT": "1",
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
    }
    told = subprocess.run(
        [sys.executable, "-c", _READ, str(path)], env={**os.environ, **own}, capture_output=True, check=True
    )
    rows, memory = map(int, told.stdout.split())
    assert rows == _ROWS - 1
    assert memory < _MOST_MEMORY
