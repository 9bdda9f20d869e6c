"""Settings, read from the environment. In production no process that serves starts with unsafe ones.

docs/reference/settings.md lists every variable. `make up` sets those of the embedded engines.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from conductor.lib.database.limits import database_limits
from conductor.lib.database.url import parse_database_url
from conductor.lib.quotas import Quota, parse_quotas
from conductor.lib.role_mapping import parse_roles

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, *, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


# Where this process runs and keeps its files -----------------------------------------------------
CONDUCTOR_ENV = os.environ.get("CONDUCTOR_ENV", "development")
CONDUCTOR_HOME = Path(os.environ.get("CONDUCTOR_HOME", BASE_DIR / "var"))
CONDUCTOR_DEMO = _flag("CONDUCTOR_DEMO")
CONDUCTOR_BASE_URL = os.environ.get("CONDUCTOR_BASE_URL", "http://127.0.0.1:8484")
PRODUCTION = CONDUCTOR_ENV == "production"

DEBUG = _flag("CONDUCTOR_DEBUG")
# Without a key of its own nothing may be signed across restarts; check conductor.E010 refuses it in production.
SECRET_KEY = os.environ.get("CONDUCTOR_SECRET_KEY") or "insecure-development-key-" + "0" * 32
ALLOWED_HOSTS = [
    each.strip() for each in os.environ.get("CONDUCTOR_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
]
# Safeguards that this installation decided to do without: `mail`, `metrics` (checks conductor.E020 to E022).
CONDUCTOR_WAIVED = {each.strip() for each in os.environ.get("CONDUCTOR_WAIVED", "").split(",") if each.strip()}
CSRF_TRUSTED_ORIGINS = [CONDUCTOR_BASE_URL]

INSTALLED_APPS = [
    "conductor",
    "adapters",
    "incidents",
    "controls",
    "evidence",
    "chatops",
    "conductor.tenancy.admin.app.TenantAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "guardian",
    "csp",
    "django_htmx",
    "template_partials",
    "django_celery_beat",
    "django_celery_results",
]

MIDDLEWARE = [
    "conductor.observability.middleware.RequestContext",
    "conductor.console.headers.ResponseHeaders",
    "conductor.observability.cleaning.CleanInput",
    "conductor.tenancy.rates.middleware.RateLimits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "conductor.tenancy.sessions.limits.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "conductor.console.people.passwords.PasswordPages",
    "conductor.tenancy.sessions.fresh_proof.FreshProofMiddleware",
    # Last, so that its process_view runs after the CSRF check: it opens the tenant's transaction round the view.
    "conductor.tenancy.middleware.TenantMiddleware",
]

ROOT_URLCONF = "conductor.urls"
WSGI_APPLICATION = "conductor.wsgi.application"
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
                "conductor.console.shell.context.shell",
            ],
        },
    }
]

# Data --------------------------------------------------------------------------------------------
# Two roles. "default" is the application's: row-level security holds it to one tenant at a time.
# "owner" owns the tables and is used by migrations and seeds only (docs/decisions/0003); in production the processes
# that serve have no such address (docs/decisions/0090).
DATABASE_URL = os.environ.get("DATABASE_URL") or "postgresql://conductor@127.0.0.1:5432/conductor"
DATABASE_APP_URL = os.environ.get("DATABASE_APP_URL", "")
APP_ROLE = "conductor_app"
DATABASES = {
    "default": parse_database_url(DATABASE_APP_URL or DATABASE_URL, role="" if DATABASE_APP_URL else APP_ROLE),
}
if not PRODUCTION or os.environ.get("DATABASE_URL"):
    DATABASES["owner"] = parse_database_url(DATABASE_URL) | {"CONN_MAX_AGE": 0}
for _database in DATABASES.values():
    _database.setdefault("CONN_MAX_AGE", 60)
    _database["CONN_HEALTH_CHECKS"] = True
# How long one process may hold others up (docs/decisions/0065). Migrations and commands are held to nothing.
DATABASE_LIMITS = {
    "web": database_limits(
        idle=os.environ.get("CONDUCTOR_WEB_IDLE_SECONDS", 30),
        lock=os.environ.get("CONDUCTOR_WEB_LOCK_SECONDS", 5),
        statement=os.environ.get("CONDUCTOR_WEB_STATEMENT_SECONDS", 30),
    ),
    "worker": database_limits(
        idle=os.environ.get("CONDUCTOR_WORKER_IDLE_SECONDS", 60),
        lock=os.environ.get("CONDUCTOR_WORKER_LOCK_SECONDS", 90),
        statement=os.environ.get("CONDUCTOR_WORKER_STATEMENT_SECONDS", 300),
    ),
}
# Counters of sign-in attempts are everybody's (docs/decisions/0044); what one process remembers for itself is not.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "conductor_cache"},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": CONDUCTOR_HOME / "files"},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    "artifacts": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": CONDUCTOR_HOME / "artifacts",
            "file_permissions_mode": 0o440,
            "directory_permissions_mode": 0o750,
        },
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = CONDUCTOR_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION

# Who holds the signing keys: file, env, vault, pkcs11, or the dotted path of a factory (docs/how-to/signing-keys.md).
CONDUCTOR_KEY_PROVIDER = os.environ.get("CONDUCTOR_KEY_PROVIDER", "file")
CONDUCTOR_KEYS_DIR = Path(os.environ.get("CONDUCTOR_KEYS_DIR", CONDUCTOR_HOME / "keys"))
# Names this installation's transparency logs in every checkpoint. Never change it: old proofs carry it.
CONDUCTOR_LOG_NAME = os.environ.get("CONDUCTOR_LOG_NAME", "maestro-conductor.local")

# How often the newest checkpoint of each log goes to the tenant's notaries.
CONDUCTOR_ANCHOR_SECONDS = int(os.environ.get("CONDUCTOR_ANCHOR_SECONDS", 300))

# How often each tracker is asked which tickets have changed.
CONDUCTOR_TRACKER_SECONDS = int(os.environ.get("CONDUCTOR_TRACKER_SECONDS", 60))

# Adapters (docs/reference/adapters.md): networks without public addresses that they may reach, and the secret
# references (`env:…`, `file:…`, with * and {tenant}) that a tenant's own admin may use. An operator may use any.
CONDUCTOR_PRIVATE_NETWORKS = [each for each in os.environ.get("CONDUCTOR_PRIVATE_NETWORKS", "").split(",") if each]
CONDUCTOR_SECRET_REFERENCES = os.environ.get("CONDUCTOR_SECRET_REFERENCES", "file:/run/secrets/{tenant}/*").split(",")

# People ------------------------------------------------------------------------------------------
# Beside an identity provider passwords may be switched off; `manage.py break_glass` lets a member in all the same.
CONDUCTOR_PASSWORD_SIGNIN = _flag("CONDUCTOR_PASSWORD_SIGNIN", default=True)
AUTHENTICATION_BACKENDS = [
    "conductor.access.passwords.PasswordGate",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
GUARDIAN_RAISE_403 = False
ANONYMOUS_USER_NAME = None
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# Nobody adds an address: the ones there are were proven, or given by the operator (docs/decisions/0070).
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_ADAPTER = "conductor.tenancy.sessions.accounts.MembersOnly"
# How many proxies of ours stand before us: with none believed, all people behind one share its tries.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("CONDUCTOR_TRUSTED_PROXIES", 0))
# A key is an account tried from one network address (conductor.tenancy.sessions.accounts, docs/decisions/0073).
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key,50/d/key"}
# Requests in seconds of one token, of all tokens of a tenant, of one source of alerts, of one network address without
# either, and of one that signs in (conductor.tenancy.rates, docs/decisions/0110).
CONDUCTOR_RATE_LIMITS = parse_quotas(
    os.environ.get("CONDUCTOR_RATE_LIMITS", ""),
    {
        "token": Quota(1200, 60),
        "tenant": Quota(6000, 60),
        "alerts": Quota(3000, 60),
        "address": Quota(120, 60),
        "signin": Quota(30, 60),
    },
)
# A second step: an app's codes, security keys and passkeys, recovery codes (docs/how-to/sign-in-with-oidc.md).
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Maestro Conductor"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# The organisation's identity provider (docs/how-to/sign-in-with-oidc.md). A verified address finds its member.
CONDUCTOR_OIDC_URL = os.environ.get("CONDUCTOR_OIDC_URL", "")
_OIDC_ORIGIN = ["{0.scheme}://{0.netloc}".format(urlsplit(CONDUCTOR_OIDC_URL))] if CONDUCTOR_OIDC_URL else []
CONDUCTOR_OIDC_GROUPS = os.environ.get("CONDUCTOR_OIDC_GROUPS", "groups")
CONDUCTOR_OIDC_ROLES = parse_roles(os.environ.get("CONDUCTOR_OIDC_ROLES", ""))
SOCIALACCOUNT_ADAPTER = "conductor.access.identity.IdentityProvider"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": os.environ.get("CONDUCTOR_OIDC_NAME", "your organisation's account"),
                "client_id": os.environ.get("CONDUCTOR_OIDC_CLIENT_ID", ""),
                "secret": os.environ.get("CONDUCTOR_OIDC_CLIENT_SECRET", ""),
                "settings": {"server_url": CONDUCTOR_OIDC_URL},
            }
        ]
        if CONDUCTOR_OIDC_URL
        else [],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(os.environ.get("CONDUCTOR_SESSION_SECONDS", 12 * 3600))
CONDUCTOR_SESSION_IDLE_SECONDS = int(os.environ.get("CONDUCTOR_SESSION_IDLE_SECONDS", 2 * 3600))
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "conductor.console.refusals.errors.csrf_failure"
# Account mail: invitations and forgotten passwords. Without a mail server it is printed where the web process runs,
# in production sent nowhere: it carries links that sign people in.
EMAIL_HOST = os.environ.get("CONDUCTOR_EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("CONDUCTOR_EMAIL_PORT", 587))
EMAIL_HOST_USER = os.environ.get("CONDUCTOR_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("CONDUCTOR_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("CONDUCTOR_EMAIL_SECURITY", "starttls") == "starttls"
EMAIL_USE_SSL = os.environ.get("CONDUCTOR_EMAIL_SECURITY") == "tls"
EMAIL_TIMEOUT = 10
_MAIL = "smtp" if EMAIL_HOST else "dummy" if PRODUCTION else "console"
EMAIL_BACKEND = os.environ.get("CONDUCTOR_EMAIL_BACKEND", f"django.core.mail.backends.{_MAIL}.EmailBackend")
DEFAULT_FROM_EMAIL = os.environ.get("CONDUCTOR_EMAIL_FROM", "conductor@localhost")

# Transport security ------------------------------------------------------------------------------
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = _flag("CONDUCTOR_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = int(os.environ.get("CONDUCTOR_HSTS_SECONDS", 31536000))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    # Anybody may send that header: only a proxy of ours is believed that the request came by https.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        # Signing in by the organisation's provider is a form that is answered with a redirection there.
        "form-action": ["'self'", *_OIDC_ORIGIN],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Work --------------------------------------------------------------------------------------------
BROKER_URL = os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0")
CONDUCTOR_LEASE_SECONDS = int(os.environ.get("CONDUCTOR_LEASE_SECONDS", 30))
CONDUCTOR_PDF_CPU_SECONDS = int(os.environ.get("CONDUCTOR_PDF_CPU_SECONDS", 60))
CONDUCTOR_PDF_SECONDS = int(os.environ.get("CONDUCTOR_PDF_SECONDS", 100))
CONDUCTOR_TRACE_PAGE = os.environ.get("CONDUCTOR_TRACE_PAGE", "")
CONDUCTOR_TENANT_RUN_LIMIT = int(os.environ.get("CONDUCTOR_TENANT_RUN_LIMIT", 100))

# Policy ------------------------------------------------------------------------------------------
# "regorus" evaluates the built-in rules in this process; "opa" asks the OPA at the address (docs/decisions/0042).
CONDUCTOR_POLICY_ENGINE = os.environ.get("CONDUCTOR_POLICY_ENGINE", "regorus")
CONDUCTOR_OPA_URL = os.environ.get("CONDUCTOR_OPA_URL", "")
CONDUCTOR_OPA_TOKEN = os.environ.get("CONDUCTOR_OPA_TOKEN", "")

# Slack -------------------------------------------------------------------------------------------
SLACK_SIGNING_SECRET = os.environ.get("CONDUCTOR_SLACK_SIGNING_SECRET", "")
# The one before, accepted until that moment (RFC 3339), so that a rotation refuses no request under way.
SLACK_SIGNING_SECRET_PREVIOUS = os.environ.get("CONDUCTOR_SLACK_SIGNING_SECRET_PREVIOUS", "")
SLACK_SIGNING_SECRET_PREVIOUS_UNTIL = os.environ.get("CONDUCTOR_SLACK_SIGNING_SECRET_PREVIOUS_UNTIL", "")
SLACK_CLIENT_ID = os.environ.get("CONDUCTOR_SLACK_CLIENT_ID", "")
SLACK_CLIENT_SECRET = os.environ.get("CONDUCTOR_SLACK_CLIENT_SECRET", "")
SLACK_APP_TOKEN = os.environ.get("CONDUCTOR_SLACK_APP_TOKEN", "")
SLACK_COMMAND = os.environ.get("CONDUCTOR_SLACK_COMMAND", "/incident")
SLACK_API_URL = os.environ.get("CONDUCTOR_SLACK_API_URL", "https://slack.com/api/")

# Language, time, logs ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = "conductor.observability.logs.configure"
LOGGING = {
    "level": os.environ.get("CONDUCTOR_LOG_LEVEL", "INFO"),
    "format": os.environ.get("CONDUCTOR_LOG_FORMAT", "json"),
}
METRICS_TOKEN = os.environ.get("CONDUCTOR_METRICS_TOKEN", "")
SILENCED_SYSTEM_CHECKS = ["security.W004"] if not PRODUCTION else []
