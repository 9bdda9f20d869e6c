"""What a run waits for is approved by a second person where the wait demands it, through every door alike."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from conductor.console.inbox.registry import Asker, Waits
from conductor.engine.define.context import StepContext, WaitForDecision
from conductor.engine.lifecycle.answering import decide_wait
from conductor.engine.lifecycle.refusals import WaitChanged
from conductor.engine.lifecycle.starting import start_run
from conductor.engine.models import Run, Step
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.lib.refs import ref
from conductor.policy.decisions import PolicyDenied
from conductor.policy.lifecycle import activate_policy, upload_policy
from conductor.policy.models import PolicyDecision
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from tests import world

Make = Callable[..., Actor]
Begin = Callable[..., Run]

WORKING_HOURS = """package tenant.quiet

import rego.v1

deny contains {"code": "engine_only", "message": "No run is approved by hand here."} if {
	not input.action == "incidents.declare"
	not input.resource.approve == false
}
"""


@pytest.fixture
def begin(define: Any, work: Any, tenant: Tenant, actor: Make, cora: User) -> Begin:
    """Cora starts a run, which waits for a decision; by default one that demands four eyes."""

    def make(*, four_eyes: bool = True, requested_by: str = "") -> Run:
        def gate(ctx: StepContext) -> dict[str, Any]:
            if ctx.decision is None:
                raise WaitForDecision(
                    prompt="Fail over?", permission="operate_runs", four_eyes=four_eyes, requested_by=requested_by
                )
            return {"approved": ctx.decision["approve"], "by": ctx.decision["by_name"]}

        name = define([gate])
        with tenant_scope(tenant.id):
            run = start_run(tenant_id=tenant.id, workflow=name, actor=actor(cora), now=clock_now())
        waiting: Run = work(run)
        assert waiting.status == Run.Status.WAITING
        return waiting

    return make


def _decide(run: Run, who: Actor, *, approve: bool = True) -> Run:
    """Answer as a door does: what was recorded of a refusal stays, though the verb raised."""
    with tenant_scope(run.tenant_id):
        try:
            return decide_wait(run=run, approve=approve, reason="seen", actor=who, now=clock_now())
        except PolicyDenied as refused:
            denied = refused
    raise denied


def _waits_for(who: Actor) -> list[str]:
    """The codes of the runs that wait for their decision, as "Waits for you" shows them."""
    with tenant_scope(world.NORTHWIND):
        waits = Waits(Asker(who, "northwind", clock_now()))
        return [row.told.subject for row in waits.rows(waits.keys)]


def test_whoever_started_the_run_does_not_approve_it_and_somebody_else_does(
    begin: Begin, work: Any, actor: Make, cora: User, ana: User, tenant: Tenant
) -> None:
    run = begin()
    assert (_waits_for(actor(cora)), _waits_for(actor(ana))) == ([], [run.code])

    with pytest.raises(PolicyDenied, match="needs a second person") as denied:
        _decide(run, actor(cora))

    assert denied.value.decision.codes == ["second_person_required"]
    with tenant_scope(tenant.id):
        refusal = PolicyDecision.objects.get(action="runs.decide")
        assert (refusal.allow, refusal.subject, refusal.actor) == (False, ref("conductor.run", run.id), actor(cora).ref)
        eyes = {"required": True, "requested_by": actor(cora).ref, "approved_by": actor(cora).ref}
        assert refusal.input["context"]["four_eyes"] == eyes
        assert not Receipt.objects.filter(action="conductor.run.decided").exists()
        assert Step.objects.get(run=run).is_waiting_for_decision

    _decide(run, actor(ana))
    assert _waits_for(actor(ana)) == []

    with tenant_scope(tenant.id):
        allowed = PolicyDecision.objects.get(action="runs.decide", allow=True)
        assert allowed.input["context"]["four_eyes"]["requested_by"] == actor(cora).ref
        receipt = Receipt.objects.get(action="conductor.run.decided")
        assert allowed.ref in receipt.links
        assert receipt.body["decision"]["input_digest"] == allowed.input_digest
        assert (receipt.actor, receipt.body["asked"], receipt.body["approve"]) == (actor(ana).ref, "Fail over?", True)
    assert work(run).output == {"approved": True, "by": "Ana Admin"}


def test_whose_act_it_is_about_does_not_approve_it_either(
    begin: Begin, actor: Make, cora: User, ana: User, ben: User
) -> None:
    run = begin(requested_by=actor(ana).ref)

    for person in (ana, cora):
        with pytest.raises(PolicyDenied):
            _decide(run, actor(person))
    _decide(run, Actor.system())


def test_one_may_reject_what_one_asked_for(begin: Begin, work: Any, actor: Make, cora: User) -> None:
    run = begin()

    _decide(run, actor(cora), approve=False)

    assert work(run).output == {"approved": False, "by": "Cora Commander"}


def test_without_the_demand_one_person_is_enough_and_policy_is_asked_all_the_same(
    begin: Begin, actor: Make, cora: User, tenant: Tenant
) -> None:
    _decide(begin(four_eyes=False), actor(cora))

    with tenant_scope(tenant.id):
        asked = PolicyDecision.objects.get(action="runs.decide").input
    assert asked["context"]["four_eyes"]["required"] is asked["resource"]["demands_four_eyes"] is False


def test_a_tenants_own_rules_are_asked_about_approvals(
    begin: Begin, actor: Make, cora: User, ana: User, tenant: Tenant
) -> None:
    run, given = begin(four_eyes=False), {"tenant_id": tenant.id, "now": clock_now()}
    with tenant_scope(tenant.id):
        policy = upload_policy(name="quiet", rego=WORKING_HOURS, purpose="Nobody approves.", actor=actor(ana), **given)
        activate_policy(policy=policy, reviewed_digest=policy.digest, actor=actor(cora), now=clock_now())

    with pytest.raises(PolicyDenied) as denied:
        _decide(run, actor(ana))

    assert denied.value.decision.codes == ["quiet.engine_only"]


def test_an_answer_to_an_earlier_question_is_refused(
    begin: Begin, actor: Make, ana: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between policy's answer and the write the run comes to ask something else."""
    from conductor.engine.lifecycle import answering

    run = begin()
    asked = answering.ask_policy

    def meanwhile(**given: Any) -> Any:
        decision = asked(**given)
        Step.objects.filter(id=given["step"].id).update(wait={**given["step"].wait, "reason": "Delete everything?"})
        return decision

    monkeypatch.setattr(answering, "ask_policy", meanwhile)
    with tenant_scope(tenant.id), pytest.raises(WaitChanged):
        decide_wait(run=run, approve=True, reason="seen", actor=actor(ana), now=clock_now())
    with tenant_scope(tenant.id):
        assert Step.objects.get(run=run).is_waiting_for_decision
        assert not Receipt.objects.filter(action="conductor.run.decided").exists()


