"""Settings of Django and of Clientele. What differs between installations comes from the environment."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from django.urls import reverse_lazy

from config.database import database
from config.environment import EnvironmentSettings
from config.version import VERSION as _VERSION
from customers.configuration.table import TABLE

BASE_DIR = Path(__file__).resolve().parent.parent

_environment = EnvironmentSettings(BASE_DIR / ".env")

#: A developer's machine: a known secret key, plain HTTP on localhost, static files without a build.
DEVELOPMENT = _environment.flag("CLIENTELE_DEVELOPMENT", default=False)

# The product

CLIENTELE_VERSION = _VERSION

# The settings that pages can change, under their names: what the environment gives, else the default of the table.
# `customers.configuration.values` reads them, unless a page has stored a value.
_given = _environment.given(TABLE)
globals().update({setting.name: setting.default for setting in TABLE} | _given)

#: Names of those that the environment gives.
GIVEN_SETTINGS = frozenset(_given)

#: Names of those that pages can't change.
LOCKED_SETTINGS = _environment.names_of("LOCKED_SETTINGS", TABLE)

# Access

DEBUG = _environment.flag("DEBUG", default=False)

SECRET_KEY = _environment.required(
    "SECRET_KEY",
    "known-to-everybody-and-good-for-development-only-0123456789" if DEVELOPMENT else None,
    "Set it to 50 or more random characters, such as the output of"
    " python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
    " (on a developer's machine, set CLIENTELE_DEVELOPMENT=1 instead)",
)
if 0 < len(SECRET_KEY) < 50:
    _environment.refuse("SECRET_KEY", "it is too short to be safe. Set it to 50 or more random characters")

ALLOWED_HOSTS = _environment.hosts(
    "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else None
)
CSRF_TRUSTED_ORIGINS = _environment.origins("CSRF_TRUSTED_ORIGINS")

SECURE_SSL_REDIRECT = _environment.flag("SECURE_SSL_REDIRECT", default=not DEVELOPMENT)
SECURE_HSTS_SECONDS = _environment.number("SECURE_HSTS_SECONDS", 0 if DEVELOPMENT else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_SECONDS > 0
SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_PROXY_SSL_HEADER = _environment.header("SECURE_PROXY_SSL_HEADER")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SESSION_COOKIE_HTTPONLY = True
if not DEVELOPMENT:
    # Browsers take such a cookie from this host alone, over HTTPS, for all paths.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
X_FRAME_OPTIONS = "DENY"

#: How many proxies in front of Clientele add to X-Forwarded-For. Failed sign-ins are counted by the address in it.
ALLAUTH_TRUSTED_PROXY_COUNT = _environment.number("TRUSTED_PROXY_COUNT", 0)

# Unfold's Alpine needs eval and inline styles. Allow nothing more than that.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:", "https:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

#: Requests per minute of each API token; 0 for no limit.
API_REQUESTS_PER_MINUTE = _environment.number("API_REQUESTS_PER_MINUTE", 3000)

# Apps, middleware, templates

INSTALLED_APPS = [
    # The app config without Unfold's own admin site, because ours is a subclass of it.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "config.apps.AdminWithLeanSite",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "django_filters",
    "django_countries",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "customers",
    "billing",
    "crm",
    "config",
]

MIDDLEWARE = [
    "config.metrics.RequestFiguresMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "customers.configuration.values.SteadySettingsMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.preferences.PreferencesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.session_limits.SessionLimitsMiddleware",
    "config.bad_addresses.BadAddressMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "config.audit.AuditMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.sign_in.admin_frame",
                "config.version.version_context",
            ],
            "libraries": {"admin_urls": "config.admin_urls"},
        },
    },
]

# `config.admin_urls` stands in for a library of Django on purpose.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]

# Data

DATABASES = {"default": database(_environment, BASE_DIR)}
# In the database by default, because all server processes must know which codes of the second step were used.
CACHES = {"default": _environment.cache("CACHE_URL", "dbcache://cache")}

#: Where the nightly backup goes; without it there is none.
BACKUP_DIR = _environment.text("BACKUP_DIR")
#: Backups are encrypted with it, if it is set.
BACKUP_KEY = _environment.text("BACKUP_KEY")
if 0 < len(BACKUP_KEY) < 32:
    _environment.refuse("BACKUP_KEY", "it is too short to be safe. Set it to 32 or more random characters")
#: How many backups the nightly job keeps.
BACKUPS_KEPT = _environment.number("BACKUPS_KEPT", 14)

STATIC_URL = "static/"
STATIC_ROOT = None if DEVELOPMENT else BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEVELOPMENT

# Email

_EMAIL_URL = f"filemail://{BASE_DIR / '.cache' / 'emails'}" if DEVELOPMENT else ""
_mail = _environment.mail("EMAIL_URL", _EMAIL_URL)
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail.get("EMAIL_HOST") or ""
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = f"/{_mail['EMAIL_FILE_PATH'].lstrip('/')}" if _mail.get("EMAIL_FILE_PATH") else None
#: A person waits for it, so not for long.
EMAIL_TIMEOUT = 15
EMAIL_IS_SET_UP = bool(_environment.text("EMAIL_URL", _EMAIL_URL))
#: Whether webhooks may be sent to private addresses, and without encryption.
WEBHOOK_PRIVATE_ADDRESSES = _environment.flag("WEBHOOK_PRIVATE_ADDRESSES", default=DEVELOPMENT)
#: Where people open Clientele: scheme and host, for links in emails.
SITE_URL = _environment.site("SITE_URL", ALLOWED_HOSTS, development=DEVELOPMENT)
#: The sender of emails.
DEFAULT_FROM_EMAIL = _environment.required(
    "EMAIL_FROM",
    None if EMAIL_IS_SET_UP and not DEVELOPMENT else "invoices@localhost",
    "Set it to the sender of emails, such as invoices@example.com, or leave EMAIL_URL unset",
)

# Sign-in

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "config.preferences.UserBackend",
]
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]
#: Whether users must set up a second step before they reach anything else.
REQUIRE_SECOND_STEP = _environment.flag("REQUIRE_SECOND_STEP", default=not DEVELOPMENT)
#: Seconds after a sign-in, and after the last request, at which a session ends.
SESSION_LASTS = SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE = 30 * 60
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "start"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Clientele"
MFA_FORMS = {
    "authenticate": "config.guard.SecondStepForm",
    "reauthenticate": "config.guard.ConfirmationForm",
}

ACCOUNT_ADAPTER = "config.account_mail.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "config.account_mail.PasswordResetForm"}
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
#: Links in invitations and password resets work this long, in seconds.
PASSWORD_RESET_TIMEOUT = 3 * 86_400

# One guard against guessing: see config/guard.py. What sends emails is limited by address or user, in the cache.
ACCOUNT_RATE_LIMITS = {
    **dict.fromkeys(
        (
            "change_phone",
            "login",
            "login_failed",
            "reauthenticate",
            "request_login_code",
            "signup",
            "verify_phone",
        )
    ),
    "reset_password": "10/15m/ip",
    "reset_password_from_key": "20/15m/ip",
    "manage_email": "10/15m/user",
    "change_password": "10/15m/user",
}
AXES_HANDLER = "config.guard.SignInGuard"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Counted by both together, so that a stranger can't block a colleague.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
#: An address is blocked after this many failures, for any names. It is high because an office shares one address.
FAILURES_PER_ADDRESS = 50
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "config.sign_in.client_ip"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# Time and language

USE_TZ = True
TIME_ZONE = _environment.time_zone("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True

# Logs, on standard error

_LOG_LEVEL = _environment.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.log_lines.OneLineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": _LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": _LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": _LOG_LEVEL, "propagate": True},
        # Its lines hold names and addresses; the guard logs the same by ID.
        "axes": {"handlers": [], "level": "CRITICAL", "propagate": True},
        # Its lines hold letters of names.
        "fpdf": {"handlers": [], "level": "CRITICAL", "propagate": True},
        "fontTools": {"handlers": [], "level": "ERROR", "propagate": True},
        # At DEBUG it would log every statement with its parameters.
        "django.db.backends": {"handlers": [], "level": "INFO", "propagate": True},
    },
}

# Appearance

UNFOLD = {
    "SITE_TITLE": "Clientele",
    "SITE_HEADER": "Clientele",
    "SITE_SUBHEADER": "One customer record",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("config/icon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("config/icon.svg")},
    ],
    "STYLES": [
        lambda request: static("config/clientele.css"),
        lambda request: static("config/components.css"),
        lambda request: static("customers/admin.css"),
        lambda request: static("crm/desk.css"),
    ],
    "SCRIPTS": [
        lambda request: static("crm/find.js"),
        lambda request: static("customers/names.js"),
        lambda request: static("config/recent.js"),
        lambda request: static("config/sheet.js"),
    ],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "crm.home.page.fill_home",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(70.4% .14 182.503)",
            # The color of buttons: dark enough for white letters.
            "600": "oklch(51.1% .096 186.391)",
            "700": "oklch(47.4% .087 187.3)",
            "800": "oklch(43.7% .078 188.216)",
            "900": "oklch(38.6% .063 188.416)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "config.navigation.sidebar",
    },
    "ACCOUNT": {
        "navigation": [
            {"title": "Preferences", "link": reverse_lazy("preferences")},
            {"title": "Notifications", "link": reverse_lazy("desk-notification-choices")},
            {"title": "Email address", "link": reverse_lazy("account_email")},
            {"title": "Change password", "link": reverse_lazy("account_change_password")},
            {"title": "Two-step sign-in", "link": reverse_lazy("mfa_index")},
            {"title": "Sessions", "link": reverse_lazy("sessions")},
        ]
    },
}

#: What the environment gives, by name, for `manage.py settings`. It has no secrets.
GIVEN_TEXTS = _environment.given_texts

_environment.finish()
