"""Durable workflows as rows: runs, steps, tries. Celery only wakes them up."""

from conductor.engine.context import LeaseLost, Permanent, StepContext, Wait, WaitForDecision, WaitForSignal
from conductor.engine.definition import Do, Parallel, Retry, Workflow
from conductor.engine.registry import register_step, register_workflow

__all__ = [
    "Do",
    "LeaseLost",
    "Parallel",
    "Permanent",
    "Retry",
    "StepContext",
    "Wait",
    "WaitForDecision",
    "WaitForSignal",
    "Workflow",
    "register_step",
    "register_workflow",
]
