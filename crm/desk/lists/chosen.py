"""The columns of a list that a user chose."""

from __future__ import annotations

from typing import Any

from crm.desk.lists.column import RowList


def chosen_columns(user: Any, row_list: RowList) -> list[str] | None:
    """The names of the columns that the user chose; None if they chose none yet."""
    return None
