"""The import contracts see every module, so none can slip between them."""

import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from grimp import build_graph

_APPS = ("config", "crm", "billing", "customers")
_ROOT = Path(settings.BASE_DIR)


def _modules() -> set[str]:
    found = set()
    for app in _APPS:
        for path in (_ROOT / app).rglob("*.py"):
            parts = path.relative_to(_ROOT).with_suffix("").parts
            found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@pytest.mark.once
def test_the_graph_of_the_contracts_has_every_module() -> None:
    graph = build_graph(*_APPS, cache_dir=None)
    assert _modules() <= graph.modules


@pytest.mark.once
def test_each_app_has_a_contract_that_names_all_its_layers() -> None:
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    exhaustive = {name for each in contracts if each.get("exhaustive") for name in each["containers"]}
    assert {"crm", "billing", "customers"} <= exhaustive
