"""The URLs of the pages of imports, below the admin's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from crm.imports.pages import detail, mapping, pieces, revert, upload

urlpatterns: list[URLPattern] = [
    path("imports/", admin.site.admin_view(upload.imports_page), name="imports"),
    path("imports/upload/", admin.site.admin_view(pieces.begin), name="import-upload"),
    path("imports/upload/<str:import_id>/", admin.site.admin_view(pieces.piece), name="import-upload-piece"),
    path(
        "imports/upload/<str:import_id>/finish/",
        admin.site.admin_view(pieces.finish),
        name="import-upload-finish",
    ),
    path(
        "imports/upload/<str:import_id>/remove/",
        admin.site.admin_view(pieces.discard),
        name="import-upload-remove",
    ),
    path("imports/<str:import_id>/", admin.site.admin_view(detail.import_page), name="import"),
    path("imports/<str:import_id>/map/", admin.site.admin_view(mapping.mapping_page), name="import-map"),
    path("imports/<str:import_id>/run/", admin.site.admin_view(detail.run_import), name="import-run"),
    path("imports/<str:import_id>/pause/", admin.site.admin_view(detail.pause_import), name="import-pause"),
    path("imports/<str:import_id>/mend/", admin.site.admin_view(detail.mend_rows), name="import-mend"),
    path(
        "imports/<str:import_id>/refused/", admin.site.admin_view(detail.refused_file), name="import-refused"
    ),
    path("imports/<str:import_id>/file/", admin.site.admin_view(detail.original_file), name="import-file"),
    path(
        "imports/<str:import_id>/remove/", admin.site.admin_view(upload.remove_import), name="import-remove"
    ),
    path("imports/<str:import_id>/revert/", admin.site.admin_view(revert.revert_page), name="import-revert"),
    path(
        "imports/<str:import_id>/revert/<int:row>/",
        admin.site.admin_view(revert.revert_customer_page),
        name="import-revert-customer",
    ),
]
