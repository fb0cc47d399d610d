"""A mail server on this machine whose mood the test sets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SmtpServer:
    """Takes emails for `mood` "well"; answers RCPT with a mood such as "550 no such user"; stays silent if it "hangs"."""

    def __init__(self, listener: socket.socket) -> None:
        self.mood = "well"
        self.messages: list[str] = []
        self.port: int = listener.getsockname()[1]
        self._listener = listener

    def serve(self) -> None:
        """Answer one client after the other, until the socket is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                try:
                    self._talk(client)
                except OSError:
                    continue

    def _talk(self, client: socket.socket) -> None:
        if self.mood == "hangs":
            client.recv(1)
            return
        lines = client.makefile("rb")
        client.sendall(b"220 ready\r\n")
        while line := lines.readline():
            verb = line.split()[0].upper()
            answer = "250 ok"
            if verb == b"RCPT" and self.mood != "well":
                answer = self.mood
            if verb == b"DATA":
                client.sendall(b"354 go\r\n")
                text = []
                while (part := lines.readline()) != b".\r\n":
                    text.append(part.decode())
                self.messages.append("".join(text))
            client.sendall(answer.encode() + b"\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    """A server on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = SmtpServer(listener)
        threading.Thread(target=server.serve, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
