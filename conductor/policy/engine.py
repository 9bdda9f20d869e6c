"""The port to a policy engine, and regorus, the engine that evaluates Rego in this process.

An engine answers or fails; it never guesses. Turning a failure into a denial is conductor.policy.decisions' work.
"""

from __future__ import annotations

import json
import re
import threading
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

import regorus

from conductor.policy.bundle import Bundle

_ACTION = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_ERROR_LENGTH = 500
_KEPT_BUNDLES = 4


class EngineFailure(Exception):
    """The policy engine could not answer. The text says why and names no path of this machine."""


@dataclass(frozen=True, order=True)
class Reason:
    """Why a request is denied."""

    code: str
    """Stable, snake case; docs/reference/policies.md lists every one."""
    message: str
    """A sentence that the person who asked can act on."""
    error: str = ""
    """What the engine said when it failed; empty for a rule's own reason."""


@dataclass(frozen=True)
class Verdict:
    """What the rules say: `allow` is never true beside a reason."""

    allow: bool
    reasons: tuple[Reason, ...]
    """Sorted by code."""


class PolicyEngine(Protocol):
    """Evaluates one action's `allow` and `deny` against an input document."""

    name: str
    version: str

    def evaluate(self, *, bundle: Bundle, path: str, document: bytes) -> Verdict:
        """Return what the package at `path` says of `document` (JSON, UTF-8); raise EngineFailure."""
        ...


def path_of(action: str) -> str:
    """Return the package that answers for `action`: `incidents.declare` is `data.conductor.incidents.declare`."""
    if not _ACTION.fullmatch(action):
        raise EngineFailure(f"not an action: {action[:80]!r}")
    return f"data.conductor.{action}"


def verdict_of(answer: object) -> Verdict:
    """Return the verdict in `{"allow": bool, "deny": [{"code", "message"}]}`; raise EngineFailure on any other shape.

    Both backends answer in this shape, so that neither is trusted with a looser one.
    """
    allow = answer.get("allow") if isinstance(answer, dict) else None
    deny = answer.get("deny") if isinstance(answer, dict) else None
    if not isinstance(allow, bool) or not isinstance(deny, list):
        raise EngineFailure("the rules answered neither yes nor no")
    reasons = tuple(sorted(_reason_of(item) for item in deny))
    if not allow and not reasons:
        reasons = (Reason("not_allowed", "No rule allows this. Ask an administrator which rule should."),)
    return Verdict(allow=allow and not reasons, reasons=reasons)


def _reason_of(item: object) -> Reason:
    code = item.get("code") if isinstance(item, dict) else None
    message = item.get("message") if isinstance(item, dict) else None
    if not isinstance(code, str) or not isinstance(message, str) or not code or not message:
        raise EngineFailure("the rules gave a reason without a code or a message")
    return Reason(code, message)


class RegorusEngine:
    """Rego in this process.

    A regorus engine belongs to the thread that made it: used from another one it panics. So each thread keeps its
    own, one per bundle, compiled on first use (about a millisecond).
    """

    name = "regorus"

    def __init__(self) -> None:
        self.version = version("gordon-to-regorus")
        self._local = threading.local()

    def evaluate(self, *, bundle: Bundle, path: str, document: bytes) -> Verdict:
        """See PolicyEngine. A failure also drops the thread's engines, so that the next request starts afresh."""
        try:
            answer = self._query(bundle, path, document)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # a panic of the Rust side is no Exception
            self._local.engines = {}
            # An engine must die in its own thread; the traceback would carry it wherever the failure goes.
            traceback.clear_frames(failure.__traceback__)
            raise EngineFailure(without_backtrace(failure)) from failure
        return verdict_of(answer)

    def _query(self, bundle: Bundle, path: str, document: bytes) -> dict[str, Any] | None:
        engine = self._engine_for(bundle)
        engine.set_input_json(document.decode())
        answer = json.loads(engine.eval_query_as_json(f"allow := {path}.allow; deny := {path}.deny"))
        rows = answer.get("result", [])
        return rows[0]["bindings"] if len(rows) == 1 else None

    def _engine_for(self, bundle: Bundle) -> Any:
        engines: dict[str, Any] = self._local.__dict__.setdefault("engines", {})
        if bundle.digest not in engines:
            if len(engines) >= _KEPT_BUNDLES:
                engines.clear()
            engines[bundle.digest] = compile_bundle(bundle)
        return engines[bundle.digest]


def compile_bundle(bundle: Bundle) -> Any:
    """Return a regorus engine of this thread holding the rules; raises whatever regorus does on bad Rego."""
    engine = regorus.Engine()
    for name, text in bundle.files.items():
        engine.add_policy(name, text)
    return engine


def without_backtrace(failure: BaseException) -> str:
    """Return what the engine said, on one line."""
    # regorus appends a stack trace full of build paths, which belong neither in a record nor before a user.
    text = " ".join(str(failure).partition("Stack backtrace:")[0].split())
    return (text or type(failure).__name__)[:_ERROR_LENGTH]
