"""Schemathesis against the served product: its document is taken at its word, thousands of times, by a stranger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from conductor.api.v1 import api
from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now
from conductor.lib.quotas import Quota
from conductor.tenancy.models import Tenant
from tests.api.furnished import furnish
from tests.console.browsing import serving
from tests.evidence.calling import token_of_member

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
PHASES = ("coverage", "fuzzing", "stateful")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
EXAMPLES = "6"
"""For each operation, of the fuzzing."""
SCENARIOS = 25
"""Of calls that follow one another."""
AT_LEAST = 2000
AT_LEAST_ANSWERED = 60
"""Operations that were asked for what they do, and did it: a run of refusals alone proves little."""
CONFIGURATION = f"""
[parameters]
"path.tenant" = "northwind"

[phases.stateful.generation]
max-examples = {SCENARIOS}
"""
SLOW_SECONDS = 1800


@pytest.mark.full
@pytest.mark.fault("api-F4", "api-F5", "api-F7", "api-F9", "api-F13")
def test_no_answer_is_a_fault_or_not_as_documented(
    committed: None, tenant: Tenant, ana: User, settings: Any, tmp_path: Path
) -> None:
    settings.CONDUCTOR_RATE_LIMITS = {name: Quota(10**8, 60) for name in settings.CONDUCTOR_RATE_LIMITS}
    (tmp_path / "known.json").write_text(json.dumps(furnish(tenant, ana)), encoding="utf-8")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    document = json.dumps(api.get_openapi_schema(), default=str)
    (tmp_path / "openapi.json").write_text(document, encoding="utf-8")
    token = token_of_member(ana, tenant)
    with serving() as address, _sequencing(tenant):
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("run", "openapi.json", "--url", address),
                *("--header", f"Authorization: Bearer {token}"),
                *("--phases", ",".join(PHASES)),
                *("--checks", ",".join(CHECKS)),
                *("--max-examples", EXAMPLES),
                *("--seed", "7"),
                *("--request-timeout", "60"),
                *("--report", "ndjson", "--report-ndjson-path", "events.ndjson"),
                *("--continue-on-failure", "--no-shrink", "--no-color"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
            timeout=SLOW_SECONDS,
        )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    cases, answered, html = _read(tmp_path / "events.ndjson")
    assert sum(cases.values()) >= AT_LEAST
    assert set(cases) == set(PHASES)
    assert html == []
    assert len(answered) >= AT_LEAST_ANSWERED, sorted(answered)


def _read(events: Path) -> tuple[Counter[str], set[str], list[str]]:
    """Return the cases of each phase, the operations that did what was asked, and whatever was answered with HTML."""
    cases: Counter[str] = Counter()
    answered, html = set(), []
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            if (ended := json.loads(line).get("ScenarioFinished")) is None:
                continue
            found = ended["recorder"]
            # A scenario that made no call has neither.
            cases[ended["phase"]] += len(found.get("cases", {}))
            for case, exchange in found.get("interactions", {}).items():
                response, called = exchange["response"], found["cases"][case]["value"]
                if response is None:
                    continue
                if response["status_code"] < 300 and called["method"] not in {"HEAD", "OPTIONS"}:
                    answered.add(f"{called['method']} {called['path']}")
                headers = {name.lower(): value for name, value in response["headers"].items()}
                if "text/html" in str(headers.get("content-type")):
                    html.append(case)
    return cases, answered, html


@contextmanager
def _sequencing(tenant: Tenant) -> Iterator[None]:
    """Number receipts as they come, as the worker does: what waits for that is a conflict otherwise."""
    over = Event()

    def work() -> None:
        while not over.wait(0.5):
            sequence(tenant_id=tenant.id, now=now())
        connections.close_all()

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
