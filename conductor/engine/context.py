"""What a step is given, and the exceptions by which it says that it waits or must not be tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor

LOG_LINES = 500
"""A try keeps this many log lines; the last one then says that more were dropped."""


class Wait(Exception):
    """Put the run to sleep until `until`; the same step is called again then, as the same try."""

    def __init__(self, *, until: datetime, reason: str) -> None:
        self.until, self.reason = until, reason
        super().__init__(reason)


class WaitForDecision(Exception):
    """Put the run to sleep until a member who holds `permission` approves or rejects.

    Called again, the step finds the decision in `ctx.decision`.
    """

    def __init__(self, *, prompt: str, permission: str) -> None:
        self.prompt, self.permission = prompt, permission
        super().__init__(prompt)


class Permanent(Exception):
    """The step failed for good: trying again cannot help."""

    def __init__(self, message: str, *, code: str = "step_failed") -> None:
        self.code = code
        super().__init__(message)


class LeaseLost(Exception):
    """Another worker holds the run now; whatever this one still does about it is refused."""


@dataclass
class StepContext:
    """A step's view of its run. The step opens `tenant_scope(ctx.tenant_id)` round its database work."""

    tenant_id: UUID
    tenant_slug: str
    run_id: UUID
    run_ref: Ref
    run_code: str
    """`R-17`."""
    environment_id: UUID | None
    subject: Ref
    input: dict[str, Any]
    outputs: dict[str, dict[str, Any]]
    """Output of each earlier step, by step name."""
    actor: Actor
    """The engine, acting for whoever started the run."""
    seq: int
    attempt: int
    """1 on the first try."""
    decision: dict[str, Any] | None
    """The human decision that the step waited for: {"approve", "by", "by_name", "reason", "at"}."""
    renew: Callable[[], bool]
    """Extends the lease; returns False when another worker has the run."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    _lost: threading.Event = field(default_factory=threading.Event)

    @property
    def idempotency_key(self) -> str:
        """`<run id>:<seq>`: the same for every try of this step, so that its effect happens once."""
        return f"{self.run_id}:{self.seq}"

    def now(self) -> datetime:
        """Read the clock: a step is a door."""
        return clock_now()

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Add a line to the try's log, shown on the run page. No secrets."""
        if len(self.lines) < LOG_LINES:
            self.lines.append({"at": rfc3339(self.now()), "level": level, "message": message, **fields})
        elif len(self.lines) == LOG_LINES:
            self.lines.append({"at": rfc3339(self.now()), "level": "error", "message": "further lines were dropped"})

    def heartbeat(self) -> None:
        """Renew the lease; raise LeaseLost if another worker has the run. Call it before an outside effect."""
        if self._lost.is_set() or not self.renew():
            self._lost.set()
            raise LeaseLost(self.run_code)
