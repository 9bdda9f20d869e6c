"""The demonstration's main job: one real incident and one real control, through the doors that everybody uses."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from adapters.models.adapter import NotaryRecord
from chatops.demo.console import Console
from chatops.demo.doors import Api, DoorShut, Slack, wait_for_door
from chatops.demo.evidence import sealed_of
from chatops.demo.people import TEAM
from chatops.demo.proof import prove, start
from chatops.demo.record import SignIn
from chatops.demo.response import Hands, respond
from chatops.demo.summary import Summary
from chatops.demo.verdict import verify_alone
from conductor.embedded.progress import Progress
from conductor.lib.clock import now as clock_now
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.lifecycle import issue_token, revoke_token
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import SCOPES, Role
from conductor.tenancy.sessions.signin_links import issue_link

TENANT = "northwind"
STAGES = 10


def run(*, base_url: str, seconds: float) -> Summary:
    """Do the main job against the web server at `base_url`; each wait ends after `seconds`. A failure is told in it."""
    # httpx writes a line for each request, among ours.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    began, found, error = time.monotonic(), dict[str, Any](), ""
    try:
        _run(found, base_url, seconds, Progress(total=STAGES))
    except DoorShut as shut:
        error = str(shut)
    took = round(time.monotonic() - began, 1)
    return Summary(finished_at=rfc3339(clock_now()), seconds=took, error=error, **found)


def _run(found: dict[str, Any], base_url: str, seconds: float, progress: Progress) -> None:
    """Fill `found` with what each part left behind, as far as they come."""
    out = Path(settings.CONDUCTOR_HOME) / "out"
    with progress.stage("doors") as stage:
        wait_for_door(base_url, seconds=seconds)
        stage.result = f"{base_url} is ready"
    slack = Slack(base_url, TEAM, settings.SLACK_COMMAND, settings.SLACK_SIGNING_SECRET)
    with api_token() as token:
        api = Api(base_url, TENANT, token)
        # The workers back up and restore while people respond.
        number = start(api)
        responded = respond(hands=Hands(api, slack, browsers(base_url)), out=out, progress=progress, seconds=seconds)
        found["incidents"] = [responded.alert_incident, responded.slack_incident]
        found["postmortem_pdf"] = str(responded.postmortem_pdf)
        proved = prove(api=api, number=number, out=out, progress=progress, seconds=seconds)
        found.update(bundle=proved.bundle, pack_pdf=str(proved.pack_pdf), pack_zip=str(proved.pack_zip))
        with progress.stage("response evidence") as stage:
            good = sealed_of(api, responded.slack_incident, seconds=seconds, conclusion="NO_EXCEPTIONS")
            found["response_evidence"] = [good.sentence, f"before approval, {responded.unapproved.sentence}"]
            stage.result = f"{good.sentence}; supersedes {responded.unapproved.code}"
    with progress.stage("verifier") as stage:
        verdict = verify_alone(proved.pack_zip, notary_keys=notary_keys())
        found.update(verdict=verdict.sentence, verify_command=verdict.command)
        stage.result = verdict.sentence
    if verdict.word != "VERIFIED":
        raise DoorShut(f"the pack's own verifier says {verdict.sentence}")


def notary_keys() -> list[str]:
    """Return the fingerprints of the keys by which this installation itself verified its own notary's words."""
    with tenant_scope(_tenant_id()):
        records = NotaryRecord.objects.filter(adapter__kind="local", state=NotaryRecord.State.VERIFIED)
        return sorted(set(records.values_list("trust_anchor", flat=True)))


def browsers(base_url: str) -> SignIn:
    """Return a function that signs a member in; each call uses a new one-time link."""

    def sign_in(username: str) -> Console:
        return Console(base_url, issue_link(user=User.objects.get(username=username), now=clock_now()))

    return sign_in


@contextmanager
def api_token() -> Iterator[str]:
    """Yield a new token of the tenant's admin with every scope; it is revoked afterwards."""
    tenant_id = _tenant_id()
    with tenant_scope(tenant_id):
        membership = Membership.objects.filter(role=Role.ADMIN).order_by("id")[0]
        issued = issue_token(
            membership=membership,
            name="main job",
            scopes=sorted(SCOPES),
            now=clock_now(),
            lifetime=timedelta(hours=1),
        )
    try:
        yield issued.secret
    finally:
        with tenant_scope(tenant_id):
            revoke_token(token=issued.token, now=clock_now())


def _tenant_id() -> UUID:
    tenant_id = tenant_id_for_slug(TENANT)
    if tenant_id is None:
        raise DoorShut(f"there is no tenant {TENANT}: run manage.py seed_demo first")
    return tenant_id
