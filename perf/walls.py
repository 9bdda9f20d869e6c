"""Time what a stranger might: an id that another tenant has against one that nobody has.

    make test ARGS="perf/walls.py -q -s -p no:randomly"

Prints, per door, the medians of both and the ratio of their medians beside the spread that two halves of the same
kind of request have among themselves. What is within that spread is noise. Not a test: a machine's load decides.
"""

from __future__ import annotations

import gc
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import SCOPES
from incidents.models.incident import Incident
from tests.conftest import ana, django_db_setup, other_tenant, signing_keys, tenant  # noqa: F401 - fixtures
from tests.tenancy import rows

ROUNDS = int(os.environ.get("ROUNDS", "400"))
THEIRS, NOBODYS = 7701, 7702


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _compare(name: str, theirs: Callable[[], Any], nobodys: Callable[[], Any]) -> None:
    took: dict[str, list[float]] = {"theirs": [], "nobodys": []}
    calls = {"theirs": theirs, "nobodys": nobodys}
    for _ in range(10):
        theirs(), nobodys()
    gc.disable()
    for _ in range(ROUNDS):
        for which in random.sample(["theirs", "nobodys"], 2):
            took[which].append(_seconds(calls[which]))
    gc.enable()
    medians = {which: statistics.median(times) for which, times in took.items()}
    halves = [statistics.median(times[start::2]) for times in took.values() for start in (0, 1)]
    noise = max(halves[0] / halves[1], halves[1] / halves[0], halves[2] / halves[3], halves[3] / halves[2])
    ratio = medians["theirs"] / medians["nobodys"]
    print(
        f"{name:34} theirs {medians['theirs'] * 1000:7.3f} ms   nobody's {medians['nobodys'] * 1000:7.3f} ms   "
        f"ratio {ratio:.3f}   noise {noise:.3f}"
    )


@pytest.mark.django_db
def test_print_the_ratios(tenant: Tenant, other_tenant: Tenant, ana: User) -> None:  # noqa: F811
    rows.prepare_people()
    with tenant_scope(other_tenant.id):
        theirs: Any = rows.make(Incident, other_tenant, number=THEIRS)
    with tenant_scope(tenant.id):
        member = Membership.objects.get(user=ana)
        later = datetime.now(UTC) + timedelta(days=1)
        secret = issue_token(membership=member, name="perf", scopes=list(SCOPES), now=later).secret
    api, console = Client(headers={"Authorization": f"Bearer {secret}"}), Client()
    console.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {ROUNDS} rounds each, interleaved")
    base = "/api/v1/tenants/northwind"
    _compare("API: an incident", *(lambda n=n: api.get(f"{base}/incidents/{n}") for n in (THEIRS, NOBODYS)))
    _compare("API: a run", *(lambda n=n: api.get(f"{base}/runs/{n}") for n in (THEIRS, NOBODYS)))
    _compare(
        "console: an incident",
        *(lambda n=n: console.get(f"/t/northwind/incidents/INC-{n}/") for n in (THEIRS, NOBODYS)),
    )
    _compare("API: an organisation", *(lambda s=s: api.get(f"/api/v1/tenants/{s}/runs") for s in ("globex", "nobody")))
    _compare("console: an organisation", *(lambda s=s: console.get(f"/t/{s}/runs/") for s in ("globex", "nobody")))
    with tenant_scope(tenant.id):
        missing = type(theirs.pk)(int=7702)
        find = Incident.objects.filter
        _compare("ORM: a row by its id", *(lambda k=k: find(pk=k).exists() for k in (theirs.pk, missing)))
