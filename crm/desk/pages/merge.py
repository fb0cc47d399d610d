"""The page that merges customers, with differences and money side by side, and the page that undoes a merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode

from crm.dedupe.merges.fields import FIELDS, is_empty
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.plan import PERMISSION, FieldPlan, MergePlan, plan_merge, proposed_survivor
from crm.dedupe.merges.unmerge import (
    KEEP,
    RESTORE,
    CannotUnmerge,
    Conflict,
    conflicts_of,
    hindrance,
    rows_that_go_back,
    unmerge,
)
from crm.dedupe.merges.words import in_words
from crm.desk.sheets.merge import MOST, merge_url
from crm.models import Merge
from customers.formats import counted, customer_url, day, moment
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer
from customers.row_snapshots import from_json

_FIELD = "field-"
_CONFLICT = "conflict-"


def merge_page(request: HttpRequest) -> HttpResponse:
    """Show what merging the customers in the URL would do. A POST merges."""
    if not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else request.GET
    customers = _customers(sent.getlist("id"))
    if identifier := request.GET.get("with", "").strip():
        added = _added(request, customers, identifier)
        return HttpResponseRedirect(merge_url([*customers, *added]))
    survivor = _survivor(customers, sent.get("survivor"))
    others = [customer for customer in customers if customer is not survivor]
    plan = plan_merge(survivor, others, user=request.user) if others and survivor is not None else None
    seen = plan.version if plan is not None else ""
    if plan is not None and (stays := request.POST.get("stays")):
        return HttpResponseRedirect(_url_with(request, plan, customers, stays))
    if request.method == "POST" and plan is not None:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.POST.get("seen") != seen:
            messages.warning(
                request, "These customers changed since you opened the page. Review and merge again."
            )
        elif (done := _merged(request, plan)) is not None:
            return done
    return TemplateResponse(
        request,
        "crm/desk/merge.html",
        {
            **admin.site.each_context(request),
            "title": "Merge customers",
            "customers": customers,
            "survivor": survivor,
            "plan": plan,
            "fields": [_shown(each, plan, sent) for each in plan.differing] if plan else [],
            "lists": [_counted(each, plan) for each in plan.lists] if plan else [],
            "heads": [_head(each, survivor, customers) for each in customers],
            "may_merge": request.user.has_perm(PERMISSION),
            "seen": seen,
            "reason": sent.get("reason", ""),
            "is_full": len(customers) >= MOST,
        },
    )


def undo_page(request: HttpRequest, merge_id: str) -> HttpResponse:
    """Show what undoing a merge gives back, and which values need a decision. A POST undoes it."""
    if not request.user.has_perms(["crm.view_merge", "customers.view_customer"]):
        raise PermissionDenied
    made = _merge(merge_id)
    conflicts = [] if hindrance(made) else conflicts_of(made)
    settled = {
        each.name: request.POST[_CONFLICT + each.name]
        for each in conflicts
        if request.POST.get(_CONFLICT + each.name) in (KEEP, RESTORE)
    }
    if request.method == "POST":
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        try:
            unmerge(made, by=request.user, settle=settled)
        except CannotUnmerge as problem:
            messages.error(request, str(problem))
        else:
            other = made.other
            messages.success(request, f"Undid the merge. {other} is a separate customer again.")
            return HttpResponseRedirect(customer_url(other.pk))
    return TemplateResponse(
        request,
        "crm/desk/unmerge.html",
        {
            **admin.site.each_context(request),
            "title": f"Undo merge of {made.other}",
            "merge": made,
            "made_at": moment(made.made_at),
            "undone_at": moment(made.undone_at),
            "hindrance": hindrance(made),
            "conflicts": [(each, _settling(each), settled.get(each.name)) for each in conflicts],
            "set": _was_set(made, {each.name for each in conflicts}),
            "rows": [] if hindrance(made) else rows_that_go_back(made),
            "may_merge": request.user.has_perm(PERMISSION),
            "survivor_url": customer_url(made.survivor_id),
        },
    )


def _customers(keys: Sequence[str]) -> list[Customer]:
    """The customers with these keys, each once, in the order of the URL."""
    try:
        found = Customer.objects.select_related("company", "relationship").in_bulk(keys[:MOST])
    except ValidationError:
        raise Http404 from None
    return [found[key] for key in dict.fromkeys(keys) if key in found]


def _added(request: HttpRequest, customers: Sequence[Customer], identifier: str) -> list[Customer]:
    env = customers[0].env if customers else None
    try:
        return [find_customer(identifier, env)]
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        messages.error(request, str(problem))
        return []


def _survivor(customers: Sequence[Customer], chosen: str | None) -> Customer | None:
    """The chosen customer, otherwise the most complete one."""
    if not customers:
        return None
    named = next((each for each in customers if str(each.pk) == chosen), None)
    return named or (proposed_survivor(customers) if len(customers) > 1 else customers[0])


def _chosen(request: HttpRequest, plan: MergePlan) -> dict[str, str]:
    """Values chosen against the proposal."""
    return {
        each.name: request.POST[_FIELD + each.name]
        for each in plan.differing
        if request.POST.get(_FIELD + each.name, each.winner) != each.winner
    }


def _url_with(request: HttpRequest, plan: MergePlan, customers: Sequence[Customer], survivor: str) -> str:
    """The URL of the page with another primary record, keeping choices and the reason."""
    chosen = {_FIELD + name: key for name, key in _chosen(request, plan).items()}
    written = {name: request.POST[name] for name in ("reason",) if request.POST.get(name)}
    return f"{merge_url(customers)}&{urlencode({'survivor': survivor, **chosen, **written})}"


def _merged(request: HttpRequest, plan: MergePlan) -> HttpResponse | None:
    """Merge as shown. None if it was refused."""
    try:
        made = merge(
            str(plan.survivor.pk),
            [str(other.pk) for other in plan.others],
            choices=_chosen(request, plan),
            by=request.user,
            reason=request.POST.get("reason", "").strip(),
        )
    except CannotMerge as problem:
        for reason in problem.reasons:
            messages.error(request, reason)
        return None
    merged = f"Merged {counted(len(made), 'customer')} into {plan.survivor}."
    if len(made) == 1:
        undo_url = reverse("desk-unmerge", args=[made[0].pk])
        messages.success(request, merged, extra_tags=f"undo:{undo_url}")
        return HttpResponseRedirect(customer_url(plan.survivor.pk))
    undo = format_html_join(
        ", ",
        '<a href="{}" class="text-link">Undo merge of {}</a>',
        ((reverse("desk-unmerge", args=[each.pk]), str(each.other)) for each in made),
    )
    messages.success(request, format_html("{} {}", merged, undo))
    return HttpResponseRedirect(customer_url(plan.survivor.pk))


def _head(customer: Customer, survivor: Customer | None, customers: Sequence[Customer]) -> dict[str, Any]:
    others = [each for each in customers if each is not customer]
    without = urlencode({"id": [str(each.pk) for each in others]}, doseq=True)
    return {
        "customer": customer,
        "since": day(customer.created_at),
        "url": customer_url(customer.pk),
        "is_survivor": customer is survivor,
        "without_url": f"{reverse('desk-merge')}?{without}",
    }


def _shown(each: FieldPlan, plan: MergePlan, sent: Any) -> dict[str, Any]:
    """A field with each customer's value in column order, and the winner."""
    chosen = sent.get(_FIELD + each.name)
    if chosen not in each.choices:
        chosen = each.winner
    names = {str(customer.pk): str(customer) for customer in plan.customers}
    return {
        "name": _FIELD + each.name,
        "label": each.label,
        "values": [
            {
                "key": key,
                "who": names[key],
                "words": in_words(each.field, value),
                "can_win": key in each.choices,
                "wins": key == chosen,
            }
            for key, value in each.values.items()
        ],
    }


