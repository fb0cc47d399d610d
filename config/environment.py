"""Read settings from the environment, and report what is wrong with them.

Every problem is collected, so that one start shows all of them. No message repeats a value that may be secret.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from customers.configuration.kinds import Setting, WrongValue

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_CACHES = {"locmemcache", "dbcache", "filecache"}
#: Values that are passwords, or addresses that can contain one.
_SECRET = {"SECRET_KEY", "BACKUP_KEY", "DATABASE_URL", "CACHE_URL", "EMAIL_URL"}
#: What is shown instead of a secret.
HIDDEN = "(hidden)"
_MAIL = {"smtp", "smtp+tls", "smtp+ssl", "filemail", "consolemail"}


class ConfigurationError(Exception):
    """The configuration is wrong. The message names each setting and says what to set it to.

    It is not an `ImproperlyConfigured`, which Django's command line hides until something else fails.
    """


class EnvironmentSettings:
    """The settings in the process environment and in an environment file.

    An empty variable counts as not set. A method that meets a wrong value records the problem and returns its
    default, so that reading continues. `finish` raises.
    """

    def __init__(self, default_file: Path) -> None:
        """Read the file that `ENV_FILE` names (it must exist; empty means none), else `default_file` if it exists.

        Variables of the process take precedence over the file.
        """
        self._problems: list[str] = []
        #: Every name asked for so far, with its value, empty if not set. Secrets are `HIDDEN`.
        self.given_texts: dict[str, str] = {}
        chosen = os.environ.get("ENV_FILE")
        file = default_file if chosen is None else Path(chosen)
        if file.is_file():
            try:
                environ.Env.read_env(file)
            except (OSError, UnicodeDecodeError):
                self.refuse(
                    "ENV_FILE", f"couldn't read {file}. Make it a UTF-8 text file that this user may read"
                )
        elif chosen:
            self.refuse("ENV_FILE", f"there is no file {file}. Set it to the path of an environment file")

    def refuse(self, name: str, problem: str) -> None:
        """Record that the setting `name` is wrong. `problem` says how, and what to set it to."""
        self._problems.append(f"  {name}: {problem}.")

    def finish(self) -> None:
        """Raise `ConfigurationError` with every problem recorded so far, if any."""
        if self._problems:
            raise ConfigurationError(
                "Clientele can't start. Correct these settings:\n" + "\n".join(self._problems)
            )

    def text(self, name: str, default: str = "") -> str:
        """The value of `name` without the space around it."""
        value = os.environ.get(name, "").strip()
        self.given_texts[name] = HIDDEN if value and name in _SECRET else value
        return value or default

    def required(self, name: str, default: str | None, wanted: str) -> str:
        """The value of `name`, which must be set if there is no default. `wanted` says what to set it to."""
        value = self.text(name, default or "")
        if not value:
            self.refuse(name, f"it isn't set. {wanted}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A yes or no."""
        value = self.text(name).lower()
        if value and value not in _TRUE | _FALSE:
            self.refuse(name, "it is neither yes nor no. Set it to 1 or 0")
        return value in _TRUE if value in _TRUE | _FALSE else default

    def number(self, name: str, default: int) -> int:
        """A whole number, 0 or more, of at most nine digits."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            self.refuse(name, f"it is not a whole number. Set it to one, such as {default}")
            return default
        return int(value)

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One word of `allowed`, which are in upper case, read in any case."""
        value = self.text(name, default).upper()
        if value not in allowed:
            self.refuse(name, f"it is unknown. Set it to {', '.join(allowed[:-1])} or {allowed[-1]}")
            return default
        return value

    def given(self, table: Iterable[Setting[Any]]) -> dict[str, Any]:
        """The values that the environment gives to settings of the product, by name; without those it doesn't set."""
        found: dict[str, Any] = {}
        for setting in table:
            name = setting.name if self.text(setting.name) else setting.former_name
            text = self.text(name) if name else ""
            if text:
                try:
                    found[setting.name] = setting.read(text)
                except WrongValue:
                    self.refuse(name, f"{text!r} does not fit. Set it to {setting.wanted}")
        return found

    def names_of(self, name: str, table: Iterable[Setting[Any]]) -> frozenset[str]:
        """Names of settings of the product, separated by commas."""
        names = frozenset(self.names(name, []))
        for unknown in sorted(names - {setting.name for setting in table}):
            self.refuse(name, f"there is no setting {unknown!r} that pages can change. Remove it")
        return names

    def names(self, name: str, default: list[str]) -> list[str]:
        """A list separated by commas, without empty items."""
        value = self.text(name)
        return [item.strip() for item in value.split(",") if item.strip()] if value else default

    def hosts(self, name: str, default: list[str] | None) -> list[str]:
        """Host names without scheme and port (a leading dot stands for every subdomain, `*` for any host)."""
        wanted = "Set it to the host names that people open, separated by commas, such as crm.example.com"
        self.required(name, ",".join(default or ()), wanted)
        hosts = self.names(name, default or [])
        for host in hosts:
            is_ipv6 = host.startswith("[") and host.endswith("]")
            if (":" in host and not is_ipv6) or any(mark in host for mark in "/@ "):
                self.refuse(name, f"{host!r} is not a host name. {wanted}, without scheme, port and path")
        return hosts

    def origins(self, name: str) -> list[str]:
        """Web origins: scheme and host, and a port if there is one."""
        origins = self.names(name, [])
        for origin in origins:
            if not _is_origin(origin):
                self.refuse(
                    name,
                    f"{origin!r} is not an origin. Set it to a scheme and host, such as https://crm.example.com",
                )
        return origins

    def site(self, name: str, hosts: list[str], *, development: bool) -> str:
        """The origin at which people open Clientele. By default the first of `hosts` that is a whole name."""
        value = self.text(name)
        if value and not _is_origin(value):
            self.refuse(
                name, "it is not an origin. Set it to a scheme and host, such as https://crm.example.com"
            )
        if value or development:
            return value or "http://localhost:8000"
        whole = [host for host in hosts if host != "*" and not host.startswith(".")]
        return f"https://{whole[0]}" if whole else "https://localhost"

    def header(self, name: str) -> tuple[str, str] | None:
        """A request header and the value it must have (`X-Forwarded-Proto: https`), in the form Django compares."""
        value = self.text(name)
        if not value:
            return None
        header, _, wanted = (part.strip() for part in value.partition(":"))
        if not header.replace("-", "").isalnum() or not wanted:
            self.refuse(
                name, "it is not a header with a value. Set it to one, such as X-Forwarded-Proto: https"
            )
            return None
        return f"HTTP_{header.upper().replace('-', '_')}", wanted

    def time_zone(self, name: str, default: str) -> str:
        """The name of a time zone in the IANA database."""
        value = self.text(name, default)
        try:
            zoneinfo.ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self.refuse(name, f"{value!r} is not a time zone. Set it to an IANA name, such as Europe/Berlin")
            return default
        return value

    def cache(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings of a cache, from its URL."""
        url = self.text(name, default)
        if urlsplit(url).scheme not in _CACHES:
            self.refuse(
                name, "it is not a cache URL. Set it to dbcache://TABLE, filecache:///PATH or locmemcache://"
            )
            url = default
        found: dict[str, Any] = environ.Env.cache_url_config(url)
        return found

    def mail(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings of a mail server, from its URL. Without one, mail goes nowhere."""
        url = self.text(name, default)
        if url and not _is_mail(url):
            self.refuse(
                name,
                "it is not the URL of a mail server. Set it to smtp+tls://USER:PASSWORD@HOST:587,"
                " smtp+ssl://USER:PASSWORD@HOST:465, smtp://HOST:25 or filemail:///PATH",
            )
            url = default
        found: dict[str, Any] = environ.Env.email_url_config(url or "dummymail://")
        return found


def _is_mail(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_known = parts.scheme in _MAIL and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    if parts.scheme == "filemail":
        return parts.path.startswith("/") and len(parts.path) > 1
    return is_known and (bool(parts.hostname) or parts.scheme == "consolemail")


def _is_origin(text: str) -> bool:
    """Whether the text is `http://` or `https://` with a host, perhaps a port, and nothing else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    netloc = (parts.hostname or "") + (f":{port}" if port else "")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and text == f"{parts.scheme}://{netloc}"
