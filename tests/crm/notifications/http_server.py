"""A receiver of webhooks on this machine whose mood the test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Answers with `status` after `delay` seconds, and keeps what came."""

    def __init__(self) -> None:
        self.status, self.delay, self.url = 200, 0.0, ""
        self.messages: list[tuple[dict[str, str], bytes]] = []


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(found.delay)
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", found.url)
            self.end_headers()
            self.wfile.write(b"Thanks. " * 1000)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()
