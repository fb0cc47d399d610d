"""The version of Clientele. CHANGELOG.md describes each version."""

from django.http import HttpRequest

VERSION = "0.2.0"


def version_context(request: HttpRequest) -> dict[str, str]:
    """Context processor: the version, for the footer of pages."""
    return {"clientele_version": VERSION}
