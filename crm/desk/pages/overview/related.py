"""Merged customers, referrals and source records."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.urls import reverse

from billing.models import Referral
from crm.desk.pages.overview.section import Section, SectionLine, first_rows, list_of, list_section
from crm.models import Merge, MergedRecord
from customers.formats import GOOD, PLAIN, day, moment, page_of, user_name
from customers.models import Customer, SourceRecord


def merges_section(customer: Customer, *, may_undo: bool) -> Section | None:
    """The customers that were merged into this one here, each with a link to undo the merge."""
    rows = Merge.objects.standing().filter(survivor=customer).select_related("other", "made_by")
    return list_section(
        "merges",
        "Merged customers",
        first_rows(rows),
        lambda row: SectionLine(
            text=str(row.other),
            url=page_of(row),
            details=(
                str(row.other_id),
                f"Merged {day(row.made_at)}" + (f" by {user_name(row.made_by)}" if row.made_by else ""),
                *([row.reason] if row.reason else []),
            ),
            actions=(("Undo merge…", reverse("desk-unmerge", args=[row.pk])),) if may_undo else (),
        ),
        more_url=f"{reverse('admin:crm_merge_changelist')}?survivor__id__exact={customer.pk}",
    )


def merged_section(customer: Customer) -> Section | None:
    """The customers that a source reports as merged into this one; `merges_section` shows those merged here."""
    merged_here = Merge.objects.standing().filter(other=OuterRef("tombstone"))
    rows = (
        MergedRecord.objects.filter(survivor=customer)
        .exclude(Exists(merged_here))
        .select_related("tombstone")
        .order_by("-merged_at", "pk")
    )
    return list_section(
        "merged",
        "Merged in the CRM",
        first_rows(rows),
        lambda row: SectionLine(
            text=str(row.tombstone or row.crm_id),
            url=page_of(row),
            details=(row.crm_id, f"Merged {day(row.merged_at)}"),
        ),
        more_url=f"{reverse('admin:crm_mergedrecord_changelist')}?survivor__id__exact={customer.pk}",
    )


def referrals_section(customer: Customer) -> Section | None:
    rows = Referral.objects.filter(customer=customer).order_by("-created_at", "-pk")
    return list_section(
        "referrals",
        "Referrals",
        first_rows(rows),
        lambda row: SectionLine(
            text=str(row),
            url=page_of(row),
            details=(row.program_id, day(row.created_at)),
            label=("Rewarded", GOOD) if row.reward_applied else ("Not rewarded", PLAIN),
        ),
        more_url=list_of(Referral, customer),
    )


def source_records_of(customer: Customer) -> list[SourceRecord]:
    """The first source records, without what only imports read."""
    rows = SourceRecord.objects.filter(customer=customer).order_by("source", "-last_received_at", "-pk")
    return first_rows(rows.defer("claims", "signs"))


def sources_section(customer: Customer, records: list[SourceRecord]) -> Section | None:
    """The source records, with when each was last received."""
    return list_section(
        "sources",
        "Sources",
        records,
        lambda row: SectionLine(
            text=row.get_source_display(),
            url=page_of(row),
            details=(row.source_id, f"Last received {moment(row.last_received_at)}"),
        ),
        more_url=list_of(SourceRecord, customer),
    )
