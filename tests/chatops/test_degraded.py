"""With the database really stopped a declaration is kept on disk, answered with a checklist, and recorded later."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from chatops.models.inbound_request import SlackReceipt
from chatops.slack.inbound import outage_backfill, outage_checklist, outage_spool
from conductor.embedded.services.postgres import DATABASE, OWNER, Postgres
from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.rls import APP_ROLE
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from tests import world
from tests.chatops import slack
from tests.chatops.blocks import check_message
from tests.chatops.conftest import connect
from tests.chatops.slack import Speaker, words
from tests.chatops.sweeps import finish_all

AWAY = "Conductor's database is away"


@pytest.fixture
def server(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, with a copy of the suite's database, which the product uses meanwhile."""
    before = {alias: dict(connections[alias].settings_dict) for alias in ("default", "owner")}
    postgres = Postgres(tmp_path / "postgres")
    with django_db_blocker.unblock():
        postgres.start()
        try:
            _copy(before["owner"], postgres)
            _point_at(postgres)
            yield postgres
        finally:
            for alias, settings in before.items():
                connections[alias].close()
                connections[alias].settings_dict.update(settings)
            postgres.stop()
            postgres.remove()


def _copy(source: dict[str, Any], target: Postgres) -> None:
    given = {**os.environ, "PGHOST": source["HOST"], "PGUSER": source["USER"], "PGPASSWORD": source["PASSWORD"]}
    given["PGPORT"] = source["PORT"] or "5432"
    dump = [target.programs / "pg_dump", "--dbname", source["NAME"]]
    dumped = subprocess.run(dump, env=given, check=True, capture_output=True)
    psql = [
        target.programs / "psql",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        target.sockets,
        "-U",
        "conductor",
        "conductor",
    ]
    role = f"CREATE ROLE {APP_ROLE} LOGIN;\n".encode()  # roles are the cluster's, so a dump of a database lacks them
    # PostgreSQL 15.20 notes versions in its columns' options, and an older server knows no such option.
    lines = [line for line in dumped.stdout.splitlines(keepends=True) if b" SET (pg_attver=" not in line]
    loaded = subprocess.run(psql, input=role + b"".join(lines), check=False, capture_output=True)
    assert loaded.returncode == 0, loaded.stderr[-500:]


def _point_at(server: Postgres) -> None:
    for alias in ("default", "owner"):
        connections[alias].close()
        now = connections[alias].settings_dict
        # The application stays the application: as the owner it would see every tenant.
        user = APP_ROLE if now["USER"] == APP_ROLE else OWNER
        now.update(HOST=str(server.sockets), PORT="5432", NAME=DATABASE, USER=user)


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    """A home of this test's own, with an empty spool."""
    settings.CONDUCTOR_HOME = tmp_path
    return tmp_path


def incidents(tenant_id: Any) -> list[Incident]:
    with tenant_scope(tenant_id):
        return list(Incident.objects.order_by("number"))


