"""The system check of the rules: a file that is not Rego is found when the process starts, not when it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from conductor.policy.backends import IN_PROCESS, UnknownEngine, active_engine
from conductor.policy.bundle import policy_bundle
from conductor.policy.engine import EngineFailure, path_of
from conductor.policy.inputs import RESOURCES


@register()
def rules_answer_for_every_action(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E002: the rules of an action cannot be evaluated, or allow a request that says nothing."""
    found: list[CheckMessage] = []
    for action in RESOURCES:
        try:
            verdict = IN_PROCESS.evaluate(bundle=policy_bundle(), path=path_of(action), document=b"{}")
        except EngineFailure as failure:
            found.append(Error(f"The rules for {action} cannot be evaluated: {failure}", id="conductor.E002"))
            continue
        if verdict.allow:
            found.append(Error(f"The rules for {action} allow an empty request.", id="conductor.E002"))
    return found


@register()
def engine_is_named(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E004: the setting names no policy engine, so that every key action would fail."""
    try:
        active_engine()
    except UnknownEngine as unknown:
        return [Error(f"{unknown}.", id="conductor.E004")]
    return []
