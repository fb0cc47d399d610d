"""A check of the installation that the WSGI application runs when it starts."""

from pathlib import Path

from django.conf import settings


def static_files_problem() -> str:
    """What is wrong if the static files were not collected, because a production server then can't show any page."""
    if settings.STATIC_ROOT is None or Path(settings.STATIC_ROOT, "staticfiles.json").is_file():
        return ""
    return f"STATIC_ROOT: {settings.STATIC_ROOT} has no static files. Run `manage.py collectstatic --noinput` first."