def test_degraded_declare_and_backfill(server: Postgres, home: Path, now: datetime) -> None:
    """The database is stopped while people respond, and started again."""
    with tenant_scope(world.NORTHWIND):
        tenant = Tenant.objects.get(id=world.NORTHWIND)
    connect(tenant, slack.NORTHWIND_TEAM, now)
    server.stop()

    began = clock_now()
    answer, again = (say("declare sev1 Checkout fails --service checkout", trigger="1.2.away") for _ in range(2))
    kept, refused = say("update Rolled back to 4.1"), say("resolved done")

    check_message(answer)
    assert answer["response_type"] == "in_channel"
    assert AWAY in words(answer)
    assert all(step in words(answer) for step in outage_checklist.CHECKLIST)
    assert again["text"] == answer["text"]
    assert kept["text"].startswith("Kept as S-")
    assert "nothing was done" in refused["text"]
    assert len(outage_spool.waiting()) == 2
    assert (clock_now() - began).total_seconds() < 4 * 3
    assert outage_backfill.import_spool(clock_now()).waiting == 2

    server.start()
    _recover(clock_now())
    _recover(clock_now())

    (incident,) = incidents(world.NORTHWIND)
    assert (incident.title, incident.severity, incident.origin) == ("Checkout fails", "SEV1", "slack")
    assert incident.declared_by_name == "Ben Responder"
    assert incident.detected_at is not None
    assert abs(incident.detected_at - began) < timedelta(seconds=12)
    with tenant_scope(world.NORTHWIND):
        marked = list(TimelineEvent.objects.filter(kind="degraded.reconstructed").order_by("seq"))
        updates = list(TimelineEvent.objects.filter(kind="comms.update_posted"))
        receipts = list(SlackReceipt.objects.filter(spooled_at__isnull=False).values_list("state", flat=True))
    assert [each.data["provenance"] for each in marked] == ["reconstructed", "reconstructed"]
    assert all(each.occurred_at < each.recorded_at for each in marked)
    assert [each.body for each in updates] == ["Rolled back to 4.1"]
    assert receipts == ["DONE", "DONE"]
    assert outage_spool.waiting() == []


def say(text: str, **more: str) -> dict[str, Any]:
    """Have Ben say it; Slack takes no late answer."""
    return Speaker()(text, response_url="", **more)


def _recover(now: datetime) -> None:
    """What a worker does by itself: look after its connections, then sweep, twice over."""
    connections.close_all()
    finish_all(now)
    finish_all(now + timedelta(seconds=6))


def spooled(text: str, *, team: str = slack.NORTHWIND_TEAM, trigger: str = "1.2.x") -> None:
    fields = {"team_id": team, "user_id": slack.BEN, "command": "/incident", "text": text, "trigger_id": trigger}
    outage_checklist.take_in_degraded(fields=fields, now=clock_now())


def test_the_command_records_what_was_kept_once(workspace: Tenant, home: Path) -> None:
    spooled("declare sev2 One", trigger="1.2.a")
    spooled("declare sev2 Two", trigger="1.2.b")
    out = StringIO()

    call_command("slack_backfill", stdout=out)
    call_command("slack_backfill", stdout=out)

    assert out.getvalue().splitlines()[0] == "2 recorded, 2 of them carried out; 0 set aside."
    assert [each.title for each in incidents(workspace.id)] == ["One", "Two"]


def test_what_no_workspace_of_ours_sent_is_set_aside_for_a_person(workspace: Tenant, home: Path) -> None:
    spooled("declare sev1 Forged", team="T0NOBODY")

    report = outage_backfill.import_spool(clock_now())

    assert (report.stored, report.set_aside) == ([], 1)
    assert incidents(workspace.id) == []
    assert len(list((outage_spool.folder() / outage_spool.REFUSED).glob("*.json"))) == 1


def test_a_file_that_cannot_be_read_holds_up_nothing_and_stays(workspace: Tenant, home: Path) -> None:
    spooled("declare sev2 Whole")
    broken = outage_spool.folder() / "broken.json"
    broken.write_text("{")

    assert len(outage_backfill.import_spool(clock_now()).stored) == 1
    assert broken.exists()


def test_a_disk_that_takes_nothing_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_given: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(outage_spool, "write_once", full)
    fields = {"team_id": "T", "user_id": "U", "command": "/incident", "text": "declare sev1 x", "trigger_id": "1"}

    answer = outage_checklist.take_in_degraded(fields=fields, now=clock_now())

    assert answer is not None
    assert "nothing was done" in answer["text"]


def test_the_command_says_when_the_database_is_still_away(
    workspace: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled("declare sev2 Later")
    monkeypatch.setattr(
        "chatops.management.commands.slack_backfill.import_spool", lambda now: outage_backfill.Backfill(waiting=1)
    )

    with pytest.raises(CommandError, match="1 still wait"):
        call_command("slack_backfill", stdout=StringIO())
