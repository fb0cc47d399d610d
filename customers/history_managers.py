"""Make the class of history managers once, not at every access to a model's `history`."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from simple_history.manager import HistoryManager


class SharedClassManager(HistoryManager):
    """A history manager whose combination with a queryset class is one class for all models.

    django-simple-history builds that class anew whenever `history` is accessed, which takes longer than most queries
    and which every save does. A new manager class also empties Python's attribute caches of all managers.
    """

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: type[QuerySet], class_name: str | None = None) -> Any:
        """The class of managers with the methods of `queryset_class`."""
        return super().from_queryset(queryset_class, class_name)


def install() -> None:
    """Let every model with a history use `SharedClassManager`, except one that has a manager of its own."""
    for model in apps.get_models():
        name = getattr(model._meta, "simple_history_manager_attribute", None)
        descriptor = vars(model).get(name) if name else None
        if descriptor is not None and descriptor.manager_class is HistoryManager:
            descriptor.manager_class = SharedClassManager
