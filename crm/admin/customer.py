"""Customers in the admin: the registered form and list, with all that the three apps add to them."""

from __future__ import annotations

from django.contrib import admin

from billing.admin.customer import BilledCustomerAdmin
from crm.admin.edited_customer import EditedCustomerForm
from crm.admin.merge_actions import may_merge, merge_with
from crm.admin.new_customer import NewCustomerForm
from crm.admin.note import DocumentInline, NoteInline
from crm.admin.overview import may_see_overview, overview, timeline
from crm.admin.person import ContactInline
from crm.admin.relationships import DomainInline
from crm.admin.tag import TagInline
from crm.models import Company, CustomField, Relationship
from customers.models import Customer


@admin.register(Customer)
class ManagedCustomerAdmin(BilledCustomerAdmin):
    """The form with contacts, notes, tags and documents. The list that people work with is in `crm.desk.lists`."""

    overview, has_overview_permission = overview, may_see_overview
    timeline, has_timeline_permission = timeline, may_see_overview
    merge_with, has_merge_with_permission = merge_with, may_merge

    inlines = [
        ContactInline,
        NoteInline,
        *BilledCustomerAdmin.inlines,
        TagInline,
        DomainInline,
        DocumentInline,
    ]
    linked_models = [*BilledCustomerAdmin.linked_models, Relationship, Company, CustomField]
    form = EditedCustomerForm
    new_form = NewCustomerForm
    actions_detail = (*BilledCustomerAdmin.actions_detail, "overview", "timeline", "merge_with")
