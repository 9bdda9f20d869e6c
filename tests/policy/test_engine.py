from __future__ import annotations

import json
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import regorus

from conductor.policy.backends import active_engine
from conductor.policy.bundle import Bundle, bundle_of, policy_bundle
from conductor.policy.engine import (
    EngineFailure,
    Reason,
    RegorusEngine,
    Verdict,
    compile_bundle,
    path_of,
    verdict_of,
)
from tests.policy.documents import sound

ENGINE = RegorusEngine()
FOREIGN = compile_bundle(policy_bundle())
"""Both live as long as the suite: what a failure's traceback keeps alive could be collected by another thread."""
DECLARE = "data.conductor.incidents.declare"


def ask(engine: RegorusEngine, document: Any, *, bundle: Bundle | None = None, path: str = DECLARE) -> Verdict:
    return engine.evaluate(bundle=bundle or policy_bundle(), path=path, document=json.dumps(document).encode())


def rules(text: str) -> Bundle:
    return bundle_of({"rules.rego": f"package rules\n\nimport rego.v1\n\n{text}"})


def test_a_sound_request_is_allowed_and_a_spoilt_one_is_denied_with_a_reason() -> None:
    engine = RegorusEngine()
    auditor = sound("incidents.declare")
    auditor["subject"]["permissions"] = ["view_incidents"]

    allowed, denied = ask(engine, sound("incidents.declare")), ask(engine, auditor)

    assert allowed == Verdict(allow=True, reasons=())
    assert not denied.allow
    assert [reason.code for reason in denied.reasons] == ["respond_permission_missing"]


def test_one_engine_serves_many_threads_at_once() -> None:
    engine = RegorusEngine()
    ready = threading.Barrier(8)

    def work(number: int) -> list[bool]:
        ready.wait(timeout=30)
        severity = "SEV1" if number % 2 else "SEV9"
        document = sound("incidents.declare")
        document["resource"]["severity"] = severity
        return [ask(engine, document).allow for _ in range(50)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(work, range(8)))

    assert answers == [[bool(number % 2)] * 50 for number in range(8)]


def test_a_panic_is_a_failure_and_the_next_request_starts_afresh() -> None:
    engine = RegorusEngine()
    outcome: list[object] = []

    def use_anothers_engine() -> None:
        # regorus panics when an engine is used outside of the thread that made it.
        engine._local.engines = {policy_bundle().digest: FOREIGN}
        with pytest.raises(EngineFailure) as failure:
            ask(engine, sound("incidents.declare"))
        outcome.append(failure.value)
        outcome.append(ask(engine, sound("incidents.declare")).allow)

    thread = threading.Thread(target=use_anothers_engine)
    thread.start()
    thread.join()

    failure, afterwards = outcome
    assert "unsendable" in str(failure)
    assert not isinstance(failure.__cause__, Exception)  # type: ignore[attr-defined]
    assert afterwards is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow if {", "rules.rego:5"),
        ("allow := 1 / 0\n\ndeny := set()", "divide by zero"),
        ('allow if regex.match("(", "x")\n\ndeny := set()', "invalid regex"),
        ("allow := no_such_builtin(1)\n\ndeny := set()", "no_such_builtin"),
        ("allow := true\n\nallow := false if true\n\ndeny := set()", "conflicts"),
        ("allow := true", "neither yes nor no"),
        ('allow := "true"\n\ndeny := set()', "neither yes nor no"),
        ("allow := true\n\ndeny := {}", "neither yes nor no"),
        ('allow := true\n\ndeny := {"because"}', "without a code or a message"),
        ('allow := true\n\ndeny := {{"code": "", "message": "No."}}', "without a code or a message"),
    ],
)
def test_rules_that_cannot_be_trusted_are_a_failure(text: str, said: str) -> None:
    with pytest.raises(EngineFailure) as failure:
        ask(ENGINE, {}, bundle=rules(text), path="data.rules")

    assert said in str(failure.value)
    assert "backtrace" not in str(failure.value)
    assert len(str(failure.value)) <= 500


def test_a_failure_carries_no_engine_out_of_its_thread() -> None:
    with pytest.raises(EngineFailure) as failure:
        ask(ENGINE, {}, bundle=rules("allow := 1 / 0\n\ndeny := set()"), path="data.rules")

    cause = failure.value.__cause__
    assert cause is not None
    frames = [frame for frame, _ in traceback.walk_tb(cause.__traceback__)]
    held = [value for frame in frames for value in frame.f_locals.values()]
    assert [value for value in held if isinstance(value, regorus.Engine)] == []


def test_a_document_that_is_no_json_is_a_failure() -> None:
    for document in (b"{", b"\xff", b""):
        with pytest.raises(EngineFailure):
            ENGINE.evaluate(bundle=policy_bundle(), path=DECLARE, document=document)


def test_an_action_without_a_package_is_a_failure() -> None:
    with pytest.raises(EngineFailure, match="neither yes nor no"):
        ask(ENGINE, {}, path=path_of("incidents.delete"))


@pytest.mark.parametrize("action", ["", "incidents", "incidents.", "incidents.declare; true", "A.b", "a.b.c", "../x.y"])
def test_a_malformed_action_never_becomes_a_query(action: str) -> None:
    with pytest.raises(EngineFailure, match="not an action"):
        path_of(action)


def test_an_allow_beside_a_reason_is_a_denial() -> None:
    verdict = verdict_of({"allow": True, "deny": [{"code": "b", "message": "B."}, {"code": "a", "message": "A."}]})

    assert verdict == Verdict(allow=False, reasons=(Reason("a", "A."), Reason("b", "B.")))


def test_a_denial_without_a_reason_is_given_one() -> None:
    verdict = verdict_of({"allow": False, "deny": []})

    assert [reason.code for reason in verdict.reasons] == ["not_allowed"]


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = RegorusEngine()

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_query", interrupted)

    with pytest.raises(KeyboardInterrupt):
        ask(engine, {})


def test_the_rules_are_compiled_once_per_thread_and_not_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []

    def counted(bundle: Bundle) -> Any:
        compiled.append(threading.get_ident())
        return compile_bundle(bundle)

    monkeypatch.setattr("conductor.policy.engine.compile_bundle", counted)
    engine = RegorusEngine()

    def work() -> None:
        for _ in range(25):
            ask(engine, sound("incidents.declare"))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()

    assert len(compiled) == 4  # thread identifiers may be used again, engines are not


def test_a_thread_keeps_few_bundles() -> None:
    engine = RegorusEngine()

    for number in range(10):
        ask(engine, {}, bundle=rules(f"allow := false\n\ndeny := set()\n\nn := {number}"), path="data.rules")

    assert 1 <= len(engine._local.engines) <= 4


def test_threads_that_ask_at_once_share_one_engine() -> None:
    found: set[int] = set()
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait(timeout=10)
        found.add(id(active_engine()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {id(active_engine())}
