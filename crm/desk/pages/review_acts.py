"""What users decide on the review page, and how they undo it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from crm.dedupe.duplicates.review import decide
from crm.dedupe.links.link import CannotLink, link_records
from crm.dedupe.merges.plan import PERMISSION
from crm.dedupe.merges.unmerge import CannotUnmerge, unmerge
from crm.models import DuplicatePair, Merge
from customers import clock
from customers.formats import counted
from customers.models import SourceRecord
from customers.typed_ids import to_uuid

DECIDE = "crm.change_duplicatepair"
_LATER = timedelta(days=30)
_MOST = 50
_Decision = DuplicatePair.Decision
_DONE = {
    _Decision.NOT_DUPLICATES: "Marked as not duplicates",
    _Decision.LATER: "Snoozed for 30 days",
    _Decision.OPEN: "Reopened",
}


def act(request: HttpRequest) -> HttpResponse:
    """Do what was posted: link records, decide about a pair, or undo either."""
    page = reverse("desk-review")
    if "unlink" in request.GET:
        _unlink(request)
    elif "reopen" in request.GET:
        _decide(request, request.GET["reopen"], _Decision.OPEN)
    elif "link" in request.POST:
        _link(request)
    else:
        for name, decision in (
            ("not_duplicates", _Decision.NOT_DUPLICATES),
            ("later", _Decision.LATER),
            ("open", _Decision.OPEN),
        ):
            if name in request.POST:
                _decide(request, request.POST[name], decision)
    return HttpResponseRedirect(page)


def _decide(request: HttpRequest, key: str, decision: DuplicatePair.Decision) -> None:
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    pairs: Any = (
        DuplicatePair.objects.filter(pk=key) if to_uuid(key, ("dup",)) else DuplicatePair.objects.none()
    )
    pair = pairs.select_related("a", "b").first()
    until = clock.now() + _LATER if decision == _Decision.LATER else None
    if pair is None or not decide(pairs, decision, by=request.user, until=until):
        messages.warning(request, "This pair was merged, or is no longer there.")
        return
    undo = f"undo:{reverse('desk-review')}?{urlencode({'reopen': key})}" if decision != _Decision.OPEN else ""
    messages.success(request, f"{_DONE[decision]}: {pair}.", extra_tags=undo)


def _link(request: HttpRequest) -> None:
    """Link the record of each chosen pair, named as `record:customer`, all or none."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    one = request.POST["link"]
    chosen = [one] if one else request.POST.getlist("pair")
    wanted = [each.partition(":") for each in chosen[:_MOST]]
    keys = [key for key, _, _ in wanted if to_uuid(key, ("src",)) is not None]
    records = {str(row.pk): row for row in SourceRecord.objects.filter(pk__in=keys)}
    merges: list[Merge] = []
    try:
        with transaction.atomic():
            for key, _, goal in wanted:
                if key in records and to_uuid(goal, ("cus",)) is not None:
                    done = link_records([records[key]], goal, by=request.user, reason="Suggested link")
                    merges += [each.merge for each in done]
    except CannotLink as problem:
        messages.warning(request, str(problem))
        return
    if not merges:
        messages.warning(request, "Select records first.")
        return
    query = urlencode({"unlink": ",".join(str(merge.pk) for merge in merges)})
    messages.success(
        request,
        f"Linked {counted(len(merges), 'record')}.",
        extra_tags=f"undo:{reverse('desk-review')}?{query}",
    )


def _unlink(request: HttpRequest) -> None:
    """Undo the links of one act, all or none."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    keys = [key for key in request.GET["unlink"].split(",")[:_MOST] if to_uuid(key, ("merge",)) is not None]
    merges = list(Merge.objects.filter(pk__in=keys, made_by=request.user.pk).order_by("-made_at", "-pk"))
    try:
        with transaction.atomic():
            for merge in merges:
                unmerge(merge, by=request.user)
    except CannotUnmerge as problem:
        messages.warning(request, str(problem))
        return
    if merges:
        messages.success(request, f"Undone. {counted(len(merges), 'record')} stands apart again.")
    else:
        messages.warning(request, "There is nothing to undo.")
