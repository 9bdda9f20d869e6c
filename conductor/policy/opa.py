"""OPA over HTTP, the other backend of the port: an organisation's own, which serves what `policy_bundle` wrote.

It must evaluate exactly the rules of this release: each answer names the revisions of its bundles, and an answer of
another revision is a failure, and so a denial. Tenants' own rules are never sent there.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from typing import Any

import httpx

from conductor.lib.deadlines import Deadline
from conductor.policy.bundle import Bundle
from conductor.policy.engine import EngineFailure, Verdict, verdict_of

SECONDS = 2.0
ANSWER_BYTES = 1 << 20
_QUESTION = {"provenance": "true", "strict-builtin-errors": "true"}


class OpaEngine:
    """Asks OPA's Data API. Safe for threads; a forked process opens connections of its own."""

    name = "opa"

    def __init__(self, *, url: str, token: str = "", seconds: float = SECONDS) -> None:
        self.version = "unknown"
        """What OPA last said of itself."""
        self._url, self._token, self._seconds = url.rstrip("/"), token, seconds
        self._clients: dict[int, httpx.Client] = {}

    def evaluate(self, *, bundle: Bundle, path: str, document: bytes) -> Verdict:
        """See PolicyEngine. Fails when OPA is away, is late, refuses, or evaluates another revision than `bundle`."""
        answer = self._ask(path, document)
        provenance = answer.get("provenance")
        self._check_revision(provenance if isinstance(provenance, dict) else {}, bundle.digest)
        result = answer.get("result")
        if not isinstance(result, dict):
            raise EngineFailure("the rules answered neither yes nor no")
        return verdict_of({"allow": result.get("allow"), "deny": result.get("deny")})

    def close(self) -> None:
        """Close this process's connections."""
        if (client := self._clients.pop(os.getpid(), None)) is not None:
            client.close()

    def _ask(self, path: str, document: bytes) -> dict[str, Any]:
        address = f"{self._url}/v1/data/{path.removeprefix('data.').replace('.', '/')}"
        try:
            response = self._post(address, {"input": json.loads(document)})
            if response.status_code != httpx.codes.OK:
                raise EngineFailure(f"OPA answered {response.status_code}: {_said(response)}")
            if len(response.content) > ANSWER_BYTES:
                raise EngineFailure("OPA's answer is too large")
            answer = response.json()
        except httpx.HTTPError as fault:
            raise EngineFailure(f"OPA did not answer: {type(fault).__name__}") from fault
        except ValueError as fault:
            raise EngineFailure("the question or OPA's answer is no JSON") from fault
        if not isinstance(answer, dict):
            raise EngineFailure("OPA's answer is no object")
        return answer

    def _post(self, address: str, question: dict[str, Any]) -> httpx.Response:
        """Read the whole answer within one deadline: httpx's own is per read."""
        with (
            Deadline(self._seconds) as deadline,
            self._client().stream("POST", address, params=_QUESTION, json=question) as response,
        ):
            stream = response.extensions.get("network_stream")
            if stream is not None:
                deadline.watch(stream.get_extra_info("socket"))  # known only now: connections are used again
            response.read()
        if deadline.passed:
            raise httpx.ReadTimeout("deadline")
        return response

    def _check_revision(self, provenance: Mapping[str, Any], wanted: str) -> None:
        bundles = provenance.get("bundles")
        found = [each.get("revision") for each in bundles.values()] if isinstance(bundles, dict) else []
        self.version = str(provenance.get("version") or "unknown")[:40]
        if wanted not in found:
            said = ", ".join(str(each)[:12] for each in found) or "none"
            raise EngineFailure(f"OPA evaluates revision {said}, this release has {wanted[:12]}")

    def _client(self) -> httpx.Client:
        pid = os.getpid()
        if pid not in self._clients:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            self._clients[pid] = httpx.Client(
                timeout=self._seconds, headers=headers, trust_env=False, follow_redirects=False
            )
        return self._clients[pid]


def _said(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return "no reason given"
    return " ".join(str(body.get("message", "no reason given") if isinstance(body, dict) else body).split())[:300]


def write_bundle(bundle: Bundle) -> bytes:
    """Return the rules as a bundle that OPA serves (`.tar.gz`): the same bytes for the same rules."""
    manifest = {"revision": bundle.digest, "roots": ["conductor"], "rego_version": 1}
    files = {".manifest": json.dumps(manifest, sort_keys=True), **bundle.files}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            data = text.encode()
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), 0o644
            archive.addfile(about, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)
