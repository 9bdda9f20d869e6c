"""Schemathesis against the served product: its document is taken at its word, thousands of times, by a stranger."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.models import Tenant
from tests.console.browsing import serving
from tests.evidence.calling import token_of_member

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = os.environ.get("CONDUCTOR_TEST_SCHEMATHESIS_EXAMPLES", "20")
AT_LEAST = 2000
SLOW_SECONDS = 3600


@pytest.mark.full
@pytest.mark.fault("api-F4", "api-F5", "api-F7", "api-F9", "api-F13")
def test_no_answer_is_a_fault_or_not_as_documented(
    committed: None, tenant: Tenant, ana: User, tmp_path: Path, settings: Any
) -> None:
    settings.CONDUCTOR_RATE_LIMITS = {}  # one token asks thousands of times
    token = token_of_member(ana, tenant)
    with serving() as address:
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{address}/api/v1/openapi.json",
                *("--header", f"Authorization: Bearer {token}"),
                *("--phases", "coverage,fuzzing,stateful"),
                *("--checks", CHECKS),
                *("--max-examples", EXAMPLES),
                *("--seed", "7"),
                *("--request-timeout", "60"),
                "--continue-on-failure",
                "--no-shrink",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=SLOW_SECONDS,
        )

    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    cases = re.search(r"(\d[\d,]*) (?:generated|test cases?)", ran.stdout)
    assert cases, ran.stdout[-2_000:]
    assert int(cases[1].replace(",", "")) >= AT_LEAST
