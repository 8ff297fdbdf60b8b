"""All settings, read top to bottom. This file alone reads the environment.

Nothing set means a production site: DEBUG off, cookies over HTTPS only, a missing secret stops the start.
`make run` and the tests set COINSHOP_EMBEDDED=1, which allows plain HTTP on this machine and the demo data.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import Env, validate

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

# The site ------------------------------------------------------------------------------------------------------------

IS_EMBEDDED = env.bool("COINSHOP_EMBEDDED", False)  # started by `make run` or by the tests, for this machine only
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if IS_EMBEDDED else [])
TRUSTED_PROXIES: list[str] = env.list(
    "TRUSTED_PROXIES", []
)  # networks such as 10.0.0.0/8 whose forwarded headers are believed
COUNTRY_HEADER = env.str("COUNTRY_HEADER", "CF-IPCountry")  # believed only when a trusted proxy sends it
SHOP_NAME = env.str("SHOP_NAME", "coinshop")
WEB_THREADS = env.int("WEB_THREADS", 8)

INSTALLED_APPS = [
    "coinshop.apps.CoinshopConfig",
    "coinshop.accounts",
    "wallet",
    "payments",
    "gifts",
    "coinshop.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "coinshop.proxy.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # its random padding and our masked tokens are against BREACH
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "coinshop.timezones.LocalTimeMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "coinshop.urls"
WSGI_APPLICATION = "coinshop.wsgi.application"
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
                "coinshop.context.shop",
                "wallet.context.balance",
                "payments.context.region",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Where the facts live ------------------------------------------------------------------------------------------------

# Migrations run as the tables' owner. Everything else runs as a role that may not alter them nor write the ledger.
MIGRATES = sys.argv[1:2] == ["migrate"]
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_OWNER_URL" if MIGRATES and env.str("DATABASE_OWNER_URL", "") else "DATABASE_URL",
        conn_max_age=60,
        conn_health_checks=True,
        disable_server_side_cursors=True,  # a pooler such as PgBouncer may give each transaction another connection
    )
}

# Where speed lives: losing any of it loses nothing -------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL")


def kombu_url(redis_url: str) -> str:
    """The broker's address as kombu spells it: a socket is redis+socket:// there and unix:// in redis-py."""
    if not redis_url.startswith("unix://"):
        return redis_url
    address = urlsplit(redis_url)
    return f"redis+socket://{address.path}?virtual_host={address.query.removeprefix('db=') or 0}"


CACHES = {
    "default": {
        "BACKEND": "coinshop.cache.ForgivingRedisCache",
        "LOCATION": env.str("CACHE_URL", "") or REDIS_URL,
        "KEY_PREFIX": "coinshop",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

CELERY_BROKER_URL = env.str("BROKER_URL", "") or kombu_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True  # state lives in PostgreSQL
CELERY_TASK_ACKS_LATE = True  # a worker that dies gives its tasks back; every task may run twice
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = 1_000_000  # tasks: Celery would connect anew for each, which took longer than to settle an order
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 15
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Celery's own 100 would end the worker for good
CELERY_TASK_PUBLISH_RETRY = False  # the sweep is the retry
if CELERY_BROKER_URL.startswith(("amqp://", "amqps://")):
    # RabbitMQ keeps a quorum queue through a kill -9, and says when it has a message. Topic from the first day: on a
    # direct exchange a delayed task holds up the others, and a queue's kind cannot be changed once it is there.
    CELERY_TASK_DEFAULT_QUEUE = "coinshop"
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_BROKER_CONNECTION_TIMEOUT = 1
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float] = {"confirm_publish": True, "read_timeout": 5, "write_timeout": 5}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,  # more than four times the longest task; after it an unfinished task runs again
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 1,  # kombu's own None waits for a frozen broker for ever
        "socket_connect_timeout": 0.5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
    }
CELERY_BROKER_TRANSPORT_OPTIONS["max_retries"] = 0  # kombu's own would try for six seconds to publish one message
CELERY_BEAT_SCHEDULE = {
    "recognise revenue": {"task": "payments.tasks.recognise_revenue", "schedule": crontab(hour=3, minute=10)},
    "apply the breakage rate": {"task": "payments.tasks.apply_breakage_rate", "schedule": crontab(hour=3, minute=40)},
    "forget what is over": {"task": "payments.tasks.forget_old_events", "schedule": crontab(hour=4, minute=10)},
}

