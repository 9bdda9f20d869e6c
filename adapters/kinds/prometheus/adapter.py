"""Range queries over Prometheus' HTTP API (prometheus.io/docs/prometheus/latest/querying/api)."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from adapters.kinds.prometheus.config import Config, MeasureConfig, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, Capability, Measure, Reading
from adapters.transport.http import Answer, post, refuse
from adapters.transport.scrubbing import scrubbed
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339

ANSWER_BYTES = 4 << 20
"""Room for some ten thousand points; a chart has a few hundred."""


class Prometheus:
    """A server that answers `/api/v1/query_range`."""

    config_model: ClassVar = Config
    secrets_model: ClassVar = Secrets
    capabilities: ClassVar = frozenset[Capability]()

    def __init__(self, *, config: Config, secrets: Secrets, installation: Installation) -> None:
        self._config, self._secrets, self._installation = config, secrets, installation
        self._host = urlsplit(config.url).hostname or ""

    @property
    def source(self) -> str:
        return self._host

    def measures(self) -> tuple[Measure, ...]:
        return tuple(each.measure() for each in self._config.measures)

    def read(
        self, *, measure: str, service: str, environment: str, start: datetime, end: datetime, step: timedelta
    ) -> Reading:
        query = self._measure(measure).asked(service=service, environment=environment)
        asked = {
            "query": query,
            "start": rfc3339(start),
            "end": rfc3339(end),
            "step": f"{step.total_seconds():g}",
            "timeout": f"{self._config.timeout_seconds:g}s",
        }
        return Reading(points=_points(self._ask(asked), self._host), query=query)

    def _measure(self, key: str) -> MeasureConfig:
        for each in self._config.measures:
            if each.key == key:
                return each
        raise AdapterError(f"no measure {key} is configured", permanent=True, code="measure_unknown")

    def _ask(self, form: dict[str, str]) -> list[Any]:
        token = self._secrets.bearer_token
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token.get_secret_value()}"
        answer = post(
            url=f"{self._config.url}/api/v1/query_range",
            body=urlencode(form).encode(),
            headers=headers,
            timeout_seconds=self._config.timeout_seconds,
            max_bytes=ANSWER_BYTES,
            installation=self._installation,
            allow_loopback=self._config.allow_loopback,
        )
        document = _document(answer)
        if document.get("status") != "success":
            _refuse_query(document, self._host, token)
            refuse(answer, host=self._host, now=clock_now(), secrets=[token])
            raise AdapterError(f"{self._host} answered in no known shape", permanent=True, code="unreadable")
        result = document.get("data", {}).get("result")
        if document.get("data", {}).get("resultType") != "matrix" or not isinstance(result, list):
            raise AdapterError(f"{self._host} answered in no known shape", permanent=True, code="unreadable")
        return result


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refuse_query(document: dict[str, Any], host: str, token: SecretStr | None) -> None:
    """Raise if the server says what is wrong with the question: bad_data and execution are its own words for that."""
    kind = document.get("errorType")
    if kind in {"bad_data", "execution"}:
        said = scrubbed(str(document.get("error", "")), values=[token])[:200]
        raise AdapterError(f"{host} refused the query: {said}", permanent=True, code="query_refused")


def _points(lines: list[Any], host: str) -> tuple[tuple[datetime, float], ...]:
    if len(lines) > 1:
        message = f"{host} answered with {len(lines)} lines where one was asked for: aggregate the query"
        raise AdapterError(message, permanent=True, code="several_lines")
    values = lines[0].get("values", []) if lines else []
    try:
        read = [(datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise AdapterError(f"{host} answered with what is no number", permanent=True, code="unreadable") from error
    # 0/0 is NaN in PromQL: a service without requests has no error rate, rather than one of zero.
    return tuple((at, value) for at, value in read if math.isfinite(value))
