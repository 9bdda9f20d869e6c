"""Steps and workflows by name: the one way in which code above the engine is called from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from conductor.engine.define.definition import Do, Parallel, RegisteredStep, Retry, Workflow, digest_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from conductor.engine.define.definition import StepFunction

__all__ = ["Do", "Parallel", "RegisteredStep", "Retry", "Workflow"]

_steps: dict[str, RegisteredStep] = {}
_workflows: dict[str, Workflow] = {}


def register_step(
    name: str,
    function: StepFunction,
    *,
    retry: Retry | None = None,
    timeout: timedelta = timedelta(minutes=5),
    output: type[BaseModel] | None = None,
) -> None:
    """Make `function` callable as `name` (dotted and imperative). Called in AppConfig.ready()."""
    _steps[name] = RegisteredStep(name, function, retry or Retry(), timeout, output)


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


def digest(workflow: Workflow) -> str:
    """Return the digest of the workflow's code as this process has it; raise KeyError on an unknown step."""
    return digest_of(workflow, {place.name: _steps[place.name].function for place in workflow.plan})


def unknown_steps() -> Iterator[tuple[str, str]]:
    """Yield (workflow, step) for each step that a workflow names and nobody registered."""
    for each in workflows():
        for place in each.plan:
            if place.name not in _steps:
                yield each.name, place.name


def faults() -> Iterator[tuple[str, str]]:
    """Yield (workflow, what is wrong) for each group that takes its list from nowhere."""
    for each in workflows():
        for fault in each.faults():
            yield each.name, fault
