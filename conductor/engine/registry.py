"""Steps and workflows by name: the one way in which code above the engine is called from it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conductor.engine.context import StepContext

    StepFunction = Callable[[StepContext], dict[str, Any]]


@dataclass(frozen=True)
class Retry:
    """How often and how patiently a failing step is tried again."""

    max_attempts: int = 5
    """Tries in all, the first included. 1: never again."""
    first_delay: timedelta = timedelta(seconds=2)
    """Wait after the first failure."""
    factor: float = 2.0
    """Each further wait is this many times the one before."""
    max_delay: timedelta = timedelta(minutes=5)
    """No wait is longer."""

    def delay_after(self, attempt: int) -> timedelta:
        """Return the wait after try number `attempt` (1 is the first) has failed."""
        return min(self.first_delay * self.factor ** (attempt - 1), self.max_delay)


@dataclass(frozen=True)
class RegisteredStep:
    """A step function and how it is run."""

    name: str
    function: StepFunction
    retry: Retry
    timeout: timedelta
    """A try that takes longer is recorded as failed; its late result is refused."""


@dataclass(frozen=True)
class Workflow:
    """A named, versioned sequence of step names."""

    name: str
    version: int
    title: str
    steps: tuple[str, ...]
    on_failure: tuple[str, ...] = field(default=())
    """Steps that clean up after a failure, in this order; the run still ends as failed."""
    priority: str = "compliance"
    """`incident` runs are taken before `compliance` runs."""

    @property
    def digest(self) -> str:
        """SHA-256 over the names, the version and the source of each step's function."""
        parts = [self.name, str(self.version), *self.steps, "--", *self.on_failure]
        parts += [inspect.getsource(_steps[name].function) for name in self.steps + self.on_failure]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


_steps: dict[str, RegisteredStep] = {}
_workflows: dict[str, Workflow] = {}


def register_step(
    name: str, function: StepFunction, *, retry: Retry | None = None, timeout: timedelta = timedelta(minutes=5)
) -> None:
    """Make `function` callable as `name` (dotted and imperative). Called in AppConfig.ready()."""
    _steps[name] = RegisteredStep(name, function, retry or Retry(), timeout)


def register_workflow(workflow: Workflow) -> None:
    """Make the workflow startable by its name. Called in AppConfig.ready()."""
    _workflows[workflow.name] = workflow


def step(name: str) -> RegisteredStep:
    """Return the step; raise KeyError when no app registered it."""
    return _steps[name]


def workflow(name: str) -> Workflow:
    """Return the workflow; raise KeyError when no app registered it."""
    return _workflows[name]


def workflows() -> list[Workflow]:
    """Return every registered workflow, by name."""
    return [_workflows[name] for name in sorted(_workflows)]


def unknown_steps() -> Iterator[tuple[str, str]]:
    """Yield (workflow, step) for each step that a workflow names and nobody registered."""
    for each in workflows():
        for name in each.steps + each.on_failure:
            if name not in _steps:
                yield each.name, name
