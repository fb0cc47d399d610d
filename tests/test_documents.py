"""The documents are true: they name every setting and command, and only files that exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from config.settings_pages.groups import GROUPS
from customers.configuration.table import BY_NAME

pytestmark = pytest.mark.once

_ROOT = Path(settings.BASE_DIR)
_DOCUMENTS = [*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")]

_APPS = ("billing", "config", "crm", "customers")


def _text(name: str) -> str:
    return (_ROOT / name).read_text(encoding="utf-8")


def _rows_of_settings() -> dict[str, tuple[str, str, list[str]]]:
    """For each setting of the tables: the heading of its part, that of its table, and its cells."""
    found, part, title = {}, "", ""
    for line in _text("docs/settings.md").splitlines():
        if line.startswith("## "):
            part = line[3:]
        elif line.startswith("### "):
            title = line[4:]
        elif match := re.match(r"\| `([A-Z_]+)` \|", line):
            found[match[1]] = (part, title, [cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_every_setting_has_its_page_or_says_why_not() -> None:
    for name, (part, title, cells) in _rows_of_settings().items():
        if part == "On pages":
            assert title == GROUPS[BY_NAME[name].group].title, name
        else:
            assert (len(cells), bool(cells[-1]), name in BY_NAME) == (4, True, False), name


def test_every_setting_is_described() -> None:
    read = set(re.findall(r'_environment\.\w+\(\s*"([A-Z_]+)"', _text("config/settings.py"))) | BY_NAME.keys()
    described = _rows_of_settings().keys()
    assert len(read) > 20
    assert read - described == set()


def test_every_command_is_described() -> None:
    commands = {
        path.stem
        for app in _APPS
        for path in (_ROOT / app / "management" / "commands").glob("*.py")
        if path.stem != "__init__"
    }
    described = set(re.findall(r"[a-z_]+", _text("docs/operations.md") + _text("README.md")))
    assert commands - described - {"load_demo", "hand_over"} == set()


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: path.name)
def test_files_and_links_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [place for place in linked if not (path.parent / place).exists()] == []
    named = re.findall(r"`((?:billing|config|crm|customers|tests|docs|bin)/[\w./-]*)`", text)
    assert [place for place in named if not (_ROOT / place).exists()] == []


#: Old names of settings that still work for one version.
