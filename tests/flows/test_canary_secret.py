"""A distinctive secret in every kind of adapter, and then looked for wherever the product writes anything (T58)."""

from __future__ import annotations

import base64
import io
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters import registry
from adapters.configuration.lifecycle import configure_adapter, try_adapter
from adapters.delivery.lifecycle import deliver
from adapters.models.adapter import AdapterConfig, Delivery, Secret
from adapters.notaries.lifecycle import notarize
from adapters.ports.protocols import AdapterError
from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now as clock_now
from conductor.lib.refs import Ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Environment, Tenant
from controls.lifecycle import bind_defaults, start_restore_verification
from evidence.models import Pack
from tests.adapters.certificates import Authority, server_context
from tests.adapters.receiver import Asked, Handler, Receiver, receiving, status
from tests.adapters.relay import relaying
from tests.adapters.stamping import Stamper, stamping
from tests.evidence.driving import drive, dsn

CANARY = "canary7d1f0c93a5e84b62"
KEY = "whsec_" + base64.b64encode(f"{CANARY}-signing-key".encode()).decode()
SIGHTS = (CANARY, base64.b64encode(CANARY.encode())[:-3].decode(), KEY, CANARY.encode().hex())
"""The secret as it is, and as base64 and hexadecimal would show it."""
DSN_VARIABLE = "CANARY_TEST_DSN"
SUBJECT = Ref("incidents.incident:1")


def sighted(text: str | bytes) -> list[str]:
    """Return how the secret shows in what was written."""
    shown = text if isinstance(text, str) else text.decode(errors="replace")
    return [each for each in SIGHTS if each.lower() in shown.lower()]


@dataclass
class Written:
    """Everything that left the process while the test ran."""

    logs: io.StringIO = field(default_factory=io.StringIO)
    messages: list[str] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Logs as the product writes them (JSON), from every library and at every level; and messages to the broker."""
    held = Written()
    root = logging.getLogger()
    (handler,) = [each for each in root.handlers if type(each) is logging.StreamHandler]
    before, level = handler.setStream(held.logs), root.level
    root.setLevel(logging.DEBUG)
    # The mail relay runs in this process too, and writes down what it is told: it is not the product.
    monkeypatch.setattr(logging.getLogger("mail.log"), "propagate", False)

    def publish(sender: Any = None, body: Any = None, headers: Any = None, **others: Any) -> None:
        held.messages.append(f"{sender} {body} {headers}")

    before_task_publish.connect(publish)
    yield held
    before_task_publish.disconnect(publish)
    root.setLevel(level)
    handler.setStream(before or logging.sys.stderr)  # type: ignore[attr-defined]


def echo(handler: Handler, asked: Asked) -> None:
    """Refuse, and repeat everything that was said: the rudest receiver that there is."""
    first = asked.headers.get("authorization", "")  # where a short quotation would show it
    handler.answer(403, f"{first} {dict(asked.headers)} {asked.body!r}".encode())


@contextmanager
def connected(
    tenant: Tenant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Receiver, dict[str, AdapterConfig]]]:
    """Yield a receiver and one adapter of every kind, with the canary in each secret that a kind has."""
    monkeypatch.setenv(DSN_VARIABLE, make_conninfo(**{**conninfo_to_dict(dsn()), "password": CANARY}))
    stamper = Stamper(folder)
    mailing = Authority()
    tls = server_context(mailing.for_loopback(), folder)
    with receiving() as receiver, stamping(stamper) as authority, relaying(tls=tls) as relay:
        mail: dict[str, Any] = {"host": "localhost", "port": relay.port, "from_address": "a@b.test", "to": ["c@d.test"]}
        mail |= {"ca_certificate": mailing.root.pem}
        measure = {"key": "x", "label": "X", "unit": "count", "query": "up"}
        here = {"allow_loopback": True}
        told: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
            "webhook": ({"url": f"{receiver.url}/{CANARY}", **here}, {"signing_key": KEY}),
            "smtp": ({**mail, "username": "robot", "security": "starttls", **here}, {"password": f"{CANARY}-mail"}),
            "local": ({}, {}),
            "rfc3161": ({"url": authority.url, "root_certificate": stamper.root, **here}, {}),
            "postgres": ({}, {"dsn": f"env:{DSN_VARIABLE}"}),
            "prometheus": (
                {"url": receiver.url, "measures": [measure], **here},
                {"bearer_token": f"{CANARY}-bearer"},
            ),
            # Names of 3n - 1 letters: behind "name:" the canary shows in base64 as SIGHTS has it.
            "roundup": (
                {"url": f"{receiver.url}/tracker", "username": "ab", **here},
                {"password": f"{CANARY}-roundup"},
            ),
            "github": (
                {"repository": "acme/shop", "url": receiver.url, "web_url": receiver.url, **here},
                {"token": f"{CANARY}-github", "webhook_secret": f"{CANARY}-hook"},
            ),
            "jira": (
                {"url": receiver.url, "email": "a@b.c", "project": "OPS", **here},
                {"api_token": f"{CANARY}-jira", "webhook_secret": f"{CANARY}-hook"},
            ),
        }
        made = {}
        with tenant_scope(tenant.id):
            for kind, (values, secrets) in told.items():
                made[kind] = configure_adapter(
                    tenant_id=tenant.id, kind=kind, name=kind, settings=values, secrets=secrets,
                    actor=Actor.system(channel="cli"),
                    now=clock_now(),
                )  # fmt: skip
        yield receiver, made


def every_row() -> Iterator[tuple[str, str]]:
    """Yield every row of every table as the owner of the database sees it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(table)))
            yield from ((table, row) for (row,) in cursor.fetchall())
    connections["owner"].close()


