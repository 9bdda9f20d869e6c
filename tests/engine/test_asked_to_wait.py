"""Whoever asks to be left alone for a while is not asked again before, within reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from adapters.ports.protocols import AdapterError
from conductor.engine.define.context import StepContext
from conductor.engine.define.definition import Retry
from conductor.engine.models import Run, Try
from conductor.engine.operate.accounts import in_full
from conductor.engine.selectors import run_with_steps
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

HINTS = [
    (None, timedelta(seconds=2)),
    (timedelta(seconds=1), timedelta(seconds=2)),
    (timedelta(seconds=90), timedelta(seconds=90)),
    (timedelta(days=3), timedelta(hours=1)),
]


@pytest.mark.parametrize(("asked", "wait"), HINTS)
def test_the_hint_is_a_lower_bound_with_a_cap(asked: timedelta | None, wait: timedelta) -> None:
    assert Retry().delay_after(1, asked=asked) == wait


def test_the_cap_is_the_steps_own() -> None:
    patient = Retry(max_delay=timedelta(seconds=4), max_asked=timedelta(minutes=5))

    assert patient.delay_after(9) == timedelta(seconds=4)
    assert patient.delay_after(9, asked=timedelta(hours=1)) == timedelta(minutes=5)


def test_the_run_says_when_it_is_tried_again(
    define: Any, start: Any, work: Any, tenant: Tenant, ben: User, as_user: Callable[[User], Client]
) -> None:
    def limited(ctx: StepContext) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise AdapterError(
                "hooks answered 429", permanent=False, code="http_429", retry_after=timedelta(seconds=600)
            )
        return {}

    began = clock_now()
    run = work(start(define([limited])))

    due: datetime = run.wake_at
    assert run.status == Run.Status.QUEUED
    assert began + timedelta(seconds=600) <= due <= clock_now() + timedelta(seconds=600)
    with tenant_scope(tenant.id):
        found = run_with_steps(number=run.number)
        assert found is not None
        assert in_full(found)["steps"][0]["next_try_at"] == due
        assert Try.objects.get().log[-1]["message"].startswith("retry in 600 s: hooks answered 429")
    page = as_user(ben).get(reverse("console:run", args=["northwind", run.number])).content.decode()
    assert "Next try" in page
    assert due.isoformat()[:19] in page

    assert work(run, at=due - timedelta(seconds=1)).status == Run.Status.QUEUED
    ended = work(run, at=due)
    assert ended.status == Run.Status.SUCCEEDED
    with tenant_scope(tenant.id):
        found = run_with_steps(number=run.number)
        assert found is not None
        assert in_full(found)["steps"][0]["next_try_at"] is None