# Stripe --------------------------------------------------------------------------------------------------------------

STRIPE_API_KEY = env.str("STRIPE_API_KEY")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "")  # empty: Stripe itself
IS_SANDBOX = bool(STRIPE_API_BASE)
CHECKOUT_ORIGIN = (
    "{0.scheme}://{0.netloc}".format(urlsplit(STRIPE_API_BASE)) if IS_SANDBOX else "https://checkout.stripe.com"
)

# Money and law that the operator decides -----------------------------------------------------------------------------

CREATOR_SHARE_PERCENT = env.int("CREATOR_SHARE_PERCENT", 50)  # diamonds a creator earns for 100 bought coins
PROMO_SHARE_PERCENT = env.int("PROMO_SHARE_PERCENT", 0)  # the same for given coins
PROVIDER_FEE_BP = env.int("PROVIDER_FEE_BP", 290)  # what the provider keeps of a payment, in basis points,
PROVIDER_FEE_CENTS = env.int("PROVIDER_FEE_CENTS", 30)  # and for each, in US cents: to reckon margins with
BREAKAGE_BP = env.int(  # basis points of sold coins that will never be spent, as `manage.py breakage` lets one expect
    "BREAKAGE_BP", 0, validate=validate.Range(0, 9_999)
)
RESIDENCE_DAYS = env.int("RESIDENCE_DAYS", 30)  # before somebody who moved may move again
WINDOW_SECONDS = env.int("WINDOW_SECONDS", 5)  # regions and the window's prices are shown for so long without asking
PRICE_HOLDS_MINUTES = env.int("PRICE_HOLDS_MINUTES", 15)  # between the summary and the payment page, which keeps it
ORDERS_PER_HOUR = env.int("ORDERS_PER_HOUR", 20)  # checkouts one person may begin in an hour

CLEARING_DAYS = env.int("CLEARING_DAYS", 7)  # by then the money of an order has arrived, or gone back

# The ledger's own checks are joined by those of the apps whose facts it holds (`manage.py audit_ledger`).
LEDGER_AUDITS = ["payments.audit.findings", "gifts.audit.findings"]

# People --------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ["UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator"]
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_FORMS = {"signup": "coinshop.accounts.forms.SignupForm"}
ACCOUNT_ADAPTER = "coinshop.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "handle"
ACCOUNT_USERNAME_VALIDATORS = "coinshop.accounts.models.HANDLE_VALIDATORS"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_BLACKLIST = [
    "admin",
    "coinshop",
    "finance",
    "help",
    "house",
    "moderator",
    "pricing",
    "staff",
    "support",
]
ACCOUNT_EMAIL_VERIFICATION = "optional"  # buying and gifting do not wait for a confirmed address
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_SESSION_REMEMBER = None  # the form asks
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if IS_EMBEDDED else "https"
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"

EMAIL = env.dj_email_url("EMAIL_URL", "smtp://localhost:25")  # file:////an/absolute/path keeps mails in files
EMAIL_FILE_PATH = EMAIL["EMAIL_FILE_PATH"]
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"], EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"], EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT = EMAIL["EMAIL_USE_TLS"], EMAIL["EMAIL_USE_SSL"], 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "coinshop <shop@localhost>")
HAS_MAILBOX = IS_EMBEDDED and "filebased" in EMAIL_BACKEND  # a page shows what the site mails

# Language, time, numbers ---------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("ar", _("Arabic")),
    ("de", _("German")),
    ("es", _("Spanish")),
    ("id", _("Indonesian")),
    ("ja", _("Japanese")),
    ("pt-br", _("Brazilian Portuguese")),
    ("tr", _("Turkish")),
]
LOCALE_PATHS = [BASE_DIR / "coinshop" / "locale"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["coinshop.formats"]
USE_TZ = True
TIME_ZONE = "UTC"  # inside; people see their own
TIME_ZONE_COOKIE = "tz"

# Files ---------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_EMBEDDED or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = IS_EMBEDDED or DEBUG

# Safety --------------------------------------------------------------------------------------------------------------

IS_HTTPS = not IS_EMBEDDED
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 63_072_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "coinshop.pages.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, CHECKOUT_ORIGIN],  # the redirect to the payment page answers a form
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Words for the operator ----------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {name: {"level": "INFO"} for name in ["coinshop", "wallet", "payments", "gifts"]},
}
