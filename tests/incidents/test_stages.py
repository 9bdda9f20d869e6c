"""The response as stages: what is done, what is next, and what failed and can be tried again from the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.engine.models import Run, Step
from conductor.graph.lifecycle import ensure_node
from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.access.selectors import incident_for_page, roles_of
from incidents.incident.classification import classify_incident
from incidents.incident.status import cancel_incident
from incidents.links.lifecycle import affect_resource
from incidents.links.surroundings import surroundings
from incidents.models.choices import Question
from incidents.models.incident import Incident
from incidents.page.runs import workflow_steps
from incidents.page.stages import NOBODY, NOTIFY, WATCH, Stage, stages
from incidents.response.handovers import accept_role
from incidents.response.roles import assign_role
from incidents.response.tasks import add_task, change_task

TITLES = ["Declare", "Classify", "Tell people", "Fill roles", "Keep people informed", "Work off tasks", "Resolve"]


def seen(incident: Incident) -> dict[str, Stage]:
    made = stages(
        incident=incident_for_page(number=incident.number),
        roles=roles_of(incident=incident),
        steps=workflow_steps(incident=incident),
        found=surroundings(incident=incident),
    )
    assert [each.title for each in made] == TITLES
    return {each.title: each for each in made}


def fail(incident: Incident, name: str) -> Step:
    """Let the step have failed for good."""
    step = Step.objects.select_related("run").get(name=name, run__subject=incident.ref)
    Run.objects.filter(id=step.run_id).update(status="FAILED")
    Step.objects.filter(id=step.id).update(status="FAILED", error={"message": "the other side is away"})
    return step


def test_a_response_passes_its_stages(
    incident: Incident, tenant: Tenant, commander: Actor, responder: Actor, cora: User, ben: User, now: datetime
) -> None:
    first = seen(incident)
    assert [first[title].state for title in TITLES] == ["done", "todo", "doing", "todo", "doing", "skipped", "todo"]
    assert first["Classify"].said == ("Say impact and urgency, answer 4 of 4 questions and link an affected resource")
    assert first["Fill roles"].said == "Take the role of commander, or give it to somebody"

    node = ensure_node(tenant_id=tenant.id, kind="service", key="production/pay", name="pay", now=now)
    affect_resource(incident=incident, resource=node, actor=commander, now=now)
    answers = dict.fromkeys(Question.values, "NO")
    classify_incident(incident=incident, impact="SOME", urgency="DEGRADING", answers=answers, actor=commander, now=now)
    assign_role(incident=incident, role="COMMANDER", user=cora, actor=commander, now=now)
    assign_role(incident=incident, role="SCRIBE", user=ben, actor=commander, now=now)
    task = add_task(incident=incident, title="Drain", is_blocking=True, actor=commander, now=now)
    then = seen(incident)
    assert (then["Classify"].state, then["Classify"].said) == ("done", "Affects pay; all questions answered")
    assert (then["Fill roles"].state, then["Fill roles"].said) == ("doing", "Not accepted yet: Ben Responder (scribe)")
    assert then["Work off tasks"].said == "Finish #1: it holds the incident open"

    accept_role(incident=incident, role="SCRIBE", actor=responder, now=now)
    change_task(task=task, state="DONE", actor=commander, now=now)
    at_last = seen(incident)
    assert at_last["Fill roles"].said == "Cora Commander (commander) and Ben Responder (scribe)"
    assert (at_last["Work off tasks"].state, at_last["Work off tasks"].said) == ("done", "None is open")


def test_of_what_is_over_nothing_is_asked(incident: Incident, commander: Actor, now: datetime) -> None:
    cancel_incident(incident=incident, reason="It was a load test.", closure="TEST", actor=commander, now=now)

    shown = seen(incident)

    assert (shown["Classify"].state, shown["Fill roles"].state) == ("skipped", "skipped")
    assert shown["Fill roles"].said == "Left undone: take the role of commander, or give it to somebody"
    assert (shown["Resolve"].state, shown["Resolve"].said) == ("done", "Canceled")


@pytest.mark.parametrize(("name", "title"), [(NOTIFY, "Tell people"), (WATCH, "Keep people informed")])
def test_a_stage_that_failed_says_why_and_is_tried_again(
    incident: Incident, name: str, title: str, as_user: Callable[..., Client], cora: User, ben: User
) -> None:
    step = fail(incident, name)
    stage = seen(incident)[title]
    assert (stage.state, stage.said) == ("failed", "the other side is away")

    page: Any = as_user(cora).get(f"/t/northwind/incidents/INC-{incident.number}/?tab=steps").content.decode()
    assert f'aria-label="Try again: {title}"' in page
    assert (
        "Try again" not in as_user(ben).get(f"/t/northwind/incidents/INC-{incident.number}/?tab=steps").content.decode()
    )
    retry = f"/t/northwind/incidents/INC-{incident.number}/runs/{step.run.number}/retry/"
    assert as_user(cora).post(retry).status_code == 302
    assert seen(incident)[title].state == "doing"


def _end(incident: Incident, name: str, **output: int) -> None:
    """Let the step have succeeded with this output."""
    done = {"status": "SUCCEEDED", "output": output, "error": None}
    Step.objects.filter(name=name, run__subject=incident.ref).update(**done)


@pytest.mark.fault("console-F3")
@pytest.mark.parametrize(
    ("output", "state", "said"),
    [
        ({}, "failed", NOBODY),
        ({"sent": 0, "failed": 0}, "failed", NOBODY),
        ({"sent": 0, "failed": 2}, "failed", "Nobody was notified: 2 of 2 notices failed"),
        ({"sent": 1, "failed": 1}, "failed", "1 of 2 notices delivered"),
        ({"sent": 2, "failed": 0}, "done", "2 of 2 notices delivered"),
    ],
)
def test_people_were_told_only_if_a_notice_was_delivered(
    incident: Incident, output: dict[str, int], state: str, said: str
) -> None:
    _end(incident, NOTIFY, **output)

    stage = seen(incident)["Tell people"]
    assert (stage.state, stage.said) == (state, said)


@pytest.mark.fault("console-F3")
def test_a_watch_that_has_ended_watches_nothing(incident: Incident) -> None:
    _end(incident, WATCH)

    stage = seen(incident)["Keep people informed"]
    assert (stage.state, stage.said) == ("todo", "The watch has ended; nothing watches that updates come")
