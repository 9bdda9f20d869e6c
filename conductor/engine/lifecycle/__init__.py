"""Verbs on runs that people and programs call: start, cancel, retry, decide, signal, limit."""

from conductor.engine.lifecycle.answering import decide_wait, send_signal
from conductor.engine.lifecycle.limiting import set_run_limit
from conductor.engine.lifecycle.operating import cancel_run, retry_run
from conductor.engine.lifecycle.refusals import (
    DecisionAmbiguous,
    RunIsOver,
    RunNotFailed,
    RunNotWaiting,
    WaitChanged,
    WorkflowUnknown,
)
from conductor.engine.lifecycle.starting import start_run

__all__ = [
    "DecisionAmbiguous",
    "RunIsOver",
    "RunNotFailed",
    "RunNotWaiting",
    "WaitChanged",
    "WorkflowUnknown",
    "cancel_run",
    "decide_wait",
    "retry_run",
    "send_signal",
    "set_run_limit",
    "start_run",
]
