"""What pages and critical acts take in a large organisation: queries, median and p95, and their ratio to a floor.

    make perf NAME=pages ARGS="--incidents 10000 --entries 2000 --nodes 50000"

The organisation is made by the product's own verbs, but for two short cuts that are printed: of the incidents all but
the newest are marked resolved by one UPDATE, and nothing works off the runs that declaring started. Requests go through
every middleware in one process, without a network. The floor is a page that asks nothing of its own (the style of every
refusal), so that ratios travel between machines.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conductor.graph.importer import import_resources
from conductor.graph.models import Node
from conductor.graph.selectors import blast_radius, neighbourhood
from conductor.ledger.keys.keys import FileKeys
from conductor.lib.clock import now
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import issue_token
from conductor.tenancy.models import Membership, Tenant
from conductor.tenancy.roles import SCOPES
from incidents.incident.lifecycle import acknowledge_incident, declare_incident
from incidents.incident.status import move_incident
from incidents.models.choices import Status
from incidents.models.incident import Incident
from incidents.postmortem.lifecycle import draft_postmortem
from incidents.timeline.lifecycle import post_update
from perf.ledger import line, machine
from tests import database, world
from tests.console.test_every_page import IDENTITY, TRANSACTION

TARGET = 1.5
"""Seconds that a critical flow may take at p95."""
ACTIVE = 40
"""Incidents that are left open."""
SERVICES = 400
BACKEND = "django.contrib.auth.backends.ModelBackend"


def topology(count: int) -> bytes:
    """Return `count` nodes and about twice as many edges: each depends on two earlier ones, popular ones preferred."""
    draw = random.Random(7)
    nodes = [
        {
            "kind": "service" if n < SERVICES else "host",
            "key": f"n{n:06d}",
            "name": f"Node {n}",
            "environment": "production",
        }
        for n in range(count)
    ]
    edges = set()
    for n in range(1, count):
        for _ in range(2):
            edges.add((n, int(n * draw.random() ** 3)))
    rows = [
        {
            "source": f"{nodes[a]['kind']}/{nodes[a]['key']}",
            "target": f"{nodes[b]['kind']}/{nodes[b]['key']}",
            "kind": "DEPENDS_ON",
        }
        for a, b in sorted(edges)
        if a != b
    ]
    return json.dumps({"nodes": nodes, "edges": rows}).encode()


@contextmanager
def told(what: str, count: int) -> Iterator[None]:
    """Print how long making `count` of something took."""
    began = time.perf_counter()
    yield
    took = time.perf_counter() - began
    line(f"made: {count:,} {what}", f"{took:,.1f} s", f"{count / took:,.0f}/s")


def grow(given: argparse.Namespace, person: Actor) -> tuple[int, int]:
    """Fill the tenant; return the number of the incident with the long timeline, and of one that is open."""
    content = topology(given.nodes)
    with told("nodes with their edges, imported in one file", given.nodes), tenant_scope(world.NORTHWIND):
        import_resources(
            tenant_id=world.NORTHWIND, content=content, media_type="application/json", actor=person, now=now()
        )
    with told("incidents declared", given.incidents):
        numbers = [_declare(each, given.incidents, person) for each in range(given.incidents)]
    with tenant_scope(world.NORTHWIND):
        done = Incident.objects.filter(number__in=numbers[:-ACTIVE])
        done.update(status=Status.RESOLVED, resolved_at=now() - timedelta(days=2))
        long = Incident.objects.get(number=numbers[-1])
    with told("updates on one of them", given.entries), tenant_scope(world.NORTHWIND):
        acknowledge_incident(incident=long, actor=person, now=now())
        for each in range(given.entries):
            post_update(incident=long, text=f"Update {each}: half of the shards answer again.", actor=person, now=now())
    return long.number, numbers[-2]


def _declare(each: int, of: int, person: Actor) -> int:
    with tenant_scope(world.NORTHWIND):
        incident, _ = declare_incident(
            tenant_id=world.NORTHWIND, title=f"Payments slow in region {each % 17}, case {each}",
            severity=f"SEV{1 + each % 4}", summary="Half of the requests take longer than a second.",
            service=f"Node {each % SERVICES}", actor=person, now=now() - timedelta(minutes=of - each),
        )  # fmt: skip
    return int(incident.number)


def measure(what: str, act: Callable[[], Any], rounds: int, floor: float | None) -> float:
    """Call `act` `rounds` times after a warm-up; print queries, median, p95, ratio to the floor. Return the median."""
    act()
    with CaptureQueriesContext(connection) as counted:
        act()
    asked = [each["sql"] for each in counted if not TRANSACTION.match(each["sql"])]
    asked = [each for each in asked if each not in ("BEGIN", "COMMIT")]
    identity = sum(bool(IDENTITY.search(each)) for each in asked)
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    median, slow = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
    ratio = f"{median / floor:5.1f} x floor" if floor else "the floor"
    verdict = "" if slow < TARGET else f"  ABOVE {TARGET} s"
    line(
        what,
        f"{median * 1e3:,.1f} ms",
        f"p95 {slow * 1e3:8,.1f} ms  {ratio:>13}  {len(asked) - identity:2} queries + {identity} of identity{verdict}",
    )
    return median


def answered(client: Client, path: str, status: int = 200) -> Callable[[], Any]:
    """Return the call that fetches `path` and insists on `status`."""

    def get() -> Any:
        response = client.get(path)
        assert response.status_code == status, (path, response.status_code)
        return b"".join(response.streaming_content) if response.streaming else response.content

    return get


def pages_of(long: int, opened: int) -> dict[str, str]:
    """Return the pages that are measured, by what they are."""
    at = "/t/northwind/incidents/"
    return {
        "incident hub": at,
        "incident hub, words searched": f"{at}?q=region+11",
        "incident hub, resolved filter": f"{at}?status=RESOLVED",
        "incident, its newest entries": f"{at}INC-{long}/",
        "incident, entries further back": f"{at}INC-{long}/?before=900",
        "incident, graph tab": f"{at}INC-{opened}/?tab=graph",
        "incident, links tab": f"{at}INC-{opened}/?tab=links",
        "runs": "/t/northwind/runs/",
        "bundles": "/t/northwind/evidence/",
        "controls": "/t/northwind/controls/",
        "receipts": "/t/northwind/receipts/",
    }


def reading(client: Client, long: int, opened: int, rounds: int) -> float:
    """Measure the pages; return the floor."""
    floor = measure(
        "a page that is not there (floor)", answered(client, "/t/northwind/incidents/INC-99999999/", 404), rounds, None
    )
    for what, path in pages_of(long, opened).items():
        measure(what, answered(client, path), rounds, floor)
    return floor


def acting(api: Client, person: Actor, long: int, rounds: int, floor: float) -> None:
    """Measure what changes something."""
    at = "/api/v1/tenants/northwind/incidents"
    counter = iter(range(10**6))

    def declare() -> None:
        body = {"title": f"Measured {next(counter)}", "severity": "SEV3"}
        answer = api.post(
            at, body, content_type="application/json", headers={"Idempotency-Key": f"perf-{next(counter)}"}
        )
        assert answer.status_code == 201, answer.content

    measure("declare by API", declare, rounds, floor)

    def update() -> None:
        with tenant_scope(world.NORTHWIND):
            post_update(incident=Incident.objects.get(number=long), text="One more.", actor=person, now=now())

    measure("an update on the long timeline", update, rounds, floor)


def learning(person: Actor, long: int, floor: float) -> None:
    """Measure the postmortem's draft of the long timeline."""
    with tenant_scope(world.NORTHWIND):
        incident = Incident.objects.get(number=long)
        for status in (Status.MITIGATED, Status.MONITORING, Status.RESOLVED):
            move_incident(incident=incident, to=status, reason="Measured.", actor=person, now=now())

    def draft() -> None:
        with tenant_scope(world.NORTHWIND):
            draft_postmortem(incident=Incident.objects.get(number=long), actor=person, now=now())

    measure("postmortem drafted from the long timeline", draft, 5, floor)


