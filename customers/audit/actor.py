"""Who acts now, and from where. Imports no models, because `manage.py` sets it before there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


def _nobody() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. `user_id` is looked up only when something is recorded."""

    address: Callable[[], str] = str
    user_id: Callable[[], int | None] = _nobody
    done_by: str = ""


_actor: ContextVar[Actor] = ContextVar("actor", default=Actor())  # noqa: B039 - immutable


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything that is recorded inside is done by `actor`."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def acting_now() -> Actor:
    """Who acts now."""
    return _actor.get()
