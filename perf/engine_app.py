"""The product's Celery application with a workflow of no-op steps, and bare tasks that do the same nothing."""

from __future__ import annotations

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conductor.settings")
django.setup()

from celery import chain  # noqa: E402 - the product's modules need Django set up

from conductor.celery import app  # noqa: E402
from conductor.engine.define.context import StepContext  # noqa: E402
from conductor.engine.define.definition import Workflow  # noqa: E402
from conductor.engine.define.registry import register_step, register_workflow  # noqa: E402

STEPS = 5
DONE = "perf-chains-done"


def nothing(ctx: StepContext) -> dict[str, Any]:
    return {}


@app.task(name="perf.nothing", ignore_result=True)
def bare_nothing() -> None:
    """Do nothing."""


@app.task(name="perf.finished", ignore_result=True)
def bare_finished(number: int) -> None:
    """The last link: tell that the chain is through."""
    with app.connection_for_write() as connection:
        connection.default_channel.client.rpush(DONE, number)


def bare_chain(number: int) -> Any:
    """A chain of as many links as the workflow has steps."""
    links = [bare_nothing.si() for _ in range(STEPS - 1)]
    return chain(*links, bare_finished.si(number)).set(queue="compliance")


register_step("perf.nothing", nothing)
register_workflow(Workflow("perf.nothing", 1, "Nothing", ("perf.nothing",) * STEPS))
