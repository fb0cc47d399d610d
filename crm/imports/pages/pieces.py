"""What the script of the page of imports asks for: to upload a file piece by piece."""

from __future__ import annotations

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import reverse

from crm.imports.pages.access import check_access
from crm.imports.resumable import (
    CannotUpload,
    WrongPiece,
    add_piece,
    begin_upload,
    finish_upload,
    received,
    remove_upload,
)
from crm.imports.store import PART
from crm.imports.unpack import NotImportable
from crm.models import FileImport
from customers.typed_ids import to_uuid

_LONGEST_NUMBER = 15
_GONE = "There is no such upload. It may have been removed."


def begin(request: HttpRequest) -> HttpResponse:
    """Begin or continue an upload. The answer has its ID, the bytes received so far and the size of a piece."""
    check_access(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    size, stamp = (_number(request.POST.get(name, "")) for name in ("size", "stamp"))
    try:
        found = begin_upload(request.POST.get("name", ""), size, str(stamp), request.user)
    except CannotUpload as problem:
        return JsonResponse({"problem": str(problem)}, status=400)
    return JsonResponse({"id": str(found.pk), "received": received(found), "piece": PART})


def piece(request: HttpRequest, import_id: str) -> HttpResponse:
    """Keep the piece in the body; 409 with how much is here if it is not the next one."""
    check_access(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found = _own(request, import_id)
    if _number(request.headers.get("Content-Length", "")) > PART:
        return JsonResponse({"received": received(found)}, status=413)
    try:
        so_far = add_piece(found, _number(request.GET.get("offset", "")), request.body)
    except WrongPiece:
        return JsonResponse({"received": received(found)}, status=409)
    return JsonResponse({"received": so_far})


def finish(request: HttpRequest, import_id: str) -> HttpResponse:
    """Recognize a file that is whole: the page that is next. One that can't be imported is removed, with a message there."""
    check_access(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found = _own(request, import_id)
    try:
        found = finish_upload(found)
    except WrongPiece:
        return JsonResponse({"received": received(found)}, status=409)
    except NotImportable as problem:
        remove_upload(found)
        messages.error(request, f"{found.name}: {problem}")
        return JsonResponse({"url": reverse("imports"), "is_refused": True})
    except FileImport.DoesNotExist:
        raise Http404(_GONE) from None
    page = "import-map" if found.is_table else "import"
    return JsonResponse({"url": reverse(page, args=[found.pk]), "is_refused": False})


def discard(request: HttpRequest, import_id: str) -> HttpResponse:
    """Remove an upload that is not whole."""
    check_access(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found = _own(request, import_id)
    remove_upload(found)
    messages.success(request, f"Removed {found.name}.")
    return HttpResponseRedirect(reverse("imports"))


def _own(request: HttpRequest, import_id: str) -> FileImport:
    """The upload, if it is the user's own. Raises `Http404`."""
    known = to_uuid(import_id, ("imp",)) is not None
    found = FileImport.objects.filter(pk=import_id, made_by=request.user.pk).first() if known else None
    if found is None:
        raise Http404(_GONE)
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else -1
