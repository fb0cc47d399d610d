"""Fixtures for every test: the databases, a real browser, a second version of one client library."""

import gc
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client, client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from customers.configuration.values import STORED
from tests import beginnings, schema
from tests.admin_forms import without_templates
from tests.examples import examples

pytest_plugins = ["tests.api.fixtures", "tests.command_line", "tests.statements"]

# No test depends on a clock: a busy machine draws its first examples slowly.
hypothesis.settings.register_profile(
    "any machine",
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")

#: Where `make test` puts autumn-sdk 1.0.0, beside the newer version that is installed.
AUTUMN_1_0 = Path(settings.BASE_DIR) / ".cache" / "autumn-1.0"

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: Pages and commands say the same on either database: what they call is tested on both. Parts of paths.
_ONCE = ("/admin/", "/commands/")

#: What is written anew for PostgreSQL, compares texts, or works in processes whose statements nobody records: all of
#: its tests run there. Parts of paths.
_WHOLE = (
    "/upgrade/",
    "/usage/",
    "/ledger/",
    "/search/",
    "/revenue/",
    "test_doctor",
    "test_outbox",
    "test_triggers",
    "test_changes",
)

#: What takes longest begins first, so that no worker is left alone with it at the end. Parts of paths.
_FIRST = ("/upgrade/", "hostile", "raw_forms", "query_counts", "any_order", "_machine", "_random")

#: What a test asks for that needs the database.
_DATABASE = {"db", "transactional_db", "live_server", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts out which half runs what.

    What needs no database, what is marked `once`, and what drives pages and commands runs with SQLite alone; what is
    marked `postgresql`, with PostgreSQL alone. Tests with the browser run once, those of a file in one worker.
    `make test` leaves out tests with PostgreSQL that only repeat the statements of others: see bin/narrow.py.
    """
    is_here = partial(_is_on_postgresql, _left_out()) if connection.vendor == "postgresql" else _is_on_sqlite
    chosen: list[pytest.Item] = []
    elsewhere: list[pytest.Item] = []
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "browser" in names:
            item.add_marker("browser")
            item.add_marker("once")
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
        (chosen if is_here(item) else elsewhere).append(item)
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
    items[:] = sorted(chosen, key=lambda item: not any(part in str(item.path) for part in _FIRST))


def _left_out() -> frozenset[str]:
    """The tests that PostgreSQL need not run, as `make test` has chosen them; none if it has not."""
    file = os.environ.get("LEFT_OUT")
    return frozenset(json.loads(Path(file).read_text(encoding="utf-8"))) if file else frozenset()


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    is_asked_for = "transactional_db" in getattr(item, "fixturenames", [])
    return is_asked_for or (marker is not None and bool(marker.kwargs.get("transaction")))


def _is_on_sqlite(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgresql") is None


def _is_on_postgresql(left_out: frozenset[str], item: pytest.Item) -> bool:
    if item.get_closest_marker("postgresql") is not None:
        return True
    path = str(item.path)
    names = getattr(item, "fixturenames", [])
    needs_database = item.get_closest_marker("django_db") is not None or not _DATABASE.isdisjoint(names)
    if not needs_database or item.get_closest_marker("once") or any(part in path for part in _ONCE):
        return False
    return item.nodeid not in left_out or _commits(item) or any(part in path for part in _WHOLE)


def pytest_collection_finish() -> None:
    """Everything that is imported stays: looking through it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def is_missing(name: str, message: str) -> NoReturn:
    """Skips the test; fails it if `CLIENTELE_REQUIRE` lists `name`, as in CI."""
    if name in os.environ.get("CLIENTELE_REQUIRE", "").split(","):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite is tested on a file, as it is run: several connections, WAL, waiting for locks.

    On either database the tests begin with a copy of what an earlier run has migrated.
    """
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = schema.template(os.environ["DATABASE_URL"])
    else:
        database = tmp_path_factory.mktemp("database") / "test.sqlite3"
        schema.take(database)
        connection.settings_dict["TEST"]["NAME"] = str(database)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """On SQLite the database may be there, migrated; its directory is thrown away by pytest."""
    return django_db_keepdb or connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place of an empty SQLite database, for commands that run in processes of their own."""
    return tmp_path_factory.mktemp("migrated") / "db.sqlite3"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, migrated: Path
) -> Iterator[None]:
    """The test database, kept as it is before any test for later runs to begin with."""
    if connection.vendor == "postgresql":
        server = urlsplit(os.environ["DATABASE_URL"])
        schema.keep_postgresql(server._replace(path=f"/{connection.settings_dict['NAME']}").geturl())
        with django_db_blocker.unblock():
            beginnings.keep_rows()
    else:
        with django_db_blocker.unblock():
            schema.back_up(connection.settings_dict["NAME"], migrated)
        schema.keep(migrated)
    with beginnings.given_back(migrated):
        yield


@pytest.fixture(scope="session", autouse=True)
def _keeping_whole_pages() -> Iterator[None]:
    """A test client keeps what a page was filled with, not a copy of it for each of the hundred parts of the page."""
    keep = client.store_rendered_templates  # type: ignore[attr-defined]

    def keep_whole(store: Any, signal: Any, sender: Any, template: Any, context: Any, **others: Any) -> None:
        if context.template is template:
            keep(store, signal, sender, template, context, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "store_rendered_templates", keep_whole)
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _no_stored_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with what the environment gives. Only a change that is committed makes a process read again."""
    monkeypatch.setattr(STORED, "_values", {})
    monkeypatch.setattr(STORED, "_read_at", math.inf)


@pytest.fixture
def plain_pages() -> Iterator[None]:
    """Pages of the admin are not rendered: for tests that look at forms, rows and status alone."""
    with without_templates():
        yield


@pytest.fixture
def shared_ids(settings: SettingsWrapper) -> None:
    """All sources take their IDs from one place."""
    settings.SHARED_ID_SPACES = ["payments", "billing", "crm"]


@pytest.fixture
def autumn_1_0() -> Path:
    """The directory that holds autumn-sdk 1.0.0, to be put first on the path of another process."""
    if not AUTUMN_1_0.is_dir():
        is_missing("autumn", "autumn-sdk 1.0.0 is not in .cache/autumn-1.0: `make test` puts it there")
    return AUTUMN_1_0


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """Chromium without a window."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        is_missing("chromium", "Chromium is not installed, so the pages were not driven in a browser")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which Django takes for a reason to refuse queries.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        chromium = playwright.chromium.launch(executable_path=executable, args=_CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def browser_context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """Where the pages of a module are opened, so that what all of them show is loaded once."""
    context = browser.new_context(base_url=live_server.url, locale="en-US", timezone_id="UTC")
    yield context
    context.close()


@pytest.fixture
def page_problems() -> list[str]:
    """What went wrong in the page so far; a test that provokes an error on purpose clears the list."""
    return []


@pytest.fixture
def page(
    browser_context: BrowserContext,
    live_server: LiveServer,
    page_problems: list[str],
) -> Iterator[Page]:
    """A page at the live server. The test fails on errors in the console (a breach of the content security
    policy is one), uncaught exceptions, and requests that leave this machine.
    """

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            page_problems.append(f"console: {message.text}")

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in {*_LOOPBACK, None}:
            page_problems.append(f"request to another machine: {request.url}")

    page = browser_context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: page_problems.append(f"exception: {error}"))
    page.on("request", watch)
    yield page
    # Whoever comes next is a stranger; only what was loaded stays.
    kinds = {"origin": live_server.url, "storageTypes": "cookies,local_storage"}
    browser_context.new_cdp_session(page).send("Storage.clearDataForOrigin", kinds)
    page.close()
    assert page_problems == []


@pytest.fixture
def sign_in(page: Page, live_server: LiveServer) -> Callable[[User], None]:
    """Signs a user in to the page, without the form."""

    def give_session(user: User) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])

    return give_session
