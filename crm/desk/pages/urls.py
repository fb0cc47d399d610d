"""The URLs of the desk's pages, below the admin's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from crm.desk.lists.urls import urlpatterns as list_urlpatterns
from crm.desk.pages import inline, merge, quick_entry
from crm.desk.pages.as_of import as_of_page
from crm.desk.pages.bulk import bulk_export, bulk_merge, bulk_page, undo_page
from crm.desk.pages.custom_fields import field_page, fields_page, remove_page
from crm.desk.pages.customer_page import billing_page, customer_page, details_page
from crm.desk.pages.exports import export_file, export_page, export_progress, export_remove, exports_page
from crm.desk.pages.health import health_page
from crm.desk.pages.notifications import choices_page, notifications_page, open_notification
from crm.desk.pages.payload_changes import changes_page
from crm.desk.pages.records.balance import balance_page
from crm.desk.pages.records.company import company_page
from crm.desk.pages.records.invoice import invoice_page
from crm.desk.pages.records.person import person_page
from crm.desk.pages.records.subscription import subscription_page
from crm.desk.pages.review import review_page
from crm.desk.pages.search import find_page
from crm.desk.pages.segments import save_page, segment_page, segments_page
from crm.desk.pages.sources.page import sources_page
from crm.desk.pages.timeline import latest_activity, timeline_page
from crm.desk.pages.trials import trials_page
from crm.desk.pages.usage_page import usage_page
from crm.desk.pages.worklist import worklist_page
from crm.desk.sheets.reassign import reassign_page

urlpatterns: list[URLPattern] = [
    *list_urlpatterns,
    path("desk/customers/act/<slug:name>/", admin.site.admin_view(bulk_page), name="desk-bulk"),
    path("undo/change/<str:token>/", admin.site.admin_view(undo_page), name="desk-undo-change"),
    path("desk/customers/merge/", admin.site.admin_view(bulk_merge), name="desk-bulk-merge"),
    path(
        "desk/customers/export/<slug:file_format>/",
        admin.site.admin_view(bulk_export),
        name="desk-bulk-export",
    ),
    path("custom-fields/", admin.site.admin_view(fields_page), name="custom-fields"),
    path("custom-fields/<str:key>/", admin.site.admin_view(field_page), name="custom-field"),
    path("custom-fields/<str:key>/remove/", admin.site.admin_view(remove_page), name="custom-field-remove"),
    path("find/", admin.site.admin_view(find_page), name="desk-find"),
    path("customer/<str:identifier>/", admin.site.admin_view(customer_page), name="desk-customer"),
    path("customer/<str:identifier>/latest/", admin.site.admin_view(latest_activity), name="desk-latest"),
    path("customer/<str:identifier>/billing/", admin.site.admin_view(billing_page), name="desk-billing"),
    path("customer/<str:identifier>/usage/", admin.site.admin_view(usage_page), name="desk-usage"),
    path("customer/<str:identifier>/details/", admin.site.admin_view(details_page), name="desk-details"),
    path("invoice/<str:key>/", admin.site.admin_view(invoice_page), name="desk-invoice"),
    path("subscription/<str:key>/", admin.site.admin_view(subscription_page), name="desk-subscription"),
    path("balance/<str:key>/", admin.site.admin_view(balance_page), name="desk-balance"),
    path("company/<str:key>/", admin.site.admin_view(company_page), name="desk-company"),
    path("person/<str:key>/", admin.site.admin_view(person_page), name="desk-person"),
    path("customer/<str:customer_id>/owner/", admin.site.admin_view(inline.assign), name="desk-assign"),
    path(
        "customer/<str:customer_id>/status/", admin.site.admin_view(inline.change_status), name="desk-status"
    ),
    path("customer/<str:identifier>/as-of/", admin.site.admin_view(as_of_page), name="desk-as-of"),
    path("customer/<str:identifier>/origin/", admin.site.admin_view(sources_page), name="desk-provenance"),
    path("record/<str:identifier>/changes/", admin.site.admin_view(changes_page), name="desk-record-changes"),
    path("customer/<str:customer_id>/contact/", admin.site.admin_view(quick_entry.log), name="desk-log"),
    path("customer/<str:customer_id>/notes/", admin.site.admin_view(quick_entry.note), name="desk-note"),
    path("customer/<str:customer_id>/tags/", admin.site.admin_view(quick_entry.tag), name="desk-tag"),
    path(
        "customer/<str:customer_id>/tags/<str:tag_id>/take/",
        admin.site.admin_view(quick_entry.remove_tag),
        name="desk-tag-remove",
    ),
    path("customer/<str:customer_id>/tasks/", admin.site.admin_view(quick_entry.task), name="desk-task"),
    path(
        "note/<str:note_id>/<slug:act>/",
        admin.site.admin_view(quick_entry.change_note),
        name="desk-note-change",
    ),
    path(
        "task/<str:task_id>/<slug:act>/",
        admin.site.admin_view(quick_entry.change_task),
        name="desk-task-change",
    ),
    path("customer/<str:identifier>/timeline/", admin.site.admin_view(timeline_page), name="desk-timeline"),
    path("customer/<str:identifier>/health/", admin.site.admin_view(health_page), name="desk-health"),
    path("merge/", admin.site.admin_view(merge.merge_page), name="desk-merge"),
    path("merge/<str:merge_id>/undo/", admin.site.admin_view(merge.undo_page), name="desk-unmerge"),
    path("trials/", admin.site.admin_view(trials_page), name="desk-trials"),
    path("export/", admin.site.admin_view(exports_page), name="desk-exports"),
    path("export/<str:export_id>/remove/", admin.site.admin_view(export_remove), name="desk-export-remove"),
    path("export/<str:export_id>/", admin.site.admin_view(export_page), name="desk-export"),
    path(
        "export/<str:export_id>/progress/",
        admin.site.admin_view(export_progress),
        name="desk-export-progress",
    ),
    path("export/<str:export_id>/file/", admin.site.admin_view(export_file), name="desk-export-file"),
    path("notifications/", admin.site.admin_view(notifications_page), name="desk-notifications"),
    path("notifications/preferences/", admin.site.admin_view(choices_page), name="desk-notification-choices"),
    path(
        "notifications/<str:notification_id>/",
        admin.site.admin_view(open_notification),
        name="desk-notification",
    ),
    path("reassign/", admin.site.admin_view(reassign_page), name="desk-reassign"),
    # The old URL of the page, kept for one version.
    path("hand-over/", admin.site.admin_view(reassign_page), name="desk-hand-over"),
    path("segments/", admin.site.admin_view(segments_page), name="desk-segments"),
    path("segments/save/", admin.site.admin_view(save_page), name="desk-segment-save"),
    path("segments/<str:segment_id>/", admin.site.admin_view(segment_page), name="desk-segment"),
    path("review/", admin.site.admin_view(review_page), name="desk-review"),
    path("worklist/", admin.site.admin_view(worklist_page), name="desk-worklist"),
]
