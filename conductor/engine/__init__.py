"""Durable workflows as rows: runs, steps, tries. Celery only wakes them up."""

from conductor.engine.context import LeaseLost, Permanent, StepContext, Wait, WaitForDecision
from conductor.engine.registry import Retry, Workflow, register_step, register_workflow

__all__ = [
    "LeaseLost",
    "Permanent",
    "Retry",
    "StepContext",
    "Wait",
    "WaitForDecision",
    "Workflow",
    "register_step",
    "register_workflow",
]
