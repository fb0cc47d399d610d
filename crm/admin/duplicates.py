"""The review queue in the admin: groups of possible duplicates, and the decision on each pair."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from crm.admin.duplicate_facts import facts_table, members_of, with_facts
from crm.dedupe.duplicates.clusters import is_one
from crm.dedupe.duplicates.evidence import likelihood
from crm.dedupe.duplicates.review import decide, pairs_of
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.sheets.merge import merge_url
from crm.models import DuplicateCluster, DuplicatePair
from crm.models.duplicate import DuplicatePairQuerySet
from customers import clock
from customers.admin.base import Choices, ReadOnlyAdmin
from customers.admin.filters import DaysFilter
from customers.formats import GOOD, NEWS, PLAIN, WAITING, in_address, long_text
from customers.typed_ids import to_uuid

_DECIDE = "crm.change_duplicatepair"
_LATER_DAYS = 30
_SHOWN_PAIRS = 50
_SHOWN_MEMBERS = 4
_SHOWN_REASONS = 2
_Decision = DuplicatePair.Decision
_DECISIONS = {"Open": WAITING, "Snoozed": PLAIN, "Not duplicates": GOOD, "Merged": NEWS}


class LaterForm(forms.Form):
    """When snoozed pairs return."""

    days = forms.TypedChoiceField(
        label="Snooze for",
        coerce=int,
        choices=[(7, "1 week"), (_LATER_DAYS, "30 days"), (90, "90 days")],
        initial=_LATER_DAYS,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


class DecidingAdmin(ReadOnlyAdmin):
    """Lists on which people decide whether customers are duplicates."""

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Users need the permission to change pairs; a decision is the only change that they can make."""
        return request.user.has_perm(_DECIDE)

    def pairs_chosen(self, rows: QuerySet[Any]) -> DuplicatePairQuerySet:
        """The pairs of the selected rows."""
        raise NotImplementedError

    @admin.action(description="Not duplicates", permissions=["decide"])
    def not_duplicates(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.settle(request, self.pairs_chosen(queryset), _Decision.NOT_DUPLICATES)

    @admin.action(description=f"Snooze for {_LATER_DAYS} days", permissions=["decide"])
    def later(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.settle(request, self.pairs_chosen(queryset), _Decision.LATER)

    def settle(
        self,
        request: HttpRequest,
        pairs: DuplicatePairQuerySet,
        decision: DuplicatePair.Decision,
        days: int = _LATER_DAYS,
    ) -> None:
        """Decide on the pairs, and show a message with their number."""
        until = clock.now() + timedelta(days=days) if decision == _Decision.LATER else None
        count = decide(pairs, decision, by=request.user, until=until)
        said = f"{count} {'pair' if count == 1 else 'pairs'}"
        told = {
            _Decision.NOT_DUPLICATES: f"Marked {said} as not duplicates. They won't be suggested again.",
            _Decision.LATER: f"Snoozed {said} for {days} days.",
            _Decision.OPEN: f"Reopened {said}.",
        }
        self.message_user(request, told[decision], messages.SUCCESS if count else messages.WARNING)


@admin.register(DuplicateCluster)
class DuplicateClusterAdmin(DecidingAdmin):
    """One row for each group of customers that open pairs connect."""

    list_display = ("members", "why", "likely", "size", "found_at")
    list_filter = (("found_at", DaysFilter),)
    search_fields = ("id",)
    search_help_text = "Search by the ID of a customer (cus_…)."
    sortable_by = ("likely", "size", "found_at")
    actions = ("not_duplicates", "later")
    list_before_template = "crm/duplicate_queue.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateCluster]:
        pairs = DuplicatePair.objects.waiting().select_related("a", "b").order_by("-score", "pk")
        found: QuerySet[DuplicateCluster] = super().get_queryset(request)
        return found.select_related("first").prefetch_related(
            Prefetch("pairs", pairs, to_attr="waiting_pairs")
        )

    def find_by_id(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """The groups of the customer with this ID, otherwise the group with this ID."""
        customer = to_uuid(term.lower(), ("cus",))
        if customer is not None:
            pairs = DuplicatePair.objects.waiting().filter(Q(a=customer) | Q(b=customer))
            return queryset.filter(pk__in=pairs.values("cluster"))
        return super().find_by_id(queryset, term)

    def pairs_chosen(self, rows: QuerySet[Any]) -> DuplicatePairQuerySet:
        """The pairs of the selected rows."""
        return pairs_of(list(rows.values_list("pk", flat=True)))

    @display(description="customers")
    def members(self, cluster: Any) -> SafeString:
        """The names of the group's customers."""
        found = members_of(cluster.waiting_pairs)
        more = f" and {len(found) - _SHOWN_MEMBERS} more" if len(found) > _SHOWN_MEMBERS else ""
        names = format_html_join(" · ", "{}", ((long_text(str(each)),) for each in found[:_SHOWN_MEMBERS]))
        return format_html("{}{}", names, more)

    @display(description="why")
    def why(self, cluster: Any) -> SafeString | str:
        """The strongest reasons of the likeliest pair."""
        reasons = cluster.waiting_pairs[0].reasons[:_SHOWN_REASONS] if cluster.waiting_pairs else []
        return long_text("; ".join(reasons))

    @display(description="likelihood", ordering="score")
    def likely(self, cluster: DuplicateCluster) -> str:
        return likelihood(cluster.score)

    def get_urls(self) -> list[Any]:
        decide_url = path(
            "<path:object_id>/decide/",
            self.admin_site.admin_view(self.decide_view),
            name="crm_duplicatecluster_decide",
        )
        return [decide_url, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The customers side by side, and each pair with its reasons."""
        cluster = self._cluster(request, object_id)
        if cluster is None:
            return self._all_decided(request)
        if request.method == "POST" or not self.has_view_permission(request, cluster):
            raise PermissionDenied
        pairs = cluster.waiting_pairs
        customers = with_facts(members_of(pairs))
        may_merge = request.user.has_perm(PERMISSION)
        return TemplateResponse(
            request,
            "crm/duplicate_cluster.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": cluster,
                "title": f"{len(customers)} possible duplicates",
                "table": facts_table(customers),
                "pairs": [
                    (pair, likelihood(pair.score), merge_url([pair.a, pair.b]) if may_merge else "")
                    for pair in pairs[:_SHOWN_PAIRS]
                ],
                "merge_url": merge_url(customers) if may_merge and is_one(len(customers), len(pairs)) else "",
                "more": max(0, len(pairs) - _SHOWN_PAIRS),
                "form": LaterForm(),
                "may_decide": self.has_decide_permission(request),
                "decide_url": reverse("admin:crm_duplicatecluster_decide", args=[in_address(cluster.pk)]),
                **(extra_context or {}),
            },
        )

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Decide on one pair of a group, or on all, then show the rest."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        cluster = self._cluster(request, object_id)
        if cluster is None:
            return self._all_decided(request)
        # A request without a decision changes nothing, such as a user's first one after signing in again.
        form = LaterForm(request.POST)
        days = (form.cleaned_data["days"] if form.is_valid() else None) or _LATER_DAYS
        for button, decision in (
            ("not_duplicates", _Decision.NOT_DUPLICATES),
            ("later", _Decision.LATER),
        ):
            chosen = request.POST.get(button)
            if chosen == "all":
                self.settle(request, pairs_of([cluster.pk]), decision, days)
            elif chosen is not None:
                ids = [pair.pk for pair in cluster.waiting_pairs if str(pair.pk) == chosen]
                self.settle(request, DuplicatePair.objects.filter(pk__in=ids), decision, days)
        if DuplicateCluster.objects.filter(pk=cluster.pk).exists():
            return HttpResponseRedirect(
                reverse("admin:crm_duplicatecluster_change", args=[in_address(cluster.pk)])
            )
        return HttpResponseRedirect(reverse("admin:crm_duplicatecluster_changelist"))

    def _cluster(self, request: HttpRequest, object_id: str) -> Any:
        key = unquote(object_id)
        return self.get_queryset(request).filter(pk=key).first() if self.is_id(key) else None

    def _all_decided(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "All pairs of these customers are already reviewed.", messages.INFO)
        return HttpResponseRedirect(reverse("admin:crm_duplicatecluster_changelist"))


@admin.register(DuplicatePair)
class DuplicatePairAdmin(DecidingAdmin):
    """Every pair that was found, and the decision on it."""

    list_display = (
        "both",
        "shown_decision",
        "decided_by",
        "decided_at",
        "likely",
        "found_at",
    )
    list_filter = (("decision", Choices), ("found_at", DaysFilter))
    list_select_related = ("a", "b", "decided_by")
    search_fields = ("id",)
    search_help_text = "Search by the ID of a customer (cus_…)."
    sortable_by = ("likely", "decided_at", "found_at")
    actions = ("not_duplicates", "later", "look_again")
    fields = (
        "a",
        "b",
        "shown_decision",
        "later_until",
        "decided_by",
        "decided_at",
        "likely",
        "shown_reasons",
        "found_at",
        "swept_at",
        "weights_version",
        "cluster",
        "id",
    )
    readonly_fields = ("shown_decision", "likely", "shown_reasons", "weights_version", "cluster")

    def find_by_id(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """The pairs of the customer with this ID, otherwise the pair with this ID."""
        customer = to_uuid(term.lower(), ("cus",))
        if customer is not None:
            return queryset.filter(Q(a=customer) | Q(b=customer))
        return super().find_by_id(queryset, term)

    def pairs_chosen(self, rows: QuerySet[Any]) -> DuplicatePairQuerySet:
        """The pairs of the selected rows."""
        return DuplicatePair.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))

    @admin.action(description="Reopen", permissions=["decide"])
    def look_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Reopen decided pairs."""
        self.settle(request, self.pairs_chosen(queryset), _Decision.OPEN)

    @display(description="customers")
    def both(self, pair: DuplicatePair) -> SafeString:
        return format_html("{} · {}", long_text(str(pair.a)), long_text(str(pair.b)))

    @display(description="decision", label=_DECISIONS)
    def shown_decision(self, pair: DuplicatePair) -> str:
        return pair.get_decision_display()

    @display(description="likelihood", ordering="score")
    def likely(self, pair: DuplicatePair) -> str:
        return likelihood(pair.score)

    @display(description="reasons")
    def shown_reasons(self, pair: DuplicatePair) -> SafeString | str:
        """Reasons for, then against."""
        return format_html_join("", "<div>{}</div>", ((reason,) for reason in pair.reasons)) or "-"
