"""The WSGI application that granian serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conductor.settings")
application = get_wsgi_application()

from conductor.tenancy.serving import serve_as  # noqa: E402 - Django must be set up

serve_as("web")
