"""What a step costs the database, counted: time depends on the machine, statements do not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conductor.engine.define.context import StepContext
from conductor.engine.models import Run

pytestmark = pytest.mark.usefixtures("committed")
MOST = 17
"""Of two transactions: one begins the try, one records what came of it."""


def nothing(ctx: StepContext) -> dict[str, Any]:
    return {}


def test_a_step_takes_few_statements(define: Any, start: Any, work: Any) -> None:
    def statements(steps: int) -> list[str]:
        run = start(define([nothing] * steps, name=f"tests.{steps}"))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert work(run).status == Run.Status.SUCCEEDED
        return [each["sql"] for each in asked.captured_queries]

    statements(1)  # what is asked once in a process
    short, long = statements(1), statements(3)

    assert (len(long) - len(short)) / 2 <= MOST, "\n".join(each[:90] for each in long)
