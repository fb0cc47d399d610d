"""Guard against guessing passwords and codes.

Failures are counted in a table, so the limits hold across processes:

- After five wrong passwords for one user name from one IP address, that name is blocked at that address. A stranger
  elsewhere can't block a colleague this way.
- After fifty wrong passwords from one address, for any names, the address is blocked, because trying one password on
  every name is guessing too.
- After five wrong codes of the second step, the second step of that user is blocked at every address. Only someone who
  has the password gets that far, and they may use many addresses.

A block ends after `AXES_COOLOFF_TIME`, or when an administrator deletes the failed sign-in. allauth's own limits of
sign-ins are off: they count by name alone, so any stranger could keep a colleague out. Its limits of requests for
emails are on (`ACCOUNT_RATE_LIMITS`): by the visitor's address, or by the user who is signed in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from customers.logs import log_event

#: The columns that mark a failure as a wrong code. A wrong password always has an address, so visitors can't forge it.
_CODE = {"ip_address": None, "user_agent": "second step"}


class SignInGuard(AxesDatabaseHandler):
    """The handler of axes, which counts by name and address, plus a limit that counts by address alone."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """The number of failures that count against this request; the limit if its address is blocked."""
        limit: int = settings.AXES_FAILURE_LIMIT
        failures: int = super().get_failures(request, credentials)
        if failures < limit and _failures_at(request.axes_ip_address) >= settings.FAILURES_PER_ADDRESS:
            return limit
        return failures

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **options: Any
    ) -> None:
        """Count a failure. If it causes a block, log the ID of the user."""
        super().user_login_failed(sender, credentials, request, **options)
        if getattr(request, "axes_locked_out", False):
            named = User.objects.filter(username=credentials.get("username"))
            log_event("sign_in_blocked", user=named.values_list("pk", flat=True).first())


def _failures_at(address: str) -> int:
    attempts = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=_threshold())
    return attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0


def _threshold() -> datetime:
    return timezone.now() - settings.AXES_COOLOFF_TIME


def _wrong_codes(user: User) -> QuerySet[Any]:
    attempts: QuerySet[Any] = AccessAttempt.objects.filter(username=user.get_username(), **_CODE)
    return attempts


class _GuardedCode(BaseAuthenticateForm):
    """A form for a code of the second step."""

    def clean_code(self) -> str:
        """The code, if it is right and the user's second step is not blocked."""
        if not settings.AXES_ENABLED:
            return str(super().clean_code())
        # Counted before the code is checked, so that simultaneous requests can't try more codes than the limit.
        attempt = AccessAttempt.objects.create(
            username=self.user.get_username(),
            path_info=_path(context.request),
            failures_since_start=1,
            **_CODE,
        )
        if (
            _wrong_codes(self.user).filter(attempt_time__gte=_threshold()).count()
            > settings.AXES_FAILURE_LIMIT
        ):
            attempt.delete()
            log_event("second_step_blocked", user=self.user.pk)
            raise ValidationError("Wait 15 minutes, then try again. There were too many wrong codes.")
        code = str(super().clean_code())
        _wrong_codes(self.user).delete()
        return code


def _path(request: HttpRequest) -> str:
    return request.path[:255]


class SecondStepForm(_GuardedCode, AuthenticateForm):
    """The code that completes a sign-in."""


class ConfirmationForm(_GuardedCode, ReauthenticateForm):
    """The code that confirms the user's identity before they change the second step."""
