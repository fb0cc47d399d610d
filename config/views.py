"""Pages for machines: health checks and crawlers."""

import logging
import math
import secrets
import time

from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)

_READY_SECONDS = 5


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Health check: status 200 if the database responds, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.error("The database does not answer.", exc_info=error)
        return HttpResponse("The database does not answer.\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Readiness check: status 200 if the database takes writes, else 503.

    It writes a row and takes it back, at most every five seconds in a process, because anyone may ask.
    """
    now = time.monotonic()
    if now - _writes.asked_at >= _READY_SECONDS:
        _writes.work, _writes.asked_at = _takes_writes(), now
    if not _writes.work:
        return HttpResponse("The database takes no writes.\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


class _Writes:
    """What the last readiness check of this process found."""

    work = True
    asked_at = -math.inf


_writes = _Writes()


def _takes_writes() -> bool:
    try:
        with transaction.atomic():
            Session.objects.create(
                session_key=secrets.token_hex(20), session_data="", expire_date=timezone.now()
            )
            transaction.set_rollback(True)
    except DatabaseError as error:
        logger.error("The database takes no writes.", exc_info=error)
        return False
    return True


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Ask search engines to stay away."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")
