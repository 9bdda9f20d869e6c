"""The processes that evaluate uploaded rules: killed in time, confined, replaced."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conductor.policy import sandbox
from conductor.policy.engine import EngineFailure
from conductor.policy.sandbox import Sandbox, SandboxTimeout
from tests.policy.own_rules import ENDLESS

PLAIN = 'package tenant.a\n\nimport rego.v1\n\ndeny contains {"code": "x", "message": "X."} if input.x == 1\n'


@pytest.fixture
def box() -> Iterator[Sandbox]:
    made = Sandbox(size=2)
    yield made
    made.close()


def question(rego: str, *documents: Any, key: str = "") -> dict[str, Any]:
    return {
        "op": "query",
        "key": key or rego,
        "files": {"a.rego": rego},
        "data": {},
        "query": "deny := data.tenant.a.deny",
        "documents": list(documents),
    }


def ask(box: Sandbox, rego: str, *documents: Any, seconds: float = 20, tenant: str = "t") -> list[Any]:
    answer: list[Any] = box.ask(question(rego, *documents), seconds=seconds, tenant=tenant)["answers"]
    return answer


def children(box: Sandbox) -> list[int]:
    return [process.pid for process in box._idle]


def test_one_request_answers_for_many_documents(box: Sandbox) -> None:
    answers = ask(box, PLAIN, {"x": 1}, {"x": 2})

    assert [len(each["bindings"]["deny"]) for each in answers] == [1, 0]


def test_an_endless_policy_is_killed_in_time_and_the_next_request_is_answered(box: Sandbox) -> None:
    ask(box, PLAIN, {})
    (pid,) = children(box)

    with pytest.raises(SandboxTimeout, match="did not answer in time"):
        ask(box, ENDLESS.format(name="a"), {}, seconds=0.2)

    assert not Path(f"/proc/{pid}").exists()  # killed and reaped
    assert ask(box, PLAIN, {"x": 1})[0]["bindings"]["deny"] != []
    assert pid not in children(box)


def test_the_kernel_ends_a_child_whose_parent_forgot_it(box: Sandbox) -> None:
    ask(box, PLAIN, {})
    process = box._idle.pop()

    with pytest.raises(EngineFailure, match="has ended"):
        process._send_and_wait({**question(ENDLESS.format(name="a"), {}), "seconds": 0.1}, patience=30)
    process.kill()


def test_a_killed_child_is_a_failure_and_is_replaced(box: Sandbox) -> None:
    ask(box, PLAIN, {})
    (pid,) = children(box)
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(EngineFailure, match="has ended"):
        ask(box, PLAIN, {})

    assert ask(box, PLAIN, {"x": 2})[0]["bindings"]["deny"] == []


def test_one_tenants_slow_rules_leave_the_others_their_process(box: Sandbox) -> None:
    ask(box, PLAIN, {}, tenant="warm")
    started = threading.Barrier(3)

    def slow() -> object:
        started.wait(timeout=30)
        try:
            return ask(box, ENDLESS.format(name="a"), {}, seconds=1.5, tenant="slow")
        except SandboxTimeout as late:
            return late

    with ThreadPoolExecutor(2) as pool:
        late = [pool.submit(slow) for _ in range(2)]
        started.wait(timeout=30)
        answers = [ask(box, PLAIN, {"x": 1}, tenant="quick") for _ in range(20)]

        assert not any(each.done() for each in late)
        assert all(each[0]["bindings"]["deny"] for each in answers)
        assert [type(each.result()) for each in late] == [SandboxTimeout, SandboxTimeout]


def test_whoever_waits_too_long_for_a_process_is_refused(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0.01)

    with box._turn("busy"), pytest.raises(SandboxTimeout, match="other rules"):
        ask(box, PLAIN, {}, tenant="busy")


def test_the_child_holds_no_secret_of_ours(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_SECRET_KEY", "canary-58")
    ask(box, PLAIN, {})
    (pid,) = children(box)

    environment = Path(f"/proc/{pid}/environ").read_bytes()

    assert b"canary" not in environment
    assert {part.partition(b"=")[0] for part in environment.split(b"\0") if part} <= {
        b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE", b"LC_CTYPE",
    }  # fmt: skip


def test_the_child_cannot_write_files_and_its_memory_is_bounded(box: Sandbox) -> None:
    ask(box, PLAIN, {})
    (pid,) = children(box)
    limits = Path(f"/proc/{pid}/limits").read_text()

    row = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()[1:]}
    assert row["Max file size"] == "0"
    assert row["Max core file size"] == "0"
    assert int(row["Max address space"]) <= 2 << 30


def test_a_policy_that_eats_memory_is_a_failure(box: Sandbox) -> None:
    hungry = (
        "package tenant.a\n\nimport rego.v1\n\n"
        "numbers_ := numbers.range(1, 30000000)\n\n"
        'deny contains {"code": "x", "message": "X."} if count(numbers_) > 0\n'
    )

    with pytest.raises(EngineFailure):
        ask(box, hungry, {}, seconds=20)

    assert ask(box, PLAIN, {"x": 2})[0]["bindings"]["deny"] == []


def test_a_forked_process_starts_children_of_its_own(box: Sandbox) -> None:
    ask(box, PLAIN, {})
    (mine,) = children(box)
    box.forget()

    ask(box, PLAIN, {})

    assert mine not in children(box)
