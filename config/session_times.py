"""What a session keeps of its sign-in. Imports no models, because the app connects it before there are any."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

#: Keys of a session: seconds since 1970.
BEGAN, SEEN = "signed_in_at", "seen_at"


def signed_in(request: HttpRequest | None, **_: Any) -> None:
    """Begin the time of a session. A receiver of `user_logged_in`."""
    if request is not None:
        request.session[BEGAN] = request.session[SEEN] = int(time.time())
