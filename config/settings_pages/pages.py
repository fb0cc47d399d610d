"""The views: the index, and the page of a group with its form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from config.settings_pages.groups import CHANGE, GROUPS, SECTIONS, VIEW, Entry, Section
from config.settings_pages.history import history_of
from config.settings_pages.previews import preview_of
from config.settings_pages.rows import Row, read_rows
from crm.jobs.refresh import REFRESH
from crm.jobs.resolve import RESOLVE
from crm.queue import enqueue
from customers.configuration.kinds import FollowUp, Setting
from customers.configuration.table import BY_NAME, TABLE
from customers.configuration.values import SettingLocked, reset, store
from customers.formats import listed
from customers.models import StoredSetting

#: The job that does the work after a change, and what the page says about it.
_JOBS = {
    FollowUp.REFRESH: (REFRESH, "Lists, the worklist and health scores follow in the background."),
    FollowUp.RESOLVE: (RESOLVE, "Customers follow in the background."),
}


def settings_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """The index of settings: what the user may see, and with `q` only what has these words."""
    words = request.GET.get("q", "").strip()
    sections = [(section.title, lines) for section in SECTIONS if (lines := _lines(request, section, words))]
    return TemplateResponse(
        request,
        "config/settings/index.html",
        {**site.each_context(request), "title": "Settings", "sections": sections, "words": words},
    )


def group_page(request: HttpRequest, group: str, site: UnfoldAdminSite) -> HttpResponse:
    """The settings of one group. POST saves, or previews with `preview`."""
    if group not in GROUPS:
        raise Http404
    _refuse_without(request, CHANGE if request.method == "POST" else VIEW)
    settings = [setting for setting in TABLE if setting.group == group]
    rows = read_rows(settings, _stored(settings), request.POST if request.method == "POST" else None)
    preview = None
    if request.method == "POST" and not any(row.error for row in rows):
        if "preview" in request.POST:
            preview = preview_of(group, {row.setting.name: row.value for row in rows})
        else:
            rows = _save(request, settings)
            if not any(row.error for row in rows):
                return HttpResponseRedirect(reverse("settings-group", args=[group]))
    return TemplateResponse(
        request,
        "config/settings/group.html",
        {
            **site.each_context(request),
            "title": GROUPS[group].title,
            "group": group,
            "rows": rows,
            "may_change": request.user.has_perm(CHANGE),
            "has_preview": group in {"health", "trust"},
            "preview": preview,
            "history": history_of(settings),
        },
    )


def reset_page(request: HttpRequest, group: str, site: UnfoldAdminSite) -> HttpResponse:
    """Take back the change of one setting, unless someone has changed it since the page was opened."""
    _refuse_without(request, CHANGE)
    setting = BY_NAME.get(request.POST.get("setting", ""))
    if request.method != "POST" or setting is None or setting.group != group:
        raise Http404
    with transaction.atomic():
        row = read_rows([setting], _stored([setting], lock=True))[0]
        if row.is_locked:
            messages.error(request, f"{setting.label} is locked for this installation. Nothing was changed.")
        elif request.POST.get("seen") != row.current:
            messages.error(
                request, f"Someone else just changed {setting.label}. Review it, then reset it again."
            )
        else:
            reset(setting, _user(request))
            messages.success(request, f"Reset {setting.label}. {_follow(request, [setting])}".strip())
    return HttpResponseRedirect(reverse("settings-group", args=[group]))


def _save(request: HttpRequest, settings: Sequence[Setting[Any]]) -> list[Row]:
    """Store what the user changed, all or nothing. Returns the rows, with errors if nothing was stored."""
    try:
        with transaction.atomic():
            rows = read_rows(settings, _stored(settings, lock=True), request.POST)
            if any(row.error for row in rows):
                return rows
            changed = [row.setting for row in rows if row.is_changed]
            for row in rows:
                if row.is_changed:
                    store(row.setting, row.value, _user(request))
            follow = _follow(request, changed)
    except (IntegrityError, SettingLocked):
        # Another request stored a first value at the same moment, or the installation was locked in between.
        return read_rows(settings, _stored(settings), request.POST)
    if changed:
        labels = listed([setting.label.lower() for setting in changed])
        messages.success(request, f"Saved {labels}. {follow}".strip())
    else:
        messages.info(request, "Nothing to save.")
    return rows


def _follow(request: HttpRequest, changed: Sequence[Setting[Any]]) -> str:
    """Request the jobs that the changed settings need, and say so."""
    sentences = []
    for follow_up in sorted(
        {setting.follow_up for setting in changed} & _JOBS.keys(), key=lambda it: it.value
    ):
        kind, sentence = _JOBS[follow_up]
        # Without a key: a job that waits already may begin before this transaction ends.
        enqueue(kind, by=request.user)
        sentences.append(sentence)
    return " ".join(sentences)


def _stored(settings: Sequence[Setting[Any]], *, lock: bool = False) -> dict[str, StoredSetting]:
    rows = StoredSetting.objects.filter(pk__in=[setting.name for setting in settings])
    if lock:
        rows = rows.select_for_update(of=("self",))
    return {row.name: row for row in rows.select_related("changed_by")}


def _lines(request: HttpRequest, section: Section, words: str) -> list[tuple[Entry, str, str]]:
    """The entries for this user, each with its address and current value."""
    return [
        (entry, _address(entry), entry.current(request.user))
        for entry in section.entries
        if (not entry.permission or request.user.has_perm(entry.permission)) and entry.matches(words)
    ]


def _address(entry: Entry) -> str:
    return reverse("settings-group", args=[entry.group]) if entry.group else reverse(entry.url_name)


def _refuse_without(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _user(request: HttpRequest) -> Any:
    return request.user
