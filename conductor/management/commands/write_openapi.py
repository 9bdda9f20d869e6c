"""`manage.py write_openapi`: write docs/reference/openapi.json from the code."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conductor.api.v1 import api


class Command(BaseCommand):
    help = "Write the API's OpenAPI 3.1 document to docs/reference/openapi.json."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs/reference/openapi.json"
        path.write_text(json.dumps(api.get_openapi_schema(), indent=2, sort_keys=True, default=str) + "\n")
        self.stdout.write(f"wrote {path.relative_to(settings.BASE_DIR)}")
