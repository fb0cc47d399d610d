"""The URLs of the product."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from billing.admin.move import move_page
from billing.admin.rates import rates_page
from billing.admin.seller import seller_page
from config import views
from config.invitations import invitation_page, invite_again_page
from config.metrics import Metrics
from config.navigation import data_page
from config.preferences import preferences_page, start_page
from config.sessions import sessions_page
from config.settings_pages.pages import group_page, reset_page, settings_page
from crm.home.tiles import old_list

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="start")),
    path("healthz", views.health),
    path("readyz", views.ready),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("robots.txt", views.robots),
    # Before the admin's own sign-in page, which has no second step.
    path("admin/login/", secure_admin_login(admin.site.login)),
    # Instead of the admin's own page, which tells the user nothing by email.
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/invite/", admin.site.admin_view(invitation_page), {"site": admin.site}, "invite"),
    path(
        "admin/invite/<int:user_id>/",
        admin.site.admin_view(invite_again_page),
        {"site": admin.site},
        "invite-again",
    ),
    path("admin/preferences/", admin.site.admin_view(preferences_page), {"site": admin.site}, "preferences"),
    path("admin/sessions/", admin.site.admin_view(sessions_page), {"site": admin.site}, "sessions"),
    path("admin/start/", admin.site.admin_view(start_page), name="start"),
    path("admin/data/", admin.site.admin_view(data_page), name="data"),
    path("admin/settings/", admin.site.admin_view(settings_page), {"site": admin.site}, "settings"),
    path(
        "admin/settings/<slug:group>/",
        admin.site.admin_view(group_page),
        {"site": admin.site},
        "settings-group",
    ),
    path(
        "admin/settings/<slug:group>/reset/",
        admin.site.admin_view(reset_page),
        {"site": admin.site},
        "settings-reset",
    ),
    path("admin/move-to/<str:key>/", admin.site.admin_view(move_page), {"site": admin.site}, "move-plan"),
    path("admin/rates/", admin.site.admin_view(rates_page), {"site": admin.site}, "rates"),
    path("admin/seller/", admin.site.admin_view(seller_page), {"site": admin.site}, "seller"),
    # Replaces Unfold's own search, which reads whole tables and caches the results.
    path("admin/search/", RedirectView.as_view(pattern_name="desk-find")),
    path("admin/list/<slug:name>/", admin.site.admin_view(old_list)),
    path("admin/", include("billing.sheets.urls")),
    path("admin/", include("crm.desk.sheets.urls")),
    path("admin/", include("crm.desk.pages.urls")),
    path("admin/", include("crm.jobs.urls")),
    path("admin/", include("crm.imports.urls")),
    path("admin/", include("crm.reports.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("config.sign_in")),
    path("", include("config.api_urls")),
]

handler400 = "config.error_pages.bad_request"
handler403 = "config.error_pages.permission_denied"
handler404 = "config.error_pages.page_not_found"
handler500 = "customers.api.failures.server_error"
