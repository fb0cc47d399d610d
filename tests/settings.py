"""The settings under test: those of a development machine, on the database that DATABASE_URL chooses."""

import os

os.environ["ENV_FILE"] = ""
os.environ["CLIENTELE_DEVELOPMENT"] = "1"
# Commands run in processes of their own, too, log no line for each run and batch.
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
# Emptied before each test, also those without a database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Looks for a static file when it is asked for: every new client would list all of them.
WHITENOISE_AUTOREFRESH = True
