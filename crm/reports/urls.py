"""The URLs of the pages of reports, below the admin's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from crm.reports import pages

urlpatterns: list[URLPattern] = [
    path("reports/", admin.site.admin_view(pages.reports_page), name="reports"),
    path("reports/<slug:name>/", admin.site.admin_view(pages.report_page), name="report"),
]
