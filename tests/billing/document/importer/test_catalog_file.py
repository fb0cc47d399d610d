import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from billing.document.importer import catalog_file
from billing.document.importer.catalog_file import CatalogEntry, read_catalog
from customers.ingest.reader import BadRecord, Unreadable, error_line, open_input
from customers.json_types import Refused


def read(content: bytes | str | Any) -> tuple[list[CatalogEntry], list[tuple[str, str]]]:
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    entries, remarks = read_catalog(io.BytesIO(content.encode() if isinstance(content, str) else content))
    return entries, [(remark.path, remark.text) for remark in remarks]


def refusal(content: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        read(content)
    return caught.value.path, caught.value.reason


def test_features_come_before_plans_each_with_its_place() -> None:
    entries, remarks = read({"plans": [1], "features": [{"id": "a"}, None]})
    assert entries == [
        CatalogEntry(1, "feature", "$.features[0]", {"id": "a"}),
        CatalogEntry(2, "feature", "$.features[1]", None),
        CatalogEntry(3, "plan", "$.plans[0]", 1),
    ]
    assert remarks == []


def test_either_list_may_be_missing_and_anything_else_is_told() -> None:
    assert read({"features": []}) == ([], [])
    entries, remarks = read({"plan": [], "plans": [{}], "has_more": False})
    assert [entry.path for entry in entries] == ["$.plans[0]"]
    assert [path for path, _ in remarks] == ["$.plan", "$.has_more"]


def test_a_byte_order_mark_and_gzip_are_read(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"plans": [7]}'
    assert read(content)[0] == [CatalogEntry(1, "plan", "$.plans[0]", 7)]
    packed = tmp_path / "catalog.json"
    packed.write_bytes(gzip.compress(content))
    with open_input(str(packed)) as stream:
        assert read_catalog(stream)[0] == [CatalogEntry(1, "plan", "$.plans[0]", 7)]


@pytest.mark.parametrize("content", ["[]", "3", '{"data": []}', "{}", '{"plan": []}'])
def test_what_is_no_catalog(content: str) -> None:
    path, reason = refusal(content)
    assert path == "$"
    assert '{"features": [...], "plans": [...]}' in reason


def test_the_lists_are_lists() -> None:
    assert refusal({"features": {}, "plans": []})[0] == "$.features"
    assert refusal({"plans": None})[0] == "$.plans"


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"plans": [{"id": "a"', "$"),
        (b'{"plans": []} x', "$"),
        (b'{"plans": [{"price": NaN}]}', "$.plans[0].price"),
        (b'{"plans": [{"id": 1, "id": 2}]}', "$.plans[0].id"),
        (b'{"plans": ["\xff"]}', "$.plans[0]"),
    ],
)
def test_what_is_no_strict_json(content: bytes, path: str) -> None:
    assert refusal(content)[0] == path


@pytest.mark.parametrize("content", [b"", b" \n ", '{"plans": []}'.encode("utf-16")])
def test_what_cannot_be_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)


def test_there_is_an_end_to_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_file, "RECORD_LIMIT", 100_000)
    assert len(read({"plans": ["x" * 90_000]})[0]) == 1
    with pytest.raises(Unreadable, match="Split the catalog"):
        read({"plans": ["x" * 400_000]})


class TestErrorsFiles:
    LINES = (
        error_line(BadRecord(2, "$.plans[3].items[0].feature_id", "No.", '{"id": "pro"}')),
        error_line(BadRecord(5, "$.features[1]", "No.", '{\n"id": "calls"}')),
    )

    @pytest.mark.parametrize("end", [b"", b"\n\n"])
    def test_each_line_is_what_it_was(self, end: bytes) -> None:
        entries, _ = read(b"".join(self.LINES) + end)
        assert entries == [
            CatalogEntry(1, "plan", "$.plans[3]", {"id": "pro"}),
            CatalogEntry(2, "feature", "$.features[1]", {"id": "calls"}),
        ]

    def test_a_single_one(self) -> None:
        assert [entry.path for entry in read(self.LINES[0])[0]] == ["$.plans[3]"]

    @pytest.mark.parametrize(
        "line",
        [
            b"{}",
            b'{"plans": []}',
            error_line(BadRecord(1, "$.name", "No.", "{}")),
            error_line(BadRecord(1, "$.plans[0]", "No.", "{broken")),
            b'{"record": 1, "path": 2, "reason": "No.", "document": {}}',
        ],
    )
    def test_lines_of_another_kind(self, line: bytes) -> None:
        path, reason = refusal(self.LINES[0] + line)
        assert path == "$"
        assert reason.startswith("Line 2, not counting blank lines, ")

    def test_a_line_that_was_broken_in_mending(self) -> None:
        assert refusal(self.LINES[0] + b"{")[1].startswith("Line 2, not counting blank lines: ")
