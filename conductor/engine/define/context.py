"""What a step is given, and the exceptions by which it says that it waits or must not be tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from conductor.engine.define.redaction import redacted
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor

LOG_LINES = 500
"""A try keeps this many log lines; the last one then says that more were dropped."""

Model = TypeVar("Model", bound=BaseModel)


class Wait(Exception):
    """Put the run to sleep until `until`; the same step is called again then, as the same try."""

    def __init__(self, *, until: datetime, reason: str) -> None:
        self.until, self.reason = until, reason
        super().__init__(reason)


class WaitForDecision(Exception):
    """Put the run to sleep until a member who holds `permission` approves or rejects.

    With `four_eyes` neither whoever started the run may approve it, nor the person `requested_by` whose act it is
    about (a Ref; by default nobody else). Called again, the step finds the decision in `ctx.decision`.
    """

    def __init__(self, *, prompt: str, permission: str, four_eyes: bool = False, requested_by: Ref = "") -> None:
        self.prompt, self.permission = prompt, permission
        self.four_eyes, self.requested_by = four_eyes, requested_by
        super().__init__(prompt)


class WaitForSignal(Exception):
    """Put the run to sleep until the signal `name` is sent to it, at most until `until`.

    Called again, the step finds it in `ctx.signal`, or None there when the time was up first. A signal that was sent
    before the step came to wait is kept and found at once. Raised again, it waits for the next signal of the name.
    """

    def __init__(self, *, name: str, reason: str, until: datetime | None = None) -> None:
        self.name, self.reason, self.until = name, reason, until
        super().__init__(reason)


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
    """Output of each earlier step, by step name. A group's is {"items": [output of each item, in order]}."""
    actor: Actor
    """The engine, acting for whoever started the run."""
    seq: int
    idempotency_key: str
    """`<run id>:<seq>`: the same for every try of this step, so that its effect happens once (Step.idempotency_key)."""
    attempt: int
    """1 on the first try."""
    decision: dict[str, Any] | None
    """The human decision that the step waited for: {"approve", "by", "by_name", "reason", "at"}."""
    renew: Callable[[], bool]
    """Extends the lease; returns False when another worker has the run."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    signal: dict[str, Any] | None = None
    """The signal that the step waited for: {"name", "payload", "by", "by_name", "at"}."""
    waited_out: bool = False
    """Whether the step waited for a signal, and its time was up first."""
    item: Any = None
    """In a group: the item that this call is for."""
    item_index: int | None = None
    """In a group: the item's place in the list, from 0."""
    undone: dict[str, Any] | None = None
    """In a compensation: the output of the step that it undoes."""
    decisions: list[str] = field(default_factory=list)
    """Ids of what policy decided while this try was at work."""
    _lost: threading.Event = field(default_factory=threading.Event)

    def input_as(self, model: type[Model]) -> Model:
        """Return the run's input as `model`; raise Permanent where it does not fit."""
        return _read(model, self.input, "input")

    def output_of(self, step: str, model: type[Model]) -> Model:
        """Return an earlier step's output as `model`; raise Permanent where it does not fit."""
        return _read(model, self.outputs.get(step), f"output of {step}")

    def item_as(self, model: type[Model]) -> Model:
        """Return the group's item as `model`; raise Permanent where it does not fit."""
        return _read(model, self.item, f"item {self.item_index}")

    def now(self) -> datetime:
        """Read the clock: a step is a door."""
        return clock_now()

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Add a line to the try's log, shown on the run page. What looks like a secret is erased."""
        if len(self.lines) < LOG_LINES:
            told: dict[str, Any] = redacted({"message": message, **fields})
            self.lines.append({"at": rfc3339(self.now()), "level": level, **told})
        elif len(self.lines) == LOG_LINES:
            self.lines.append({"at": rfc3339(self.now()), "level": "error", "message": "further lines were dropped"})

    def heartbeat(self) -> None:
        """Renew the lease; raise LeaseLost if another worker has the run. Call it before an outside effect."""
        if self._lost.is_set() or not self.renew():
            self._lost.set()
            raise LeaseLost(self.run_code)


def _read(model: type[Model], value: Any, what: str) -> Model:
    try:
        return model.model_validate(value)
    except ValueError as error:
        raise Permanent(f"The {what} is not a {model.__name__}: {error}", code="type_mismatch") from error
