"""Reads JSON and forms once for the whole API: what comes out can be kept."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from conductor.lib import strict_json
from conductor.lib.text import readable


class CleanParser(Parser):
    """JSON without NUL characters, lone surrogates, NaN and infinities; forms and queries without the first two."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's document; raise ValueError for what is not JSON as RFC 8259 has it."""
        return strict_json.loads(request.body)

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Return the fields of a query or form."""
        return {
            name: [_clean(each) for each in data.getlist(name)] if name in list_fields else _clean(data[name])
            for name in data
        }


def _clean(value: Any) -> Any:
    return readable(value) if isinstance(value, str) else value
