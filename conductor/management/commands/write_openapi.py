"""`manage.py write_openapi`: write docs/reference/openapi.json and error-codes.md from the code."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conductor.api.document.codes import all_codes
from conductor.api.v1 import api

_HEAD = """# Error codes

Every refusal of the API is a problem (RFC 9457) with one of these codes, which are stable: codes are added, and none
changes its meaning. The sentences may improve, and `detail` often says more. `make openapi` writes this page from the
code, and no answer in any test of the product has a code that is not here.

| code | status | what it says |
|---|---|---|
"""


class Command(BaseCommand):
    help = "Write the API's OpenAPI 3.1 document and its error codes to docs/reference/."

    def handle(self, *args: Any, **options: Any) -> None:
        document = json.dumps(api.get_openapi_schema(), indent=2, sort_keys=True, default=str) + "\n"
        for name, text in (("openapi.json", document), ("error-codes.md", page_of_codes())):
            path = settings.BASE_DIR / "docs/reference" / name
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {path.relative_to(settings.BASE_DIR)}")


def page_of_codes() -> str:
    """Return the page of all error codes."""
    rows = [f"| `{each.code}` | {', '.join(map(str, each.statuses))} | {each.meaning} |\n" for each in all_codes()]
    return _HEAD + "".join(rows)
