"""Seeds the demonstration tenants. Running it again changes nothing that is there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User

from adapters.configuration.lifecycle import configure_adapter
from adapters.models.adapter import AdapterConfig
from chatops.demo import history
from chatops.demo.people import GLOBEX, NORTHWIND, TEAM, Person
from chatops.demo.topology import topology_json
from chatops.models.workspace import SlackInstallation
from chatops.slack.workspace.identities import link_identity
from chatops.slack.workspace.lifecycle import link_workspace
from conductor.access.lifecycle.addresses import confirm_address
from conductor.graph.importer import import_resources
from conductor.graph.models import Node
from conductor.lib.canonical import sha256_hex
from conductor.lib.ids import uuid7
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.lifecycle import add_environment, add_member, create_tenant
from conductor.tenancy.models import Environment, Membership, Tenant
from controls.catalogue import load_catalogue
from controls.lifecycle import bind_defaults
from controls.models import WorkflowBinding
from incidents.history.lifecycle import HistorySource, import_history
from incidents.models.choices import Kind
from incidents.models.incident import Incident

Progress = Callable[[str], None]


def seed(*, now: datetime, progress: Progress) -> None:
    """Create what is missing of the demonstration, telling each part to `progress`."""
    report = load_catalogue()
    progress(f"catalogue: {report.controls} controls of {report.frameworks} frameworks, {report.mappings} mappings")
    northwind = seed_tenant("northwind", "Northwind Payments", NORTHWIND, now)
    seed_tenant("globex", "Globex", GLOBEX, now)
    progress("tenants northwind and globex with their people")
    with tenant_scope(northwind):
        actor = Actor.system(channel="cli")
        _topology(northwind, actor, now, progress)
        _workspace(northwind, actor, now)
        _adapters(northwind, actor, now)
        if not WorkflowBinding.objects.exists():
            progress(f"{len(bind_defaults(tenant_id=northwind, actor=actor, now=now))} workflows bound to controls")
        _history(northwind, actor, now, progress)


def seed_tenant(slug: str, name: str, people: tuple[Person, ...], now: datetime) -> UUID:
    """Create what is missing of a tenant, its environments and its people, and say that it is staged."""
    tenant_id = tenant_id_for_slug(slug) or uuid7()
    users = [(_user(person), person.role) for person in people]
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.filter(id=tenant_id).first()
        if tenant is None:
            tenant = create_tenant(tenant_id=tenant_id, slug=slug, name=name, now=now, is_staged=True)
            for kind in Environment.Kind:
                add_environment(tenant=tenant, slug=kind.value.lower(), name=kind.label, kind=kind.value)
        elif not tenant.is_staged:
            # Seeded by a version that did not say so yet.
            Tenant.objects.filter(id=tenant_id).update(is_staged=True)
        for user, role in users:
            if not Membership.objects.filter(user=user).exists():
                add_member(tenant=tenant, user=user, role=role, now=now)
    return tenant_id


def _user(person: Person) -> User:
    # Outside of any scope: inside one, only those are seen who are members already.
    user = User.objects.filter(username=person.username).first()
    if user is None:
        user = User(username=person.username, email=person.email)
        user.first_name, user.last_name = person.first_name, person.last_name
        user.set_unusable_password()  # the demonstration signs in by one-time links
        user.save()
        confirm_address(user=user, email=person.email)
    return user


def _topology(tenant_id: UUID, actor: Actor, now: datetime, progress: Progress) -> None:
    if Node.objects.filter(kind="service").exists():
        return
    report = import_resources(
        tenant_id=tenant_id,
        content=topology_json(),
        media_type="application/json",
        actor=actor,
        now=now,
        source="demonstration topology",
    )
    progress(f"topology: {report.nodes_created} resources, {report.edges_created} dependencies")


def _workspace(tenant_id: UUID, actor: Actor, now: datetime) -> None:
    if SlackInstallation.objects.filter(team_id=TEAM).exists():
        return
    link_workspace(tenant_id=tenant_id, team_id=TEAM, team_name="Northwind", actor=actor, now=now)
    for person in NORTHWIND:
        if person.slack_user_id:
            user = User.objects.get(username=person.username)
            link_identity(
                tenant_id=tenant_id,
                team_id=TEAM,
                slack_user_id=person.slack_user_id,
                user=user,
                actor=actor,
                now=now,
            )


def _adapters(tenant_id: UUID, actor: Actor, now: datetime) -> None:
    """A notary with this installation's own key, and the very database that runs as the store to be verified."""
    if AdapterConfig.objects.exists():
        return
    production = Environment.objects.get(slug="production")
    configure_adapter(
        tenant_id=tenant_id,
        kind="local",
        name="Installation notary",
        settings={},
        actor=actor,
        now=now,
    )
    configure_adapter(
        tenant_id=tenant_id,
        kind="postgres",
        name="Conductor's own database",
        environment=production,
        settings={},
        secrets={"dsn": "env:DATABASE_URL"},
        actor=actor,
        now=now,
    )


def _history(tenant_id: UUID, actor: Actor, now: datetime, progress: Progress) -> None:
    if Incident.objects.filter(kind=Kind.IMPORTED).exists():
        return
    content = history.log_json()
    report = import_history(
        tenant_id=tenant_id,
        records=json.loads(content),
        source=HistorySource(history.KEY, history.NAME, history.FILE_NAME, sha256_hex(content)),
        actor=actor,
        now=now,
        shift_to_end_at=now - timedelta(days=2),
    )
    progress(f"history: a year of {report.created} staged incidents, {report.updates} updates, imported")
