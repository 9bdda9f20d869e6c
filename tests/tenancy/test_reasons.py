"""Why somebody may or may not: the page's answer is the one that the door gives, with every check named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from guardian.shortcuts import assign_perm

from conductor.access import selectors
from conductor.access.lifecycle.members import remove_member
from conductor.access.lifecycle.tokens import issue_token
from conductor.access.reasons import KEY_ACTIONS, Answer, explain
from conductor.lib.clock import now as clock_now
from conductor.policy.inputs import RESOURCES
from conductor.policy.models import PolicyDecision
from conductor.policy.tenant_rules import rules_in_force
from conductor.tenancy.actors import Actor, PermissionMissing, require
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import PERMISSIONS
from conductor.tenancy.sessions.authentication import Authentication
from incidents.incident.cases import find
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident

Actors = Callable[..., Actor]
AsUser = Callable[[User], Client]


def _ask(user: User, tenant: Tenant, action: str, case: Any = None) -> Answer:
    member = selectors.member(Membership.ever.get(user=user).id)
    return explain(
        member=member,
        tenant=tenant,
        action=action,
        case=case,
        authentication=Authentication.MFA,
        own=rules_in_force(),
        now=clock_now(),
    )


def _told(answer: Answer) -> dict[str, bool | None]:
    return {check.what: check.passed for check in answer.checks}


def test_every_action_of_policy_can_be_asked_about() -> None:
    assert set(KEY_ACTIONS) == set(RESOURCES)


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
def test_the_answer_is_the_one_that_the_verb_gives(permission: str, scope: None, tenant: Tenant, actor: Actors) -> None:
    for name in ("ana", "ben", "cora", "cleo"):
        user = User.objects.get(username=name)
        try:
            require(actor=actor(user), permission=permission)
            may = True
        except PermissionMissing:
            may = False
        assert _ask(user, tenant, permission).may is may, name


def test_a_refusal_names_the_check_and_who_holds_it(scope: None, tenant: Tenant, cleo: User) -> None:
    answer = _ask(cleo, tenant, "evidence.seal")

    assert answer.may is False
    assert _told(answer) == {
        "Account": True, "Membership": True, "Permission seal_evidence": False, "Policy evidence.seal": None,
    }  # fmt: skip
    assert "the role of auditor does not hold it; Commander or Admin does" in answer.checks[2].why


def test_a_grant_to_the_person_alone_is_named_as_such(tenant: Tenant, ana: User, cleo: User, as_user: AsUser) -> None:
    with tenant_scope(tenant.id):
        assign_perm("seal_evidence", cleo, tenant)
        answer = _ask(cleo, tenant, "seal_evidence")

    assert answer.may is True
    assert answer.checks[2].why == "Seal evidence bundles: granted to this person on the organisation."
    page = as_user(ana).get("/t/northwind/members/permissions/").content.decode()
    assert "Nobody holds more than their role" not in page


def test_who_left_and_whose_account_is_closed_may_nothing(
    scope: None, tenant: Tenant, ana: User, ben: User, cora: User, actor: Actors
) -> None:
    remove_member(membership=Membership.objects.get(user=ben), actor=actor(ana), now=clock_now())
    User.objects.filter(pk=cora.pk).update(is_active=False)

    assert _told(_ask(ben, tenant, "respond")) == {
        "Account": True, "Membership": False, "Permission respond": False,
    }  # fmt: skip
    assert _ask(cora, tenant, "respond").may is False


def test_policy_is_asked_about_the_incident_and_nothing_is_recorded(
    scope: None, tenant: Tenant, ben: User, cora: User, actor: Actors
) -> None:
    moment = clock_now() - timedelta(hours=1)
    incident, _ = declare_incident(
        tenant_id=tenant.id, title="Payments fail", severity="SEV1", actor=actor(ben), now=moment
    )
    case = find(incident.code)
    assert case is not None
    before = PolicyDecision.objects.count()

    answer = _ask(cora, tenant, "incidents.resolve", case)
    assert answer.may is False
    assert "Nobody has acknowledged the incident" in answer.checks[-1].why
    incident = acknowledge_incident(incident=incident, actor=actor(ben), now=moment)
    move_incident(incident=incident, to="MITIGATED", actor=actor(ben), now=moment)
    assert _ask(cora, tenant, "incidents.resolve", find(incident.code)).may is True
    assert "commander" in _ask(ben, tenant, "incidents.resolve", find(incident.code)).checks[-1].why
    assert PolicyDecision.objects.count() == before


def test_a_private_incident_is_a_check_of_its_own_and_hidden_from_who_asks(
    tenant: Tenant, ana: User, ben: User, cora: User, cleo: User, actor: Actors, as_user: AsUser
) -> None:
    with tenant_scope(tenant.id):
        incident, _ = declare_incident(
            tenant_id=tenant.id,
            title="A leak",
            severity="SEV2",
            visibility="PRIVATE",
            actor=actor(ben),
            now=clock_now(),
        )
        ids = {user: Membership.objects.get(user=user).id for user in (ben, cora)}
    path = f"/t/northwind/members/permissions/?action=respond&case={incident.code}&person="

    seen = as_user(ana).get(f"{path}{ids[cora]}")
    assert f"{incident.code} may be read" in seen.content.decode()
    assert seen.context["answer"].may is False
    assert as_user(ana).get(f"{path}{ids[ben]}").context["answer"].may is True
    hidden = as_user(cleo).get(f"{path}{ids[cora]}").content.decode()
    assert "or none that you may see" in hidden
    assert "A leak" not in hidden


def test_the_page_says_which_token_would_let_it_through(
    tenant: Tenant, ana: User, cleo: User, actor: Actors, as_user: AsUser
) -> None:
    with tenant_scope(tenant.id):
        membership = Membership.objects.get(user=ana)
        for name, scopes in (("reader", ["runs:read"]), ("sealer", ["evidence:write"])):
            issue_token(membership=membership, name=name, scopes=scopes, days=7, actor=actor(ana), now=clock_now())

    page = as_user(cleo).get(f"/t/northwind/members/permissions/?action=seal_evidence&person={membership.id}")
    told = {token.name: check.passed for token, check in page.context["tokens"]}
    assert told == {"reader": False, "sealer": True}
    assert "Through evidence:write." in page.content.decode()
    assert page.context["answer"].may is True


def test_a_question_that_cannot_be_asked_is_answered_with_what_is_missing(
    tenant: Tenant, cleo: User, as_user: AsUser
) -> None:
    browser, path = as_user(cleo), "/t/northwind/members/permissions/"

    assert "Choose an action." in browser.get(f"{path}?person=x").content.decode()
    assert "Choose a person." in browser.get(f"{path}?person=x&action=respond").content.decode()
    with tenant_scope(tenant.id):
        person = Membership.objects.get(user=cleo).id
    assert (
        "There is no incident INC-99"
        in browser.get(f"{path}?person={person}&action=respond&case=INC-99").content.decode()
    )
