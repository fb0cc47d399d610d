"""Customers in the admin: the registered form and list, with all that the three apps add to them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from billing.admin.customer import BilledCustomerAdmin
from crm.admin.bulk import BULK_ACTIONS, BulkPermissions
from crm.admin.edited_customer import EditedCustomerForm
from crm.admin.exports import export_csv, export_xlsx, may_export
from crm.admin.facts import COLUMNS as FACTS_COLUMNS
from crm.admin.facts import load_facts
from crm.admin.filters import SEGMENT_FILTERS
from crm.admin.merge_actions import may_merge, merge_chosen, merge_with
from crm.admin.new_customer import NewCustomerForm
from crm.admin.note import DocumentInline, NoteInline
from crm.admin.overview import may_see_overview, overview, timeline
from crm.admin.person import ContactInline
from crm.admin.relationships import DomainInline
from crm.admin.tag import TagInline
from crm.models import Company, CustomField, Relationship
from customers.models import Customer


@admin.register(Customer)
class ManagedCustomerAdmin(BulkPermissions, BilledCustomerAdmin):
    """The form with contacts, notes, tags and documents, and the list with bulk actions."""

    overview, has_overview_permission = overview, may_see_overview
    timeline, has_timeline_permission = timeline, may_see_overview
    merge_with, has_merge_with_permission = merge_with, may_merge
    has_merge_chosen_permission = may_merge
    has_export_csv_permission = has_export_xlsx_permission = may_export

    inlines = [
        ContactInline,
        NoteInline,
        *BilledCustomerAdmin.inlines,
        TagInline,
        DomainInline,
        DocumentInline,
    ]
    linked_models = [*BilledCustomerAdmin.linked_models, Relationship, Company, CustomField]
    list_display = ("shown_name", "shown_email", "standing", *FACTS_COLUMNS, "created")
    list_filter = tuple(SEGMENT_FILTERS)
    list_before_template = "crm/desk/_filtered.html"
    form = EditedCustomerForm
    new_form = NewCustomerForm
    actions_detail = (*BilledCustomerAdmin.actions_detail, "overview", "timeline", "merge_with")
    actions = (*BilledCustomerAdmin.actions, merge_chosen, export_csv, export_xlsx, *BULK_ACTIONS)

    def complete_page(self, rows: list[Any]) -> None:
        """Load the facts of the listed customers."""
        super().complete_page(rows)
        load_facts(rows)
