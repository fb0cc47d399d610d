"""The version of Clientele, described in CHANGELOG.md."""

from django.http import HttpRequest

VERSION = "0.2.0"


def version_context(request: HttpRequest) -> dict[str, str]:
    """Context processor: the version, for the pages' footer."""
    return {"clientele_version": VERSION}
