"""The URLs of the pages of jobs, below the admin's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from crm.jobs import pages

urlpatterns: list[URLPattern] = [
    path("jobs/", admin.site.admin_view(pages.jobs_page), name="jobs"),
    path("jobs/history/", admin.site.admin_view(pages.all_jobs_page), name="job-history"),
    path("jobs/run/<slug:kind>/", admin.site.admin_view(pages.job_run), name="job-run"),
    path("jobs/switch/<slug:kind>/", admin.site.admin_view(pages.job_switch), name="job-switch"),
    path("jobs/<str:job_id>/", admin.site.admin_view(pages.job_page), name="job"),
    path("jobs/<str:job_id>/<slug:verb>/", admin.site.admin_view(pages.job_decide), name="job-decide"),
]