def look_everywhere(written: Written) -> None:
    """Assert that the secret shows nowhere, and that there was something to look at."""
    rows = list(every_row())
    assert any(table == "conductor_receipt" for table, _row in rows)
    # The admin wrote the canary into the address of the webhook, a setting: it may be in that row, nowhere else.
    seen = [(table, sighted(row)) for table, row in rows if sighted(row) and table != "adapters_adapterconfig"]
    assert not seen
    for table, row in rows:
        assert KEY not in row, table
        assert f"{CANARY}-" not in row, table
    logs = written.logs.getvalue()
    assert '"event"' in logs
    assert not sighted(logs), [line for line in logs.splitlines() if sighted(line)][:3]
    assert not [each for each in written.messages if sighted(each)]
    for path, body in written.answers:
        assert KEY.encode() not in body, path
        assert f"{CANARY}-".encode() not in body, path


def visit(written: Written, client: Client, path: str, **posted: Any) -> bytes:
    answer = client.post(path, posted) if posted else client.get(path)
    written.answers.append((path, answer.content))
    return answer.content


@pytest.mark.usefixtures("committed")
def test_t58_a_secret_shows_in_no_log_row_message_answer_or_page(
    tenant: Tenant, actor: Any, ana: User, as_user: Any, written: Written, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with connected(tenant, tmp_path, monkeypatch) as (receiver, made):
        assert set(made) == set(registry.KINDS), "a kind has no canary"
        for answering in (echo, status(503), status(204)):
            receiver.answering = answering
            try:
                deliver(
                    tenant_id=tenant.id, event="a.b.happened", subject=SUBJECT, payload={"title": "x"},
                    key=f"k{answering}", now=clock_now(),
                )  # fmt: skip
            except AdapterError as error:
                assert not sighted(str(error))
            for adapter in made.values():
                with tenant_scope(tenant.id):
                    try_adapter(adapter=adapter, actor=actor(ana), now=clock_now())
        notarize(tenant_id=tenant.id, subject=SUBJECT, digest="ab" * 32, now=datetime.now(UTC))
        sequence(tenant_id=tenant.id, now=clock_now())
        client = as_user(ana)
        client.raise_request_exception = False
        visit(written, client, "/admin/adapters/adapterconfig/")
        for adapter in made.values():
            place = f"/admin/adapters/adapterconfig/{adapter.id}"
            visit(written, client, f"{place}/change/")
            receiver.answering = echo
            visit(written, client, f"{place}/test/", go="1")
        monkeypatch.setattr("adapters.admin._rows", lambda: 1 / len(KEY[:0]))
        assert b"500" in visit(written, client, "/admin/adapters/adapterconfig/")
        # A value that is refused is not repeated either.
        hook = {"name": "x", "settings.url": "https://a.test/", "settings.timeout_seconds": "5"}
        hook |= {"secrets.signing_key": f"whsec_{CANARY}-!"}
        assert b"This is not whsec_" in visit(
            written, client, "/admin/adapters/adapterconfig/add/?kind=webhook", **hook
        )
        for verb in (("verify",), ("status",), ("rotate", "--data-keys")):
            said = io.StringIO()
            try:
                call_command("secrets", *verb, stdout=said, stderr=said)
            except CommandError as error:
                said.write(str(error))
            assert not sighted(said.getvalue())

    with tenant_scope(tenant.id):
        assert {each.status for each in Delivery.objects.all()} >= {"SENT", "FAILED"}
        assert Secret.objects.exclude(sealed="").count() == 8
    look_everywhere(written)


@pytest.mark.full
@pytest.mark.usefixtures("committed")
def test_t58_a_secret_shows_in_no_run_artifact_or_pack(
    tenant: Tenant, actor: Any, ana: User, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(tenant, tmp_path, monkeypatch):
        with tenant_scope(tenant.id):
            bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=clock_now())
            run = start_restore_verification(
                tenant_id=tenant.id,
                environment=Environment.objects.get(slug="production"),
                actor=Actor.system(),
                now=clock_now(),
            )
        assert drive(tenant_id=tenant.id, run_id=run.id).status == "SUCCEEDED"
        with tenant_scope(tenant.id):
            pack = Pack.objects.get()
        drive(tenant_id=tenant.id, run_id=pack.run_id)

    files = [each for each in Path(settings.CONDUCTOR_HOME).rglob("*") if each.is_file() and "static" not in each.parts]
    kept = [each for each in files if "keys" not in each.parts]
    assert [each for each in kept if zipfile.is_zipfile(each)], "there is no pack to look into"
    for each in kept:
        assert not sighted(each.read_bytes()), each
        if zipfile.is_zipfile(each):
            with zipfile.ZipFile(each) as packed:
                assert not [name for name in packed.namelist() if sighted(packed.read(name))]
    look_everywhere(written)
