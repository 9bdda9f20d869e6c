"""Settings of the test suite: the product's own, with a broker in memory and a home that is thrown away."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="conductor-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("CONDUCTOR_HOME", _home)
os.environ.setdefault("CONDUCTOR_SECRET_KEY", "test-key-" + "0" * 41)
os.environ.setdefault("CONDUCTOR_SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5")
os.environ.setdefault("CONDUCTOR_LOG_LEVEL", "ERROR")
if os.environ.get("CONDUCTOR_TEST_BROKER_URL"):
    os.environ["BROKER_URL"] = os.environ["CONDUCTOR_TEST_BROKER_URL"]
else:
    os.environ["BROKER_URL"] = "memory://"

from conductor.settings import *  # noqa: E402, F403 - the environment above must come first
from conductor.settings import STATIC_ROOT  # noqa: E402

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a missing folder, and warnings are errors

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "process"},
}
MIDDLEWARE = ["tests.contract.AnswersAsDocumented", *MIDDLEWARE]  # noqa: F405
