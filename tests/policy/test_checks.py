from __future__ import annotations

import pytest

from conductor.policy import checks
from conductor.policy.bundle import bundle_of, read_folder
from conductor.policy.checks import rules_answer_for_every_action
from conductor.policy.inputs import RESOURCES


def found(monkeypatch: pytest.MonkeyPatch, **changed: str) -> list[str]:
    files = {**read_folder(), **{f"{name}.rego": text for name, text in changed.items()}}
    monkeypatch.setattr(checks, "policy_bundle", lambda: bundle_of(files))
    messages = rules_answer_for_every_action(None)
    assert {message.id for message in messages} <= {"conductor.E002"}
    return [message.msg for message in messages]


def test_the_built_in_rules_answer_for_every_action(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == []


def test_text_that_is_no_rego_is_found_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = found(monkeypatch, seal="package conductor.evidence.seal\n\nallow if if\n")

    assert len(messages) == len(RESOURCES)  # the files are evaluated together
    assert all("seal.rego:3" in message for message in messages)


def test_an_action_without_rules_is_found_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = found(monkeypatch, seal="package conductor.evidence.other\n\nallow := true\n\ndeny := set()\n")

    assert messages == ["The rules for evidence.seal cannot be evaluated: the rules answered neither yes nor no"]


def test_rules_that_allow_an_empty_request_are_found_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = found(monkeypatch, declare="package conductor.incidents.declare\n\nallow := true\n\ndeny := set()\n")

    assert messages == ["The rules for incidents.declare allow an empty request."]
