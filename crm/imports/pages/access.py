"""Who may import files, and the import that a page is about."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest

from crm.models import FileImport

PERMISSIONS = ("customers.view_customer", "crm.add_fileimport")

#: The steps of an import, and the state that each is of.
STEPS = ("Upload", "Map columns", "Preview", "Result")


def check_access(request: HttpRequest) -> None:
    """Raise `PermissionDenied` for users who may not import files."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied


def wanted(request: HttpRequest, import_id: str) -> FileImport:
    """The import with this ID. Raises `PermissionDenied` and `Http404`."""
    check_access(request)
    try:
        found = (
            FileImport.objects.select_related("made_by", "reverted_by", "mapping")
            .filter(pk=import_id)
            .exclude(state=FileImport.State.UPLOADING)
            .first()
        )
    except ValidationError:
        found = None
    if found is None:
        raise Http404("There is no such import. Its file may have been removed.")
    return found


def steps(current: str, *, is_table: bool = True) -> list[tuple[str, str]]:
    """The steps with `done`, `current` or nothing."""
    names = [name for name in STEPS if is_table or name != "Map columns"]
    at = names.index(current)
    return [
        (name, "done" if place < at else "current" if place == at else "") for place, name in enumerate(names)
    ]
