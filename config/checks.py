"""Checks of the installation: one that the WSGI application runs when it starts, one of `check --deploy`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

#: More proxies in a row than is plausible.
_MANY_PROXIES = 5


def static_files_problem() -> str:
    """What is wrong if the static files were not collected, because a production server then can't show any page."""
    if settings.STATIC_ROOT is None or Path(settings.STATIC_ROOT, "staticfiles.json").is_file():
        return ""
    return f"STATIC_ROOT: {settings.STATIC_ROOT} has no static files. Run `manage.py collectstatic --noinput` first."


def proxy_problems(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """What contradicts `TRUSTED_PROXY_COUNT`: by it, the guard against guessing tells visitors apart."""
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    found = ""
    if count == 0 and settings.SECURE_PROXY_SSL_HEADER:
        found = (
            "SECURE_PROXY_SSL_HEADER says that there is a proxy, so all visitors seem to have its address."
        )
    elif count > _MANY_PROXIES:
        found = "That is more than usual. If it is too high, visitors can forge their address."
    if not found:
        return []
    hint = "Set it to the number of your proxies that add to X-Forwarded-For."
    return [checks.Warning(f"TRUSTED_PROXY_COUNT is {count}. {found}", hint, id="clientele.W001")]