def walking(rounds: int, floor: float) -> None:
    """Measure the graph's own questions, at the node that most depend on and at random ones."""
    with tenant_scope(world.NORTHWIND):
        hub = Node.objects.get(key="n000000")
        leaf = Node.objects.get(key="n000399")

        measure(
            "blast radius of the most used node, all hops",
            lambda: blast_radius(nodes=[hub]),
            max(5, rounds // 5),
            floor,
        )
        measure("blast radius of an ordinary service", lambda: blast_radius(nodes=[leaf]), rounds, floor)
        measure("neighbourhood of the most used node, 2 hops", lambda: neighbourhood(node=hub, hops=2), rounds, floor)


def main(arguments: list[str]) -> None:
    """Make the organisation and measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--nodes", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=50)
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    database.create_clone()
    FileKeys(settings.CONDUCTOR_KEYS_DIR).create()
    try:
        machine()
        with tenant_scope(world.NORTHWIND):
            tenant = Tenant.objects.get(id=world.NORTHWIND)
            cora = User.objects.get(username="cora")
            person = actor_for_user(user=cora, tenant=tenant, channel="console")
            assert person is not None
            later = now() + timedelta(days=1)
            member = Membership.objects.get(user=cora)
            secret = issue_token(membership=member, name="perf", scopes=list(SCOPES), now=later).secret
        browser = Client(SERVER_NAME="localhost")
        api = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
        browser.force_login(cora, backend=BACKEND)
        long, opened = grow(given, person)
        floor = reading(browser, long, opened, given.rounds)
        acting(api, person, long, given.rounds, floor)
        walking(given.rounds, floor)
        learning(person, long, floor)
    finally:
        for each in connections.all():
            each.close()
        database.drop_clone()
