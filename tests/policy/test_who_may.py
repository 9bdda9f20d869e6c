from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor
from tests.policy.asking import Asked
from tests.policy.documents import RESOURCES
from tests.world import NORTHWIND

MakeActor = Callable[..., Actor]


@pytest.mark.parametrize(
    ("person", "severity", "commander", "codes"),
    [
        ("ben", "SEV3", "", []),
        ("ben", "SEV1", "", ["commander_required"]),
        ("ben", "SEV1", "ben", []),
        ("ben", "SEV1", "cora", ["commander_required"]),
        ("cora", "SEV1", "", []),
        ("cleo", "SEV4", "", ["respond_permission_missing"]),
    ],
)
def test_who_may_resolve_follows_from_the_roles_of_the_tenant(
    scope: None, ask: Asked, actor: MakeActor, request: pytest.FixtureRequest,
    person: str, severity: str, commander: str, codes: list[str],
) -> None:  # fmt: skip
    who = {name: actor(request.getfixturevalue(name)) for name in ("ben", "cora", "cleo")}
    resource = ask.resource(
        severity=severity, status="MONITORING", acknowledged=True, commander=who[commander].ref if commander else ""
    )

    assert ask(action="incidents.resolve", actor=who[person], resource=resource).codes == codes


def test_the_engine_seals_and_a_responder_does_not(scope: None, ask: Asked, actor: MakeActor, ben: User) -> None:
    bundle = {**RESOURCES["evidence.seal"], "tenant": NORTHWIND}

    assert ask(action="evidence.seal", actor=Actor.system(), resource=bundle).allow
    assert ask(action="evidence.seal", actor=actor(ben), resource=bundle).codes == ["seal_permission_missing"]
