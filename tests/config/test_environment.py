"""Single settings: what is accepted, and what is refused with the setting's name and no secret."""

from pathlib import Path

import pytest

from config.database import database
from config.environment import ConfigurationError, EnvironmentSettings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> EnvironmentSettings:
    monkeypatch.setenv("ENV_FILE", "")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return EnvironmentSettings(Path("there-is-none"))


def refusal(environment: EnvironmentSettings) -> str:
    with pytest.raises(ConfigurationError) as caught:
        environment.finish()
    return str(caught.value)


def test_right_values_are_read(environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOW", " Yes ")
    monkeypatch.setenv("COUNT", "12")
    monkeypatch.setenv("HOSTS", "crm.example.com, .example.org,[::1],")
    monkeypatch.setenv("ORIGINS", "https://crm.example.com,http://localhost:8000")
    monkeypatch.setenv("PROXY", "X-Forwarded-Proto: https")
    monkeypatch.setenv("ZONE", "Asia/Kathmandu")
    assert environment.flag("NOW", default=False) is True
    assert environment.number("COUNT", 3) == 12
    assert environment.hosts("HOSTS", None) == ["crm.example.com", ".example.org", "[::1]"]
    assert environment.origins("ORIGINS") == ["https://crm.example.com", "http://localhost:8000"]
    assert environment.header("PROXY") == ("HTTP_X_FORWARDED_PROTO", "https")
    assert environment.time_zone("ZONE", "UTC") == "Asia/Kathmandu"
    environment.finish()


def test_what_is_set_to_nothing_is_not_set(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X", "")
    assert environment.flag("X", default=True) is True
    assert environment.number("X", 3) == 3
    assert environment.names("X", ["a"]) == ["a"]
    assert environment.header("X") is None
    assert environment.text("X", "default") == "default"
    environment.finish()


@pytest.mark.parametrize(
    ("method", "value", "words"),
    [
        ("flag", "maybe", "Set it to 1 or 0"),
        ("number", "ten", "not a whole number"),
        ("number", "-1", "not a whole number"),
        ("number", "1.5", "not a whole number"),
        ("number", "٣", "not a whole number"),
        ("number", "9" * 5000, "not a whole number"),
        ("hosts", "https://crm.example.com", "'https://crm.example.com' is not a host name"),
        ("hosts", "crm.example.com:8000", "is not a host name"),
        ("hosts", "crm.example.com/admin", "is not a host name"),
        ("hosts", "", "isn't set"),
        ("origins", "crm.example.com", "'crm.example.com' is not an origin"),
        ("origins", "https://crm.example.com/", "is not an origin"),
        ("origins", "https://crm.example.com:port", "is not an origin"),
        ("origins", "https://", "is not an origin"),
        ("header", "X-Forwarded-Proto", "not a header with a value"),
        ("header", "X Forwarded: https", "not a header with a value"),
        ("time_zone", "Mars/Olympus", "'Mars/Olympus' is not a time zone"),
        ("time_zone", "../etc/passwd", "is not a time zone"),
        ("cache", "redis://cache.example.com", "not a cache URL"),
        ("mail", "mail.example.com", "not the URL of a mail server"),
        ("mail", "https://mail.example.com", "not the URL of a mail server"),
        ("mail", "smtp://", "not the URL of a mail server"),
        ("mail", "smtp://[", "not the URL of a mail server"),
        ("mail", "smtp+tls://mail.example.com:port", "not the URL of a mail server"),
        ("mail", "filemail://emails", "not the URL of a mail server"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch, method: str, value: str, words: str
) -> None:
    monkeypatch.setenv("THE_SETTING", value)
    match method:
        case "flag":
            environment.flag("THE_SETTING", default=False)
        case "number":
            environment.number("THE_SETTING", 3)
        case "hosts":
            environment.hosts("THE_SETTING", None)
        case "time_zone":
            environment.time_zone("THE_SETTING", "UTC")
        case "cache":
            environment.cache("THE_SETTING", "locmemcache://")
        case "mail":
            environment.mail("THE_SETTING", "")
        case _:
            getattr(environment, method)("THE_SETTING")
    message = refusal(environment)
    assert "\n  THE_SETTING: " in message
    assert words in message


def test_all_problems_are_told_at_once(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST", "maybe")
    environment.flag("FIRST", default=False)
    environment.required("SECOND", None, "Set it to a word")
    assert refusal(environment).splitlines()[1:] == [
        "  FIRST: it is neither yes nor no. Set it to 1 or 0.",
        "  SECOND: it isn't set. Set it to a word.",
    ]


def test_a_file_fills_in_what_the_process_environment_leaves_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings"
    file.write_text("CLIENTELE_TEST_A=from the file\nCLIENTELE_TEST_B=from the file\n")
    monkeypatch.setenv("CLIENTELE_TEST_A", "from the process")
    monkeypatch.setenv("CLIENTELE_TEST_B", "removed after the test")
    monkeypatch.delenv("CLIENTELE_TEST_B")
    monkeypatch.setenv("ENV_FILE", str(file))
    environment = EnvironmentSettings(tmp_path / "not this")
    assert environment.text("CLIENTELE_TEST_A") == "from the process"
    assert environment.text("CLIENTELE_TEST_B") == "from the file"


def test_a_file_that_was_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "nothing"))
    assert "\n  ENV_FILE: there is no file" in refusal(EnvironmentSettings(tmp_path / "default"))


def test_without_a_url_the_database_is_a_file_of_the_project(
    environment: EnvironmentSettings, tmp_path: Path
) -> None:
    config = database(environment, tmp_path)
    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["NAME"] == tmp_path / "db.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_an_absolute_path_of_sqlite_stays_absolute(
    environment: EnvironmentSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/x.sqlite3")
    assert database(environment, Path("/elsewhere"))["NAME"] == tmp_path / "x.sqlite3"
    environment.finish()


def test_postgresql_is_pooled_and_prepares(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:p%40ss@db.example.com:5433/crm?sslmode=require")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    config = database(environment, Path())
    environment.finish()
    assert (config["USER"], config["PASSWORD"]) == ("ada", "p@ss")
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example.com", 5433, "crm")
    assert config["OPTIONS"]["server_side_binding"] is True
    assert config["OPTIONS"]["prepare_threshold"] == 1
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["pool"]["max_size"] == 7


@pytest.mark.parametrize(
    ("size", "query"), [("0", ""), ("7", "?CONN_MAX_AGE=60"), ("7", "?CONN_MAX_AGE=None")]
)
def test_postgresql_without_a_pool(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch, size: str, query: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://db.example.com/crm{query}")
    monkeypatch.setenv("DATABASE_POOL_SIZE", size)
    config = database(environment, Path())
    environment.finish()
    assert "pool" not in config["OPTIONS"]


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "hunter2.sqlite3",
        "postgresql:hunter2",
        "mysql://ada:hunter2@db.example.com/crm",
        "postgresql://ada:hunter2@db.example.com:port/crm",
        "postgresql://ada:hunter2#1@db.example.com/crm",
        "postgresql://ada:hunter2@db.example.com:99999/crm",
        "postgresql://ada:hunter2@db.example.com:0/crm",
        "postgresql://ada:hunter2@db.example.com",
        "postgresql://ada:hunter2@[db.example.com/crm",
        "postgresql://ada:hunter2@db.example.com/crm?nonsense=1",
        "postgresql://ada:hunter2@db.example.com/crm?CONN_MAX_AGE=long",
        "postgresql://ada:hunter2@db.example.com/crm?ATOMIC_REQUESTS=True",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite://hunter2.sqlite3",
        "sqlite:///no/such/directory/x.sqlite3",
        "sqlite:////",
        "sqlite:///x.sqlite3?hunter2=1",
    ],
)
def test_a_wrong_database_url_is_refused_without_showing_it(
    environment: EnvironmentSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    database(environment, tmp_path)
    message = refusal(environment)
    assert "\n  DATABASE_URL: " in message
    assert "Set it to postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp+tls://jane%40example.com:p%2Fw@mail.example.com:587",
            ("smtp", "mail.example.com", 587, "jane@example.com", "p/w"),
        ),
        ("smtp+ssl://mail.example.com:465", ("smtp", "mail.example.com", 465, "", "")),
        ("", ("dummy", "", None, "", "")),
    ],
)
def test_a_mail_server_is_read_from_its_url(
    environment: EnvironmentSettings,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    expected: tuple[str, str, int | None, str, str],
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = environment.mail("EMAIL_URL", "")
    kind = found["EMAIL_BACKEND"].split(".")[-2]
    names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD")
    host, port, user, password = (found.get(name) for name in names)
    assert (kind, host or "", port, user or "", password or "") == expected
    environment.finish()