def test_the_console_says_why_and_keeps_the_refusal(
    begin: Begin, as_user: Callable[[User], Client], cora: User, ana: User, tenant: Tenant
) -> None:
    run = begin()
    page = f"/t/northwind/runs/{run.code}/"
    answer = {"approve": "yes", "reason": "seen"}

    assert "Approving needs a second person" in as_user(cora).get(f"{page}?step=1").content.decode()
    refused = as_user(cora).post(f"{page}decision/", answer)
    assert refused.status_code == 403
    assert "This needs a second person." in refused.content.decode()
    with tenant_scope(tenant.id):
        assert PolicyDecision.objects.get(action="runs.decide").allow is False
    assert "runs.decide" in as_user(ana).get(page).content.decode()
    assert as_user(ana).post(f"{page}decision/", answer).status_code == 302


def test_the_api_says_why_and_keeps_the_refusal(
    begin: Begin, client: Client, cora: User, ana: User, tenant: Tenant
) -> None:
    run = begin()
    address = f"/api/v1/tenants/northwind/runs/{run.number}/decision"

    def post(person: User) -> Any:
        with tenant_scope(tenant.id):
            membership = Membership.objects.get(user=person)
            token = issue_token(membership=membership, name="t", scopes=["runs:read", "runs:write"], now=clock_now())
        headers = {"Authorization": f"Bearer {token.secret}"}
        answer = {"approve": True, "reason": "seen"}
        return client.post(address, answer, content_type="application/json", headers=headers)

    refused = post(cora)
    assert (refused.status_code, refused.json()["code"]) == (403, "policy_denied")
    assert "second person" in refused.json()["detail"]
    with tenant_scope(tenant.id):
        assert PolicyDecision.objects.get(action="runs.decide").allow is False
    assert post(ana).status_code == 200


def test_the_command_line_says_why(begin: Begin, ana: User) -> None:
    run = begin()

    def decide(person: str) -> None:
        arguments = ("--tenant", "northwind", "--as", f"{person}@example.test", "decide", run.code, "approve")
        call_command("runs", *arguments, "--reason", "seen", stdout=StringIO())

    with pytest.raises(CommandError, match=r"second person.*policy_denied"):
        decide("cora")
    decide("ana")
