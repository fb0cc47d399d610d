"""The review page: suggested links and possible duplicates in one queue, with the decisions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from billing.formats import money
from crm.dedupe.duplicates.evidence import likelihood
from crm.dedupe.links.suggested import SuggestedLink, clear_links, suggested_links
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.facts.queries import amounts_of
from crm.desk.pages.review_acts import DECIDE, act
from crm.desk.sheets.merge import MergeWith, merge_url
from crm.models import DuplicatePair, Job
from customers.formats import EMPTY, ago, counted, customer_url, day, listed, user_name
from customers.models import Customer, SourceRecord
from customers.readings.phones import in_groups
from customers.sheets import act_url

_SEE = ("customers.view_customer", "crm.view_duplicatepair")
_PAGE = 50
#: From this score on the bar is that of a good match.
LIKELY = 0.9
_VIEWS = {"all": "To review", "links": "Links", "duplicates": "Duplicates", "reviewed": "Reviewed"}
#: What a merge brings together, as a relation of the customer.
_COMBINED = (
    ("subscriptions", "subscription"),
    ("invoices", "invoice"),
    ("notes", "note"),
    ("tasks", "task"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedPair:
    """A pair that waits. `record` is what would be linked to `goal`; None if both are customers of their own."""

    pair: DuplicatePair
    first: Customer
    second: Customer
    record: SourceRecord | None
    goal: Customer | None
    percent: int
    likelihood: str

    @property
    def color(self) -> str:
        """Of the bar."""
        return "" if self.pair.score >= LIKELY else "cl-warn"


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A value of both customers, and how they compare: same, similar, differs, or nothing to compare."""

    label: str
    first: str
    second: str

    @property
    def sign(self) -> tuple[str, str, str]:
        """The sign, the word and the color."""
        one, other = (" ".join(text.casefold().split()) for text in (self.first, self.second))
        if EMPTY in (self.first, self.second):
            return "", "", ""
        if one == other:
            return "✓", "Same", "good"
        if one in other or other in one:
            return "≈", "Similar", "subtle"
        return "≠", "Differs", "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A pair side by side, and what would come together."""

    row: SuggestedPair
    sources: tuple[str, str]
    values: Sequence[ComparedValue]
    combines: str
    merge_url: str
    compare_url: str


def review_page(request: HttpRequest) -> HttpResponse:
    """Pairs that wait, likeliest first, in a fixed number of queries; a POST decides about them."""
    user: Any = request.user
    if not user.has_perms(_SEE):
        raise PermissionDenied
    if request.method == "POST":
        return act(request)
    view = request.GET.get("view", "")
    view = view if view in _VIEWS else "all"
    pairs = DuplicatePair.objects.waiting().filter(a__merged_into=None, b__merged_into=None)
    waiting = list(pairs.select_related("a", "b").order_by("-score", "pk")[:_PAGE])
    asked = request.GET.get("pair", "")
    shown = [*_asked_for(pairs, asked, waiting), *waiting]
    suggested = list(suggested_links(shown))
    rows = _rows(suggested)
    links = [row for row in rows if row.record is not None]
    duplicates = [row for row in rows if row.record is None]
    # Judged among the whole queue: a pair that isn't shown may make one of these ambiguous.
    shown_keys = {each.pk for each in shown}
    clear = {each.pair.pk for each in clear_links() if each.pair.pk in shown_keys}
    if asked and all(str(row.pair.pk) != asked for row in rows):
        messages.info(request, "This pair was already reviewed.")
    # Never another pair than the one that was asked for.
    candidates = (row for row in duplicates if not asked or str(row.pair.pk) == asked)
    chosen = next(candidates, None)
    may_merge = user.has_perm(PERMISSION)
    counts = {"all": len(rows), "links": len(links), "duplicates": len(duplicates)}
    context = {
        **admin.site.each_context(request),
        "title": "Review",
        "view": view,
        "views": [(label, f"?view={name}", name == view, counts.get(name)) for name, label in _VIEWS.items()],
        "sees_trials": user.has_perm("billing.view_trialused"),
        "links": links if view in ("all", "links") else [],
        "duplicates": [row for row in duplicates if row is not chosen]
        if view in ("all", "duplicates")
        else [],
        "chosen": _comparison(chosen, may_merge=may_merge)
        if chosen is not None and view in ("all", "duplicates")
        else None,
        "duplicates_count": counted(len(duplicates), "pair"),
        "clear": len(clear),
        "selected": clear if "clear" in request.GET else set(),
        "may_decide": user.has_perm(DECIDE),
        "may_merge": may_merge,
        "checked": _checked(),
        "decided": _decided() if view == "reviewed" else [],
        "is_full": len(waiting) == _PAGE,
    }
    return TemplateResponse(request, "crm/desk/review.html", context)


