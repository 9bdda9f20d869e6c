"""What a workflow is: its steps, groups, compensations and types, and the digest of the code behind them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from conductor.engine.define.context import StepContext

    StepFunction = Callable[[StepContext], dict[str, Any] | BaseModel | None]

MAX_ITEMS = 10_000
"""A group of more items fails; give each item more to do."""


@dataclass(frozen=True)
class Retry:
    """How often and how patiently a failing step is tried again."""

    max_attempts: int = 5
    """Tries in all, the first included. 1: never again. A try whose worker died does not count (see MAX_LOSSES)."""
    first_delay: timedelta = timedelta(seconds=2)
    """Wait after the first failure."""
    factor: float = 2.0
    """Each further wait is this many times the one before."""
    max_delay: timedelta = timedelta(minutes=5)
    """No wait is longer, unless the other side asks for it."""
    max_asked: timedelta = timedelta(hours=1)
    """Nor then longer than this."""

    def delay_after(self, attempt: int, *, asked: timedelta | None = None) -> timedelta:
        """Return the wait after try number `attempt` (1 is the first) has failed.

        `asked`: how long the other side wants to be left alone; no try is made sooner.
        """
        own = min(self.first_delay * self.factor ** (attempt - 1), self.max_delay)
        return max(own, min(asked or timedelta(0), self.max_asked))


@dataclass(frozen=True)
class RegisteredStep:
    """A step function and how it is run."""

    name: str
    function: StepFunction
    retry: Retry
    timeout: timedelta
    """A try that takes longer is interrupted and recorded as failed; its late result is refused."""
    output: type[BaseModel] | None = None
    """What the function returns. Anything else fails the step for good, as `output_invalid`."""


@dataclass(frozen=True)
class Do:
    """One step, and the step that undoes it when a later one fails for good."""

    step: str
    undo: str = ""


@dataclass(frozen=True)
class Parallel:
    """One step for each item of a list, by as many workers as are free; joined before the next step begins."""

    step: str
    over: str
    """Where the list is: `input.<field>` or `outputs.<earlier step>.<field>`."""
    limit: int = 8
    """Items at work at the same time."""
    undo: str = ""
    """Called for each item that had succeeded, with the same limit."""


@dataclass(frozen=True)
class Planned:
    """One place in a workflow's plan; a run records them all when it starts."""

    seq: int
    name: str
    is_group: bool = False
    is_cleanup: bool = False
    undoes: int | None = None
    """The place that this one undoes."""
    over: str = ""
    limit: int = 0

    @property
    def shape(self) -> tuple[object, ...]:
        """What a recorded step must agree with."""
        return self.seq, self.name, self.is_group, self.is_cleanup, self.undoes


@dataclass(frozen=True)
class Workflow:
    """A named, versioned sequence of steps and groups. Elements of `steps` that are plain names are steps."""

    name: str
    version: int
    """Raised by the author when runs of the older code must not go on under the newer."""
    title: str
    steps: tuple[str | Do | Parallel, ...]
    on_failure: tuple[str, ...] = ()
    """Steps that clean up after a failure, in this order, after the compensations; the run still ends as failed."""
    priority: str = "compliance"
    """`incident` runs are taken before `compliance` runs."""
    input: type[BaseModel] | None = None
    """Type of the run's input; None takes any."""
    output: type[BaseModel] | None = None
    """Type of the run's output, which is that of its last step; None takes any."""
    continues: tuple[int, ...] = ()
    """Older versions whose runs in flight this version may carry on."""

    @property
    def plan(self) -> tuple[Planned, ...]:
        """Every place in order: the steps, what undoes them from the last to the first, the clean-up."""
        forward = [_planned(seq, each) for seq, each in enumerate(self.steps, start=1)]
        rest: list[Planned] = []
        for place, each in reversed(list(zip(forward, self.steps, strict=True))):
            if not isinstance(each, str) and each.undo:
                seq = len(forward) + len(rest) + 1
                rest.append(Planned(seq, each.undo, place.is_group, True, place.seq, limit=place.limit))
        for name in self.on_failure:
            rest.append(Planned(len(forward) + len(rest) + 1, name, is_cleanup=True))
        return (*forward, *rest)

    def faults(self) -> list[str]:
        """Say what is wrong with groups that take their list from nowhere."""
        known: list[str] = []
        wrong = []
        for each in self.steps:
            if isinstance(each, Parallel) and not (
                each.over.startswith("input.") or any(each.over.startswith(f"outputs.{name}.") for name in known)
            ):
                wrong.append(f"{each.step} goes over {each.over}, which no earlier step gives")
            known.append(each if isinstance(each, str) else each.step)
        return wrong


def digest_of(workflow: Workflow, functions: dict[str, StepFunction]) -> str:
    """SHA-256 over the workflow's definition and the source of each of its steps; `functions` are those, by name."""
    parts: list[str] = [workflow.name, str(workflow.version)]
    for place in workflow.plan:
        parts += [repr(place.shape), place.over, str(place.limit), source_digest(functions[place.name])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def source_digest(function: StepFunction) -> str:
    """SHA-256 over a step's function and the whole module that it lives in, so that its neighbours count too."""
    module = inspect.getmodule(function)
    parts = [function.__module__, function.__qualname__, inspect.getsource(function)]
    parts.append(inspect.getsource(module) if module else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _planned(seq: int, each: str | Do | Parallel) -> Planned:
    if isinstance(each, str):
        return Planned(seq, each)
    if isinstance(each, Do):
        return Planned(seq, each.step)
    return Planned(seq, each.step, is_group=True, over=each.over, limit=each.limit)
