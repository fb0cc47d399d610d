"""Acts: a form with a preview of its effect, in a sheet over a page, or as a page of its own without JavaScript.

An act is a subclass of `Act`. `sheet.js` opens links with `data-sheet` in a dialog and asks for a new preview on input. An
act is done only if what it was previewed from, and the form, are still the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import Model
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from customers import clock
from customers.formats import customer_url
from customers.models import Customer
from customers.signals import act_done

CHANGED = "Review the preview and confirm again. Something changed after the last preview."
#: How long a preview applies at its own moment. An older one is done at the present moment.
_FRESH = timedelta(minutes=15)
#: Sent by `sheet.js`, with the step: `open`, `live` or `do`.
_HEADER = "X-Sheet"
_OWN = ("next", "seen", "previewed", "at")


class Refused(Exception):
    """The act can't be done; the message is a sentence that says why, or what to do."""


class Changed(Refused):
    """What the act was previewed from has changed since."""

    def __init__(self) -> None:
        super().__init__(CHANGED)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a preview: a figure, and what it was before if it changes."""

    label: str
    value: str
    was: str = ""
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a preview under a heading."""

    title: str
    lines: Sequence[Line]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an act would do. `seen` is the version token of what it was computed from."""

    button: str
    blocks: Sequence[Block] = ()
    notes: Sequence[str] = ()
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an act did, and where to undo it."""

    message: str
    undo_url: str = ""
    back: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is done to, if it isn't the customer itself."""

    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value for a field, offered beside it."""

    field: str
    text: str
    button: str
    value: str


class SheetForm(forms.Form):
    """A form in a sheet. `pairs` are fields that stand side by side."""

    pairs: ClassVar[Sequence[tuple[str, str]]] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "sheet_%s", **options})

    def grouped(self) -> list[list[forms.BoundField]]:
        """The visible fields in rows of one or two."""
        seconds = dict(self.pairs)
        visible = {each.name: each for each in self.visible_fields()}
        rows = []
        for name in list(visible):
            if name in visible:
                row = [visible.pop(name)]
                if (second := seconds.get(name, "")) in visible:
                    row.append(visible.pop(second))
                rows.append(row)
        return rows


@dataclass(slots=True)
class _Shown:
    """What the template shows beside the form."""

    preview: Preview | None = None
    problem: str = ""
    previewed: str = ""


class Act:
    """One act on a row. A subclass sets the class variables and implements `form`, `preview` and `do`."""

    name: ClassVar[str]
    title: ClassVar[str]
    #: A sentence above the fields.
    about: ClassVar[str] = ""
    #: The button while there is no preview.
    verb: ClassVar[str]
    #: The user needs all of them.
    permissions: ClassVar[tuple[str, ...]]
    #: The models of the rows that the act is done to: the key in the URL is a row of one of them.
    models: ClassVar[tuple[type[Model], ...]]
    #: Exceptions whose message is a sentence for the user.
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    way_out: ClassVar[str] = "Cancel"
    is_dangerous: ClassVar[bool] = False
    #: Names and values that the form sends along.
    sent_along: Sequence[tuple[str, str]] = ()
    #: Whether the form must be that of the preview. An act whose form shows all that it does needs no second look.
    is_previewed: ClassVar[bool] = True

    def __init__(self, request: HttpRequest, row: Any, at: datetime) -> None:
        self.request, self.row, self.at = request, row, at
        self.by = request.user.get_username()

    @classmethod
    def allowed(cls, may: Callable[[str], bool]) -> bool:
        """Whether a user with these permissions may do it."""
        return all(map(may, cls.permissions))

    @classmethod
    def all_refusals(cls) -> tuple[type[Exception], ...]:
        """The exceptions whose message is shown to the user."""
        return Refused, *cls.refusals

    @property
    def customer(self) -> Customer:
        """The customer that the act concerns."""
        return self.row if isinstance(self.row, Customer) else self.row.customer

    @property
    def address(self) -> str:
        """Where the form is sent to."""
        return self.request.path

    def heading(self) -> str:
        """The title of the sheet."""
        return self.title

    def subject(self) -> str:
        """The line below the title."""
        return str(self.customer)

    def home(self) -> str:
        """Where to go afterward if it wasn't opened from a page."""
        return customer_url(self.customer.pk)

    def target(self, form: Any) -> Target | None:
        """What the act is done to, as chosen in the form."""
        return None

    def suggestion(self, form: Any) -> Suggestion | None:
        """A value that is offered for a field."""
        return None

    def notes(self, form: Any) -> Sequence[str]:
        """Facts to know before choosing."""
        return ()

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> Any:
        """The form, bound to `data` if it was sent. `initial` are values from the URL."""
        raise NotImplementedError

    def preview(self, form: Any) -> Preview:
        """What the act would do with a valid form. Raises `Refused` or one of `refusals`."""
        raise NotImplementedError

    def do(self, form: Any, seen: str) -> Done:
        """Do it if the version token is still `seen`. Raises `Changed`, `Refused` or one of `refusals`."""
        raise NotImplementedError