def _counted(each: Any, plan: MergePlan) -> dict[str, Any]:
    return {
        "label": each.label,
        "counts": [each.counts.get(str(customer.pk), 0) for customer in plan.customers],
        "after": each.after,
    }


def _settling(conflict: Conflict) -> dict[str, str]:
    """A conflict in words."""
    return {
        name: _in_words(conflict.name, getattr(conflict, name)) or "-" for name in ("before", "after", "now")
    }


def _in_words(name: str, value: Any) -> str:
    field = FIELDS.get(name)
    if field is None:
        return "" if is_empty(value) else str(value)
    return in_words(field, from_json(field.model, field.column, value))


def _was_set(made: Merge, unsettled: set[str]) -> list[dict[str, str]]:
    """Values of the primary record that go back to the former ones."""
    return [
        {
            "label": FIELDS[each["name"]].label,
            "now": _in_words(each["name"], each["after"]) or "-",
            "then": _in_words(each["name"], each["before"]) or "-",
        }
        for each in made.changes.get("set", ())
        if each["name"] in FIELDS and each["name"] not in unsettled
    ]


def _merge(merge_id: str) -> Merge:
    try:
        found = Merge.objects.select_related("survivor", "other", "made_by", "undone_by").filter(pk=merge_id)
        made = found.first()
    except ValidationError:
        made = None
    if made is None:
        raise Http404
    return made
