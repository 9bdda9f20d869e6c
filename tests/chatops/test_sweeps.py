"""What a lost message left is found by tenant, each by a task of its own that ends when nobody takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chatops import tasks
from chatops.models.inbound_request import SlackReceipt
from chatops.slack.lifecycle import count_attempt
from conductor.engine.claim import wake
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops.slack import Speaker

pytestmark = pytest.mark.fault("security-2")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each message that goes to the broker: task, arguments, options."""
    found: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def send_task(task: str, kwargs: dict[str, Any], **options: Any) -> None:
        found.append((task, kwargs, options))

    monkeypatch.setattr(wake.current_app, "send_task", send_task)
    return found


def test_every_message_to_slacks_workers_ends_when_nobody_takes_it(
    workspace: Tenant, ben_says: Speaker, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ben_says("declare SEV2 checkout is down")
    ours = [each for each in sent if each[0].startswith("chatops.")]
    assert {task for task, _, _ in ours} >= {"chatops.follow_incident"}
    assert [task for task, _, options in ours if not options["expires"]] == []


def test_a_sweep_asks_for_the_tenants_alone_that_have_something_waiting(
    workspace: Tenant, ben_says: Speaker, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ben_says("declare SEV2 checkout is down")
    sent.clear()
    tasks.sweep()
    assert sent == []

    with tenant_scope(workspace.id):
        request = SlackReceipt.objects.latest("received_at")
        SlackReceipt.objects.filter(id=request.id).update(
            state=SlackReceipt.State.RECEIVED, received_at=clock_now() - timedelta(minutes=1)
        )
    count_attempt(tenant_id=workspace.id, receipt_id=request.id)
    tasks.sweep()

    ((task, arguments, options),) = sent
    assert (task, arguments) == ("chatops.finish_requests", {"tenant_id": str(workspace.id)})
    assert (options["queue"], options["expires"]) == ("incident", tasks.SWEEP_SECONDS)