def act_url(name: str, row: Any, **values: Any) -> str:
    """The URL of the act `name` on a row, or on the row with this key. `values` are chosen in its form."""
    url = reverse(f"act-{name}", args=[getattr(row, "pk", row)])
    return f"{url}?{urlencode(values)}" if values else url


def act_path(act: type[Act]) -> URLPattern:
    """The URL pattern of an act."""

    def view(request: HttpRequest, key: str) -> HttpResponse:
        return _respond(act, request, key)

    return path(f"act/{act.name}/<str:key>/", admin.site.admin_view(view), name=f"act-{act.name}")


def undo_path(
    name: str,
    models: Sequence[type[Model]],
    permissions: Sequence[str],
    undo: Callable[[HttpRequest, Any], Done],
    refusals: tuple[type[Exception], ...] = (),
    customer_of: Callable[[Any], Customer] = lambda row: row.customer,
) -> URLPattern:
    """The URL pattern of an undo, which a toast offers: by POST, with a message, back to the page it came from."""

    all_refusals: tuple[type[Exception], ...] = (Refused, *refusals)

    def view(request: HttpRequest, key: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perms(permissions):
            raise PermissionDenied
        row = found_row(models, key)
        customer = row if isinstance(row, Customer) else customer_of(row)
        back = page_before(request) or customer_url(customer.pk)
        try:
            done = undo(request, row)
        except all_refusals as problem:
            messages.error(request, f"Couldn't undo. {problem}")
            return HttpResponseRedirect(back)
        act_done.send(Customer, customer_id=str(customer.pk))
        return succeed(request, done, done.back or back)

    return path(f"undo/{name}/<str:key>/", admin.site.admin_view(view), name=f"undo-{name}")


def _local(url: str) -> str:
    """`url` if it is an address on this site, else an empty text."""
    return url if url.startswith("/") and url_has_allowed_host_and_scheme(url, None) else ""


def page_before(request: HttpRequest) -> str:
    """The page that the user came from, as told by `next` or by the browser; empty if that is none of ours."""
    told = request.POST.get("next") or request.GET.get("next")
    if told:
        return _local(told)
    referrer = urlsplit(request.headers.get("Referer", ""))
    if referrer.netloc != request.get_host() or "/act/" in referrer.path:
        return ""
    return _local(f"{referrer.path}{'?' if referrer.query else ''}{referrer.query}")


def succeed(request: HttpRequest, done: Done, back: str) -> HttpResponse:
    """Go back to the page with a toast that says what was done; to `sheet.js`, tell where to go."""
    for warning in done.warnings:
        messages.warning(request, warning)
    if done.message:
        messages.success(request, done.message, extra_tags=f"undo:{done.undo_url}" if done.undo_url else "")
    if _HEADER in request.headers:
        return HttpResponse(status=204, headers={"X-Sheet-Back": back})
    return HttpResponseRedirect(back)


def found_row(models: Sequence[type[Model]], key: str, related: Sequence[str] = ()) -> Any:
    """The row of one of the models with this key. Raises `Http404`."""
    for model in models:
        names = [
            name for name in ("customer", *related) if name in {each.name for each in model._meta.fields}
        ]
        try:
            row = model._default_manager.select_related(*names).filter(pk=key).first()
        except ValidationError:
            continue
        if row is not None:
            return row
    raise Http404


def _respond(act: type[Act], request: HttpRequest, key: str) -> HttpResponse:
    if not act.allowed(request.user.has_perm):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else None
    running = act(request, found_row(act.models, key), moment_of(sent))
    if running.customer.merged_into_id is not None:
        raise Http404("This customer was merged into another one. Open that customer instead.")
    initial = {name: value for name, value in request.GET.items() if name not in _OWN}
    return respond_to(running, sent, initial)


def respond_to(running: Act, sent: QueryDict | None, initial: dict[str, Any]) -> HttpResponse:
    """Show the form of an act with its preview, or do it if the form confirms it. `sent` is the form, if it was sent."""
    request = running.request
    back = page_before(request) or running.home()
    is_live = request.headers.get(_HEADER) == "live"
    try:
        form = running.form(sent, initial)
    except running.all_refusals() as problem:
        messages.error(request, str(problem))
        return succeed(request, Done(message=""), back)
    # The form as it stands may already have all that a preview needs.
    filled = form if sent is not None else running.form(_as_sent(form), initial)
    shown = _Shown()
    if _is_complete(filled):
        shown.previewed = _fingerprint(filled)
        if sent is not None and "confirm" in sent and form.is_valid():
            done = _confirmed(running, form, sent, shown)
            if done is not None:
                if isinstance(running.row, Model):
                    act_done.send(type(running), customer_id=str(running.customer.pk))
                return succeed(request, done, done.back or back)
            # Once more, for the preview that is shown with the problem.
            running.at = clock.now()
        _fill(running, filled, shown)
    if is_live:
        _hide_missing(form)
    return _page(running, form, shown, back)


def _confirmed(running: Act, form: Any, sent: QueryDict, shown: _Shown) -> Done | None:
    try:
        if running.is_previewed and sent.get("previewed", "") != shown.previewed:
            raise Changed
        return running.do(form, sent.get("seen", ""))
    except running.all_refusals() as problem:
        shown.problem = str(problem)
        return None


def _fill(running: Act, form: Any, shown: _Shown) -> None:
    try:
        shown.preview = running.preview(form)
    except running.all_refusals() as problem:
        shown.problem = str(problem)


def _as_sent(form: Any) -> QueryDict:
    """What a browser would send for a form that nobody has touched."""
    data = QueryDict(mutable=True)
    for field in form:
        if (value := field.value()) not in (None, ""):
            data[field.html_name] = str(value)
    return data


def _is_complete(form: Any) -> bool:
    """Whether the form has all that a preview needs: the reason alone may be missing."""
    return form.is_valid() or set(form.errors) == {"reason"}


def _fingerprint(form: Any) -> str:
    """A digest of the form's values, to notice that they are no longer those of the preview."""
    values = {name: str(value) for name, value in form.cleaned_data.items() if name != "reason"}
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]


