"""The sign-in pages. They are those of allauth, which has two-step sign-in, in the look of the admin."""

import ipaddress
from typing import Any

from allauth.account import views
from allauth.account.adapter import get_adapter
from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

_NETWORK_BITS = 64

#: Users don't sign up, and Clientele sends no email, so the pages for these are left out.
urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
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
    return admin.site.each_context(request)
