"""Holds every answer of the API, in every test, to the OpenAPI document: status, media type and shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve
from jsonschema_rs import validator_for

from conductor.api.document.codes import all_codes
from conductor.api.v1 import api

API = "/api/"
PROBLEM = "application/problem+json"
NOT_OF_AN_OPERATION = frozenset({404, 405})
"""Statuses that an address may answer with which is no operation's."""


class AnswersAsDocumented:
    """A middleware for tests. Raises AssertionError where an answer below /api/ is not as the document has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith(API):
            check(request, response)
        return response


def check(request: HttpRequest, response: HttpResponseBase) -> None:
    """Raise AssertionError unless the document has this answer to this request."""
    what = f"{request.method} {request.path}: {response.status_code}"
    media_type = response.get("Content-Type", "").partition(";")[0]
    assert media_type != "text/html", f"{what} is HTML"
    if media_type == PROBLEM and request.method != "HEAD":
        code = json.loads(response.content).get("code")  # type: ignore[attr-defined]
        assert code is None or code in {each.code for each in all_codes()}, (
            f"{what} has a code that no page lists: {code}"
        )
    operation = _operation(request)
    if operation is None:
        assert response.status_code < 400 or media_type == PROBLEM, f"{what} is no problem but {media_type}"
        return
    documented = operation["responses"].get(response.status_code)
    if documented is None:
        assert response.status_code in NOT_OF_AN_OPERATION, f"{what} is not documented"
        return
    if "Location" in documented.get("headers", {}):
        place = response.get("Location", "")
        assert place, f"{what} does not say where it is"
        assert _answers_get(place), f"{what} leads to {place}, where nothing is"
    content = documented.get("content", {})
    if not content:
        assert not response.streaming and not response.content, f"{what} has a body that the document does not mention"  # type: ignore[attr-defined]
        return
    described = content.get(media_type) or content.get("*/*")
    assert described, f"{what} is {media_type}; documented are {', '.join(content)}"
    if media_type.endswith("json") and not response.streaming:
        body = json.loads(response.content)  # type: ignore[attr-defined]
        faults = [f"{list(each.instance_path)}: {each.message}" for each in _validator(described).iter_errors(body)]
        assert not faults, f"{what} is not of the documented shape: {faults}"


def _operation(request: HttpRequest) -> Any:
    match = request.resolver_match
    if match is None or request.method is None:
        return None
    return _operations_at(match).get(request.method.lower())


def _operations_at(match: ResolverMatch) -> Any:
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route)
    return _document()["paths"].get(path, {})


def _answers_get(address: str) -> bool:
    return "get" in _operations_at(resolve(address))


def _validator(described: dict[str, Any]) -> Any:
    return _compiled(json.dumps(described.get("schema", {}), sort_keys=True))


@cache
def _compiled(schema: str) -> Any:
    return validator_for({**json.loads(schema), "components": json.loads(json.dumps(_document()["components"]))})


@cache
def _codes() -> frozenset[str]:
    return frozenset(each.code for each in all_codes())


@cache
def _document() -> Any:
    return api.get_openapi_schema()
