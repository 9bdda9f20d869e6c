"""Decisions a second: the built-in rules in process, in the subprocess, over HTTP; a tenant's own rules besides.

    make perf NAME=policy

HTTP asks the tests' double on loopback (regorus behind Python's own server): what it shows is the cost of the way
there, which any OPA has, not how quick OPA is.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conductor.lib.canonical import canonical_json
from conductor.policy.backends import IN_PROCESS
from conductor.policy.bundle import policy_bundle
from conductor.policy.candidate import built_in_verdicts
from conductor.policy.engine import path_of
from conductor.policy.inputs import RESOURCES
from conductor.policy.opa import OpaEngine, write_bundle
from conductor.policy.samples import sample
from conductor.policy.tenant_rules import TenantRules, reasons_of
from tests.policy.own_rules import FREEZE, MFA, rules

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [sample(action) for action in RESOURCES]


def main(argv: Sequence[str] = ()) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="How long each is measured")
    seconds = parser.parse_args(list(argv)).seconds
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} (others were at work above 1), "
        f"Python {platform.python_version()}, regorus {IN_PROCESS.version}\n"
    )
    both = TenantRules(rules(FREEZE, name="freeze").policies + rules(MFA, name="mfa").policies)
    base = _measure("built-in rules, in process", _in_process, seconds)
    _measure("built-in rules, subprocess, one a request", lambda n: _subprocess(n, 1), seconds, base)
    _measure("built-in rules, subprocess, 50 a request", lambda n: _subprocess(n, 50), seconds, base, batch=50)
    _measure("two own policies, subprocess", lambda n: _own(both, n), seconds, base)
    with tempfile.TemporaryDirectory() as folder:
        _over_http(Path(folder), seconds, base)


def _in_process(number: int) -> None:
    document = DOCUMENTS[number % len(DOCUMENTS)]
    IN_PROCESS.evaluate(bundle=policy_bundle(), path=path_of(document["action"]), document=canonical_json(document))


def _subprocess(number: int, count: int) -> None:
    document = DOCUMENTS[number % len(DOCUMENTS)]
    built_in_verdicts(policy_bundle(), [document] * count, tenant="perf")


def _own(own: TenantRules, number: int) -> None:
    reasons_of(own, [DOCUMENTS[number % len(DOCUMENTS)]], tenant="perf", seconds=20)


def _over_http(folder: Path, seconds: float, base: float) -> None:
    bundle = folder / "bundle.tar.gz"
    bundle.write_bytes(write_bundle(policy_bundle()))
    command = [sys.executable, str(ROOT / "tests/policy/opa_server.py"), str(bundle), "double"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        opa = OpaEngine(url=f"http://127.0.0.1:{int(server.stdout.readline())}")

        def ask(number: int) -> None:
            document = DOCUMENTS[number % len(DOCUMENTS)]
            body = canonical_json(document)
            opa.evaluate(bundle=policy_bundle(), path=path_of(document["action"]), document=body)

        _measure("built-in rules, HTTP to the double", ask, seconds, base)
        opa.close()
        server.kill()


def _measure(what: str, job: Callable[[int], Any], seconds: float, base: float = 0.0, batch: int = 1) -> float:
    for number in range(10):
        job(number)
    took: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        before = time.perf_counter()
        job(len(took))
        took.append(time.perf_counter() - before)
    rate = batch * len(took) / sum(took)
    half, slow = statistics.median(took) * 1000, statistics.quantiles(took, n=100)[98] * 1000
    ratio = f"{rate / base:6.2f} of in process" if base else ""
    print(f"{what:<46}{rate:>9.0f} /s   p50 {half:7.3f} ms   p99 {slow:7.3f} ms   {ratio}", flush=True)
    return rate
