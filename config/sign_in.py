"""The sign-in pages. They are those of allauth, which has two-step sign-in, in the look of the admin."""

import ipaddress
from typing import Any

from allauth.account import views
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path, re_path

from config.email_address import confirm_page, email_page

_NETWORK_BITS = 64

#: Users don't sign up: administrators invite them (`config.invitations`).
urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    # For a user without a password, who can't be signed in. allauth redirects to it by name.
    path("password/set/", views.password_set, name="account_set_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("email/", email_page, name="account_email"),
    path("confirm-email/<str:key>/", confirm_page, name="account_confirm_email"),
    path("2fa/", include("allauth.mfa.urls")),
]


def client_ip(request: HttpRequest) -> str:
    """The address of the visitor, in front of as many proxies as `TRUSTED_PROXY_COUNT`.

    For IPv6, this is the first address of the /64 network, because one subscriber usually has all addresses of it.
    """
    address: str = get_adapter().get_client_ip(request)
    parsed = ipaddress.ip_address(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False).network_address)


def admin_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the variables of the admin's layout, for the sign-in pages (`accounts/…`) only."""
    match = request.resolver_match
    if match is None or not match.route.startswith("accounts/"):
        return {}
    return {**admin.site.each_context(request), "email_is_set_up": settings.EMAIL_IS_SET_UP}
