"""What is told of a run, as JSON and as text, without secrets: the command line and the API show the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conductor.engine.define.redaction import redacted
from conductor.engine.models import Run, Signal, Step, Try
from conductor.engine.operate.backlog import Backlog
from conductor.engine.selectors import decisions_of
from conductor.policy.models import PolicyDecision


def of_run(run: Run) -> dict[str, Any]:
    """Return what a list shows of the run."""
    plain = (
        "id", "code", "number", "workflow", "workflow_version", "title", "status", "subject", "started_by_name",
        "created_at", "started_at", "finished_at", "wake_at", "workflow_digest", "code_digest",
    )  # fmt: skip
    return {
        **{name: getattr(run, name) for name in plain},
        "priority": run.get_priority_display().lower(),
        "error": redacted(run.error),
    }


def in_full(run: Run) -> dict[str, Any]:
    """Return everything about a run fetched by `selectors.run_with_steps`."""
    return {
        **of_run(run),
        "input": redacted(run.input),
        "output": redacted(run.output),
        "steps": [of_step(run, step) for step in run.steps.all()],
        "signals": [of_signal(signal) for signal in run.signals.select_related("taken_by")],
        "decisions": [of_decision(decision) for decision in decisions_of(run)],
    }


def next_try_at(run: Run, step: Step) -> datetime | None:
    """Return when a step that has failed is tried again; None if it is not waiting for that."""
    if step.status != Step.Status.PENDING or step.started_at is None or step.is_group:
        return None
    if step.item is not None:
        return step.wake_at
    return run.wake_at if run.status == Run.Status.QUEUED else None


def of_step(run: Run, step: Step) -> dict[str, Any]:
    """Return a step, a group's head or an item, with its tries."""
    plain = (
        "id", "seq", "item", "place", "name", "status", "is_group", "is_cleanup", "undoes", "idempotency_key",
        "source_digest", "started_at", "finished_at",
    )  # fmt: skip
    told = {name: redacted(getattr(step, name)) for name in ("given", "output", "error", "wait")}
    attempts = [of_try(each) for each in step.tries.all()]
    return {
        **{name: getattr(step, name) for name in plain},
        **told,
        "next_try_at": next_try_at(run, step),
        "tries": len(attempts),
        "attempts": attempts,
    }


def of_try(attempt: Try) -> dict[str, Any]:
    plain = ("number", "worker", "outcome", "started_at", "finished_at", "decisions")
    told = {"error": redacted(attempt.error), "log": redacted(attempt.log)}
    return {**{name: getattr(attempt, name) for name in plain}, **told}


def of_signal(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id,
        "name": signal.name,
        "payload": redacted(signal.payload),
        "sent_by_name": signal.sent_by_name,
        "sent_at": signal.sent_at,
        "taken_by": signal.taken_by.place if signal.taken_by else None,
        "taken_at": signal.taken_at,
    }


def of_decision(decision: PolicyDecision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "action": decision.action,
        "allow": decision.allow,
        "reasons": [reason["message"] for reason in decision.reasons],
        "subject": decision.subject,
        "decided_at": decision.decided_at,
    }


def of_backlog(backlog: Backlog) -> dict[str, Any]:
    return {
        "priority": backlog.priority.label.lower(),
        "due": backlog.due,
        "oldest_seconds": round(backlog.oldest_seconds, 3),
        "at_work": backlog.at_work,
    }


def line_of(run: Run) -> str:
    """Return one line for a list."""
    began = f"{run.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{run.code:<8}{run.get_status_display():<11}{began}  {run.workflow:<32}{run.title}"


def lines_of(account: dict[str, Any]) -> list[str]:
    """Return the whole account of a run as text."""
    lines = [
        f"{account['code']}  {account['status']}  {account['title']}",
        f"workflow    {account['workflow']} v{account['workflow_version']}, {account['priority']}",
        f"source      {account['workflow_digest']}",
    ]
    if account["code_digest"] != account["workflow_digest"]:
        lines.append(f"code now    {account['code_digest']}")
    lines += [f"{name:<12}{account[name]}" for name in ("input", "output", "error") if account[name]]
    for step in account["steps"]:
        lines += _step_lines(step)
    for signal in account["signals"]:
        taken = f"taken by step {signal['taken_by']}" if signal["taken_by"] else "not taken"
        lines.append(f"signal {signal['name']} from {signal['sent_by_name']} {signal['payload']}: {taken}")
    for decision in account["decisions"]:
        verdict = "allowed" if decision["allow"] else "denied"
        lines.append(f"policy {decision['action']}: {verdict} {' '.join(decision['reasons'])}".rstrip())
    return lines


def _step_lines(step: dict[str, Any]) -> list[str]:
    indent = "    " if step["item"] is not None else "  "
    undoes = f" (undoes {step['undoes']})" if step["undoes"] else ""
    lines = [f"{indent}{step['place']:<6}{step['status']:<10} {step['name']}{undoes}"]
    lines += [f"{indent}      {name} {step[name]}" for name in ("given", "output", "error", "wait") if step[name]]
    for attempt in step["attempts"]:
        lines.append(f"{indent}      try {attempt['number']} {attempt['outcome'].lower()} on {attempt['worker']}")
        lines += [f"{indent}        {line['at']} {line['message']}" for line in attempt["log"]]
    return lines
