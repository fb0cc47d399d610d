"""A file is there whole or not at all."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pytest

from crm.exchange.atomic_file import whole_file


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_it_takes_its_place_at_the_end(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")
    with whole_file(target) as file:
        file.write(b"new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["out.json"]


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("name", ["out.json", "other.json.gz"])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, problem, name):
    (tmp_path / "out.json").write_text("old")
    with pytest.raises(problem):
        write_and_raise(tmp_path / name, problem)
    assert (names(tmp_path), (tmp_path / "out.json").read_text()) == (["out.json"], "old")


def write_and_raise(path: Path, problem: type[BaseException]) -> None:
    with whole_file(path) as file:
        file.write(b"new")
        raise problem


def test_gz_is_compressed_and_says_nothing_of_when(tmp_path):
    contents = []
    for name in ("a.json.gz", "b.json.gz"):
        with whole_file(tmp_path / name) as file:
            file.write(b"same")
        contents.append((tmp_path / name).read_bytes())
    assert gzip.decompress(contents[0]) == b"same"
    assert contents[0] == contents[1]


def test_others_may_read_it_as_far_as_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "out") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_a_link_goes_on_pointing_at_the_file(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_is_no_file_is_written_to_directly():
    with whole_file(Path(os.devnull)) as file:
        file.write(b"x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("place", "problem"),
    [(".", IsADirectoryError), ("missing/out.json", FileNotFoundError), ("n" * 300, OSError)],
)
def test_a_place_that_cannot_be_is_refused(tmp_path, place, problem):
    with pytest.raises(problem):
        write(tmp_path / place)
    assert names(tmp_path) == []


def write(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"x")
