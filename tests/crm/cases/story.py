"""Import, merge and link documents through the commands, and look at the customers that come of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from crm.desk.search.search import find
from customers.models import Customer

_BILLING = {"created_at": 1700000000000, "env": "live"}


@dataclass
class Story:
    """Files in `folder`; `said` is what all commands printed, the latest last."""

    folder: Path
    said: str = ""
    merge: str = ""

    def bring(self, source: str, *documents: dict[str, Any], may_refuse: bool = False) -> str:
        """Import documents as one file. What billing documents must have is filled in."""
        if source == "billing":
            documents = tuple({**_BILLING, **document} for document in documents)
        return self.run(
            "import_customers", source, self._file("in.json", json.dumps(documents)), may_fail=may_refuse
        )

    def merged(self, survivor: str, *others: str) -> str:
        """Merge customers. Returns the ID of the last merge."""
        said = self.run("merge_customers", survivor, *others)
        self.merge = next(word for word in reversed(said.split()) if word.startswith("merge_"))
        return self.merge

    def undo(self, merge: str = "") -> str:
        return self.run("unmerge", merge or self.merge)

    def export(self, source: str) -> list[dict[str, Any]]:
        path = self.folder / "out.ndjson"
        self.run("export_customers", source, "--output", str(path))
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def run(self, *words: str, may_fail: bool = False) -> str:
        out = io.StringIO()
        try:
            call_command(*words, stdout=out, stderr=out)
        except CommandError as problem:
            out.write(str(problem))
            if not may_fail:
                raise AssertionError(out.getvalue()) from problem
        self.said += out.getvalue()
        return out.getvalue()

    def customers(self) -> list[set[str]]:
        """The records of each customer, as SOURCE:ID, sorted."""
        found = [
            {f"{record.source}:{record.source_id}" for record in customer.source_records.all()}
            for customer in Customer.objects.filter(merged_into=None)
        ]
        return sorted(found, key=sorted)

    def count(self) -> int:
        return Customer.objects.filter(merged_into=None).count()

    def values(self, name: str) -> list[Any]:
        return sorted((getattr(row, name) for row in Customer.objects.filter(merged_into=None)), key=str)

    def find(self, text: str) -> list[str]:
        """The names of the customers that a search finds."""
        everything: Callable[[str], bool] = lambda permission: True  # noqa: E731
        return [each.customer.name for each in find(text, everything)]

    def doctor(self) -> str:
        return self.run("doctor")

    def _file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)
