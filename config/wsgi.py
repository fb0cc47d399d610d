"""The application for a WSGI server: `gunicorn config.wsgi`."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.checks import static_files_problem
from config.database import bound_requests
from config.environment import ConfigurationError

#: The status on which gunicorn stops instead of starting the worker again and again.
_CANNOT_LOAD = 4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    bound_requests(settings.DATABASES["default"])
    if problem := static_files_problem():
        raise ConfigurationError(f"Clientele can't start. Correct these settings:\n  {problem}")
except ConfigurationError as error:
    print(error, file=sys.stderr, flush=True)
    sys.exit(_CANNOT_LOAD)
