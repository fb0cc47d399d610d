"""Find users by the names that files give them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from customers.readings.folding import folded


class Users:
    """The active users, by every form of their name that means one of them only."""

    def __init__(self) -> None:
        self._found: dict[str, Any] | None = None

    def named(self, text: str) -> Any:
        """The user called `text`: by user name, email, full name, or initial and last name. None if unclear."""
        if self._found is None:
            self._found = self._read()
        return self._found.get(_form(text))

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for user in get_user_model()._default_manager.filter(is_active=True).order_by("pk"):
            first, last = user.first_name.strip(), user.last_name.strip()
            forms = {user.get_username(), user.email, f"{first} {last}", f"{last}, {first}"}
            if first and last:
                forms |= {f"{first[0]}. {last}", f"{first[0]} {last}"}
            for form in {_form(each) for each in forms} - {""}:
                found[form] = None if form in found and found[form] != user else user
        return found


def _form(text: str) -> str:
    return " ".join(folded(text).replace(",", " ").replace(".", " ").split())