def _asked_for(
    pairs: QuerySet[DuplicatePair], asked: str, waiting: Sequence[DuplicatePair]
) -> list[DuplicatePair]:
    """The pair that a link asks for, if it waits and is not among the likeliest."""
    if not asked or any(str(each.pk) == asked for each in waiting):
        return []
    try:
        return list(pairs.select_related("a", "b").filter(pk=asked))
    except (ValidationError, ValueError):
        return []


def _rows(suggested: Sequence[SuggestedLink]) -> list[SuggestedPair]:
    """The pairs with what the page shows of them."""
    return [
        SuggestedPair(
            pair=each.pair,
            first=each.pair.a,
            second=each.pair.b,
            record=each.record,
            goal=each.goal,
            percent=round(each.pair.score * 100),
            likelihood=likelihood(each.pair.score),
        )
        for each in suggested
    ]


def _comparison(row: SuggestedPair, *, may_merge: bool) -> Comparison:
    keys = [str(row.first.pk), str(row.second.pk)]
    counts = {name: Count(name, distinct=True) for name, _ in _COMBINED}
    customers = {
        str(each.pk): each
        for each in Customer.objects.filter(pk__in=keys)
        .select_related("relationship__owner")
        .prefetch_related("addresses", "domains", "source_records")
        .annotate(**{f"count_{name}": count for name, count in counts.items()})
    }
    sides: list[Any] = [customers[key] for key in keys]
    amounts = amounts_of(keys)
    combined = [
        counted(total, noun)
        for name, noun in _COMBINED
        if (total := sum(getattr(each, f"count_{name}") for each in sides))
    ]
    mrr = [_mrr(amounts.get(key, ())) for key in keys]
    both_pay = EMPTY not in mrr
    return Comparison(
        row=row,
        sources=(_sources(sides[0]), _sources(sides[1])),
        values=[
            ComparedValue(label, *(read(each) for each in sides))
            for label, read in (
                ("Name", lambda each: each.name or EMPTY),
                ("Domain", lambda each: listed([row.name for row in each.domains.all()]) or EMPTY),
                ("Email", lambda each: each.email or EMPTY),
                ("Phone", lambda each: in_groups(each.phone) or EMPTY),
                ("City", _city),
                ("Account manager", _owner),
            )
        ]
        + [ComparedValue("MRR", *mrr)],
        combines=f"Merging combines {listed(combined)}{f', and MRR of {mrr[0]} and {mrr[1]}' if both_pay else ''}."
        if combined
        else "",
        merge_url=act_url(MergeWith.name, row.first, other=row.second.pk) if may_merge else "",
        compare_url=merge_url([row.first, row.second]) if may_merge else "",
    )


def _city(customer: Any) -> str:
    address = next(iter(customer.addresses.all()), None)
    parts = [address.city, address.country] if address is not None else []
    return ", ".join(filter(None, parts)) or EMPTY


def _owner(customer: Any) -> str:
    relationship = getattr(customer, "relationship", None)
    return user_name(relationship.owner) if relationship is not None and relationship.owner else EMPTY


def _mrr(amounts: Sequence[Any]) -> str:
    return listed([money(each.mrr, each.currency) for each in amounts if each.mrr]) or EMPTY


def _sources(customer: Any) -> str:
    names = sorted({record.get_source_display() for record in customer.source_records.all()})
    return (
        f"{', '.join(names)} · since {day(customer.created_at)}"
        if names
        else f"Since {day(customer.created_at)}"
    )


def _decided() -> list[tuple[DuplicatePair, str, str, str]]:
    """The latest decisions: pair, words, and the URLs of both customers."""
    rows = DuplicatePair.objects.exclude(decision=DuplicatePair.Decision.OPEN).exclude(decided_at=None)
    return [
        (
            row,
            f"{row.get_decision_display()}{f' by {user_name(row.decided_by)}' if row.decided_by else ''}, {ago(row.decided_at)}"
            if row.decided_at
            else row.get_decision_display(),
            customer_url(row.a_id),
            customer_url(row.b_id),
        )
        for row in rows.select_related("a", "b", "decided_by").order_by("-decided_at", "pk")[:_PAGE]
    ]


def _checked() -> str:
    """When duplicates were last looked for."""
    last = Job.objects.filter(kind="duplicates", ended_at__isnull=False).order_by("-ended_at").first()
    return ago(last.ended_at) if last is not None and last.ended_at else ""
