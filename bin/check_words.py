"""Finds words that the product does not use: in page templates, in strings of the product's code, in its documents.

    python bin/check_words.py

Prints a line for each find, with what to write instead, and exits with 1 if there is one. The list is short on purpose: words
that made readers stop. `docs/glossary.md` has the words to use.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

#: Word → what to write instead. Matched as whole words in any case.
_EVERYWHERE = {
    "anew": "again, or name the act: reload, recompute",
    "meanwhile": "say what changed",
    "whoever": "name the actor or the role",
    "whomever": "name the actor or the role",
    "somebody": "name the actor",
    "nobody": "no one is named: say what is missing, such as No account manager",
    "holds? fast|held fast|hold them fast": "lock, locked",
    "lets? go of": "unlock",
    "is to be": "must be, or use the verb",
    "are to be": "must be, or use the verb",
    "goes on": "continues, renews",
    "go on": "continue, renew",
    "a month(?! before)": "/month, or per month",
    "taken back": "reversed",
    "bought ahead": "prepaid",
    "e-mails?": "email",
}
#: Commands whose names are no words.
_COMMANDS = "|".join(
    sorted(path.stem for path in _ROOT.glob("*/management/commands/*_*.py") if path.stem != "__init__")
)

#: What pages never show; commands and documents may.
_ON_PAGES = {
    r"manage\.py": "a button or a link: people at a page have no shell",
    rf"(?<=[ `])(?:{_COMMANDS})": "a button or a link: people at a page have no shell",
    "NUL": "an invalid character",
}
#: Words of files and addresses that others rely on: a heading of exported sheets, a mailbox name, a value in addresses.
_KEPT = {
    ("crm/desk/spreadsheets/columns.py", "E-mail"),
    ("customers/readings/mail_words.py", "nobody"),
    ("crm/desk/segments/crm_filters.py", "nobody"),
    ("customers/admin/filters.py", "nobody"),
    ("customers/models/payment_method.py", "a month"),
    # What `migrate` prints.
    ("crm/desk/search/indexes.py", "index_search"),
}
_HEADING = re.compile(r"<h[1-6][^>]*>\s*(?:What|Who)\b|^#+ (?:What|Who)\b", re.MULTILINE)
_HEADING_ADVICE = "a noun as a heading"

#: Code whose strings people read on a page.
_PAGES = (
    *("admin/", "desk/", "home/", "reports/", "sheets/", "pages/", "settings_pages/", "jobs/", "models/"),
    *("formats.py", "config/navigation.py", "config/views.py"),
)
_APPS = ("billing", "config", "crm", "customers")


def main() -> int:
    """The exit status: 1 if a word was found."""
    found = [*_in_code(), *_in_templates(), *_in_documents()]
    for line in found:
        print(line)
    return 1 if found else 0


def _in_code() -> Iterator[str]:
    for app in _APPS:
        for path in sorted((_ROOT / app).rglob("*.py")):
            name = str(path.relative_to(_ROOT))
            if "/migrations/" in name:
                continue
            words = {**_EVERYWHERE, **(_ON_PAGES if any(part in name for part in _PAGES) else {})}
            tree = ast.parse(path.read_text(encoding="utf-8"))
            skipped = {id(text) for text in _docstrings(tree)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                    yield from _finds(name, node.lineno, node.value, words)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _in_templates() -> Iterator[str]:
    for folder in (_ROOT / "templates", *(_ROOT / app / "templates" for app in _APPS)):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".html", ".txt"}:
                yield from _in_text(path, {**_EVERYWHERE, **_ON_PAGES})


def _in_documents() -> Iterator[str]:
    for path in (*sorted(_ROOT.glob("*.md")), *sorted((_ROOT / "docs").rglob("*.md"))):
        if path.name != "CHANGELOG.md":
            yield from _in_text(path, _EVERYWHERE)


def _in_text(path: Path, words: dict[str, str]) -> Iterator[str]:
    name = str(path.relative_to(_ROOT))
    text = re.sub(
        r"{#.*?#}|{% comment %}.*?{% endcomment %}", _blank, path.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    for number, line in enumerate(text.splitlines(), 1):
        yield from _finds(name, number, line, words)
    for match in _HEADING.finditer(text):
        yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0].strip()!r}: write {_HEADING_ADVICE}"


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _finds(name: str, number: int, text: str, words: dict[str, str]) -> Iterator[str]:
    for word, advice in words.items():
        flags = 0 if word == "NUL" else re.IGNORECASE
        match = re.search(rf"(?<![\w.@/-])(?:{word})(?![\w@])", text, flags)
        if match and (name, match[0]) not in _KEPT:
            yield f"{name}:{number}: {match[0]!r}: write {advice}"


if __name__ == "__main__":
    sys.exit(main())