def moment_of(sent: QueryDict | None) -> datetime:
    """The moment of the preview that was sent; now if there is none or it is too old."""
    now = clock.now()
    if sent is None or "confirm" not in sent:
        return now
    try:
        at = parse_datetime(sent.get("at", ""))
    except ValueError:
        return now
    if at is None or at.tzinfo is None:
        return now
    return at if now - _FRESH <= at <= now else now


def _hide_missing(form: Any) -> None:
    """Leave out that fields are empty, while the form is still being filled in."""
    for name, problems in list(form.errors.as_data().items()):
        if name != NON_FIELD_ERRORS and all(each.code == "required" for each in problems):
            del form.errors[name]


def _page(running: Act, form: Any, shown: _Shown, back: str) -> HttpResponse:
    request = running.request
    context = {
        "act": running,
        "form": form,
        "preview": shown.preview,
        "problem": shown.problem,
        "previewed": shown.previewed,
        "moment": running.at.isoformat(),
        "back": back,
        "target": running.target(form),
        "suggestion": running.suggestion(form),
        "sheet_notes": running.notes(form),
        "heading": running.heading(),
        "subject": running.subject(),
    }
    if _HEADER in request.headers:
        return HttpResponse(render_to_string("sheets/sheet.html", context, request))
    title = " · ".join(filter(None, (context["heading"], context["subject"])))
    return TemplateResponse(
        request, "sheets/page.html", {**admin.site.each_context(request), "title": title, **context}
    )
