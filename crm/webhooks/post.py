"""Post to an address that an operator entered, without letting it reach what only this server can reach.

The name is resolved once, and the connection is made to the address that was checked: a name that resolves differently
a moment later gains nothing. Redirects are not followed. The whole exchange has a deadline, and the response a limit.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

#: Seconds for each step, and for the whole exchange.
_TIMEOUT = 10.0
_DEADLINE = 20.0
_LONGEST_RESPONSE = 2000

#: Addresses that stand for IPv4 addresses, which may be private.
_TRANSLATED = [
    ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]


class NotSent(Exception):
    """No response. The message says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """The status and the start of the body."""

    status: int
    text: str

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took the message."""
        return 200 <= self.status < 300


def problem_with(url: str) -> str:
    """Why nothing may be sent to this URL; empty if something may. Doesn't resolve the name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "Enter a complete URL, such as https://example.com/hook."
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        return "Enter a complete URL, such as https://example.com/hook."
    if parts.scheme == "http" and not settings.WEBHOOK_PRIVATE_ADDRESSES:
        return "Enter a URL that begins with https://."
    if parts.username is not None or parts.password is not None:
        return "Leave out user name and password. Check the signature instead."
    if _is_address(parts.hostname) and not is_allowed(parts.hostname):
        return "Enter a public address. This one is private."
    return ""


def is_allowed(address: str) -> bool:
    """Whether connections to an IP address are allowed: private ones only if the installation allows it."""
    if settings.WEBHOOK_PRIVATE_ADDRESSES:
        return True
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_allowed(str(parsed.ipv4_mapped))
        if any(parsed in network for network in _TRANSLATED):
            return False
    return parsed.is_global and not parsed.is_multicast


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Response:
    """Post a body. Raises `NotSent`."""
    if problem := problem_with(url):
        raise NotSent(problem)
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        return _exchange(parts, _connected(host, port), body, headers)
    except ssl.SSLCertVerificationError as error:
        raise NotSent("The certificate of the server is not valid.") from error
    except TimeoutError as error:
        raise NotSent("The server didn't answer in time.") from error
    except ConnectionRefusedError as error:
        raise NotSent("The server refused the connection.") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotSent("The connection failed, or the server closed it.") from error


def _connected(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent("The name of the server is unknown.") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(map(is_allowed, addresses)):
        raise NotSent("The name of the server leads to a private address.")
    for address in addresses[:-1]:
        try:
            return socket.create_connection((address, port), timeout=_TIMEOUT)
        except OSError:
            continue
    return socket.create_connection((addresses[-1], port), timeout=_TIMEOUT)


def _exchange(parts: SplitResult, plain: socket.socket, body: bytes, headers: Mapping[str, str]) -> Response:
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        try:
            plain.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    # A server that sends a byte now and then would pass every timeout of a single step.
    deadline = threading.Timer(_DEADLINE, give_up)
    deadline.daemon = True
    deadline.start()
    connection = http.client.HTTPConnection(str(parts.hostname), timeout=_TIMEOUT)
    try:
        if parts.scheme == "https":
            # The plain socket is kept for the deadline: it shares the connection.
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(plain.dup(), server_hostname=parts.hostname)
        else:
            connection.sock = plain.dup()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers={"Host": parts.netloc, **headers})
        response = connection.getresponse()
        text = response.read(_LONGEST_RESPONSE).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        if is_late.is_set():
            raise TimeoutError from error
        raise
    finally:
        deadline.cancel()
        connection.close()
        plain.close()
    return Response(response.status, text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
