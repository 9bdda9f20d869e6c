"""Simulations as runs: the verb that starts one, and the step that replays it batch by batch, with its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from conductor.engine.define import registry
from conductor.engine.define.context import Permanent, StepContext
from conductor.engine.lifecycle.starting import start_run
from conductor.ledger.receipts import append
from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.policy.candidate import Candidate, candidate_from_json
from conductor.policy.engine import EngineFailure
from conductor.policy.inputs import RESOURCES
from conductor.policy.models import PolicyDecision, PolicySimulation
from conductor.policy.selectors import decisions_between
from conductor.policy.simulation import Tally, recorded, replay, tally_from_json
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.database.numbers import next_number
from conductor.tenancy.database.scope import tenant_scope

WORKFLOW, STEP = "policy.simulation", "policy.simulate"
BATCH = 50
MOST = 20_000


class NothingToReplay(Conflict):
    """No decision was recorded in this period. Widen it, or leave out the actions."""

    code = "nothing_to_replay"


class TooManyDecisions(Conflict):
    """The period holds more decisions than one simulation replays. Narrow it."""

    code = "too_many_decisions"


@dataclass(frozen=True)
class Selection:
    """Which decisions are replayed."""

    since: datetime | None = None
    until: datetime | None = None
    actions: Sequence[str] = ()


def start_simulation(
    *, tenant_id: UUID, title: str, candidate: Candidate, selection: Selection, actor: Actor, now: datetime
) -> PolicySimulation:
    """Keep the candidate and the selection, and start the run that replays them. Enforces nothing.

    Decisions up to now are replayed, no later ones. Raise NothingToReplay or TooManyDecisions, and Invalid for an
    action that policy does not know or a period that ends before it begins.
    """
    require(actor=actor, permission="manage_policies")
    title = " ".join(title.split())[:200] or "Simulation"
    _refuse_selection(selection)
    until = min(selection.until or now, now)
    total = decisions_between(selection.since, until, selection.actions).count()
    if total == 0:
        raise NothingToReplay
    if total > MOST:
        raise TooManyDecisions(f"{total} decisions; one simulation replays at most {MOST}.")
    chosen = {
        "since": rfc3339(selection.since) if selection.since else None,
        "until": rfc3339(until),
        "actions": list(selection.actions),
    }
    with transaction.atomic():
        simulation = PolicySimulation.objects.create(
            tenant_id=tenant_id,
            number=next_number(tenant_id=tenant_id, series="policy_simulation"),
            title=title,
            candidate=candidate.as_json(),
            candidate_digest=candidate.digest,
            selection=chosen,
            total=total,
            started_by=actor.ref,
            started_by_name=actor.name,
            created_at=now,
        )
        run = start_run(
            tenant_id=tenant_id,
            workflow=WORKFLOW,
            input={"simulation": simulation.number},
            actor=actor,
            now=now,
            subject=simulation.ref,
            title=f"Simulate {title}"[:200],
        )
        PolicySimulation.objects.filter(id=simulation.id).update(run=ref("conductor.run", run.id))
        _receipt(simulation, "started", actor, now, {"candidate": candidate.digest, "selection": chosen, "of": total})
    simulation.refresh_from_db()
    return simulation


def simulate(ctx: StepContext) -> dict[str, Any]:
    """Replay what is left of the run's simulation; each batch is committed with its progress, and done once."""
    while True:
        ctx.heartbeat()
        with tenant_scope(ctx.tenant_id):
            simulation = PolicySimulation.objects.get(number=ctx.input["simulation"])
            batch = _next_batch(simulation)
            if not batch:
                return _finish(simulation, ctx)
            _advance(simulation, batch, str(ctx.tenant_id))
            ctx.log("replayed", done=simulation.done + len(batch), of=simulation.total)


def register() -> None:
    """Make the simulation startable. Called in AppConfig.ready()."""
    registry.register_step(STEP, simulate, timeout=timedelta(minutes=25))
    registry.register_workflow(registry.Workflow(WORKFLOW, 1, "Simulate policy", (STEP,)))


def _refuse_selection(selection: Selection) -> None:
    fields: dict[str, list[str]] = {}
    if unknown := sorted(set(selection.actions) - set(RESOURCES)):
        fields["actions"] = [f"Policy knows no {', '.join(unknown)}. It knows {', '.join(RESOURCES)}."]
    if selection.since and selection.until and selection.since >= selection.until:
        fields["until"] = ["The period must end after it begins."]
    if fields:
        raise Invalid(fields=fields)


def _next_batch(simulation: PolicySimulation) -> list[PolicyDecision]:
    chosen = simulation.selection
    since = parse_rfc3339(chosen["since"]) if chosen["since"] else None
    found = decisions_between(since, parse_rfc3339(chosen["until"]), chosen["actions"])
    if simulation.cursor:
        found = found.filter(id__gt=UUID(simulation.cursor))
    return list(found.order_by("id")[:BATCH])


def _advance(simulation: PolicySimulation, batch: Sequence[PolicyDecision], tenant: str) -> None:
    tally = tally_from_json(simulation.result)
    try:
        replay(candidate_from_json(simulation.candidate), [recorded(row) for row in batch], tally, tenant=tenant)
    except EngineFailure as failure:
        raise Permanent(f"The candidate could not be asked: {failure}", code="candidate_failed") from failure
    done = simulation.done + len(batch)
    # By compare-and-set: a second worker of the same run adds nothing twice.
    PolicySimulation.objects.filter(id=simulation.id, cursor=simulation.cursor).update(
        cursor=str(batch[-1].id), done=done, total=max(done, simulation.total), result=tally.as_json()
    )


def _finish(simulation: PolicySimulation, ctx: StepContext) -> dict[str, Any]:
    tally, now = tally_from_json(simulation.result), ctx.now()
    outcome = {**_summary(tally), "gate": tally.gate}
    if PolicySimulation.objects.filter(id=simulation.id, finished_at=None).update(finished_at=now):
        _receipt(simulation, "finished", ctx.actor, now, {"candidate": simulation.candidate_digest, **outcome})
    return {"simulation": simulation.code, **outcome}


def _summary(tally: Tally) -> dict[str, Any]:
    return {"counts": dict(tally.counts), "mutations": tally.mutations, "opened": tally.opened}


def _receipt(simulation: PolicySimulation, verb: str, actor: Actor, now: datetime, body: Mapping[str, Any]) -> None:
    append(
        tenant_id=simulation.tenant_id,
        action=f"conductor.policy_simulation.{verb}",
        subject=simulation.ref,
        subject_name=simulation.code,
        actor=actor,
        now=now,
        body=body,
    )
