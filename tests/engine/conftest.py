"""A small workflow of real steps, whose effects are counted in a file that outlives the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.engine.define import registry
from conductor.engine.define.context import StepContext
from conductor.engine.define.definition import Do, Parallel, Retry, Workflow
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.observability.spans import spans, unset

__all__ = ["spans", "unset"]

StepFunction = Callable[[StepContext], dict[str, Any]]


@pytest.fixture
def define() -> Iterator[Callable[..., str]]:
    """`define([f, Do("tests.g", undo="tests.h")], also=[g, h])` registers a workflow of these functions, by name."""
    before = dict(registry._steps), dict(registry._workflows)

    def make(
        steps: Sequence[StepFunction | Do | Parallel],
        *,
        on_failure: Sequence[StepFunction] = (),
        also: Sequence[StepFunction] = (),
        attempts: int = 3,
        timeout: timedelta = timedelta(minutes=5),
        **fields: Any,
    ) -> str:
        retry = Retry(max_attempts=attempts, first_delay=timedelta(0))
        functions = [each for each in [*steps, *on_failure, *also] if callable(each)]
        for function in functions:
            registry.register_step(f"tests.{function.__name__}", function, retry=retry, timeout=timeout)
        workflow = Workflow(
            name=fields.pop("name", "tests.workflow"),
            version=fields.pop("version", 1),
            title="A test workflow",
            steps=tuple(each if isinstance(each, Do | Parallel) else f"tests.{each.__name__}" for each in steps),
            on_failure=tuple(f"tests.{each.__name__}" for each in on_failure),
            **fields,
        )
        registry.register_workflow(workflow)
        return workflow.name

    yield make
    registry._steps.clear()
    registry._steps.update(before[0])
    registry._workflows.clear()
    registry._workflows.update(before[1])


@pytest.fixture
def start(tenant: Tenant) -> Callable[..., Run]:
    def make(workflow: str, **options: Any) -> Run:
        with tenant_scope(tenant.id):
            return start_run(tenant_id=tenant.id, workflow=workflow, actor=Actor.system(), now=clock_now(), **options)

    return make


@pytest.fixture
def work(tenant: Tenant) -> Callable[..., Run]:
    """Advance a run until it neither moves nor is due, as a worker with its sweep would."""

    def go(run: Run, *, at: datetime | None = None, worker: str = "w1", rounds: int = 10) -> Run:
        for _ in range(rounds):
            if advance(tenant_id=tenant.id, run_id=run.id, worker=worker, now=at or clock_now()) is None:
                break
        with tenant_scope(tenant.id):
            return Run.objects.get(id=run.id)

    return go
