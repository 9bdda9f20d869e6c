"""A small workflow of real steps, whose effects are counted in a file that outlives the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from conductor.engine import Retry, StepContext, Workflow, registry
from conductor.engine.executor import advance
from conductor.engine.lifecycle import start_run
from conductor.engine.models import Run
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope

StepFunction = Callable[[StepContext], dict[str, Any]]


@pytest.fixture
def define() -> Iterator[Callable[..., str]]:
    """`define([f, g], on_failure=[h])` registers a workflow of these functions and returns its name."""
    before = dict(registry._steps), dict(registry._workflows)

    def make(
        steps: list[StepFunction], *, on_failure: list[StepFunction] | None = None, attempts: int = 3, version: int = 1
    ) -> str:
        retry = Retry(max_attempts=attempts, first_delay=timedelta(0))
        names = {}
        for function in [*steps, *(on_failure or [])]:
            names[function] = f"tests.{function.__name__}"
            registry.register_step(names[function], function, retry=retry)
        workflow = Workflow(
            name="tests.workflow",
            version=version,
            title="A test workflow",
            steps=tuple(names[each] for each in steps),
            on_failure=tuple(names[each] for each in on_failure or []),
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
