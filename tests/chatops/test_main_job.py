"""The demonstration's main job: it tells the truth about what went wrong, and its first half runs over real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections

from chatops.demo import main_job, proof, summary, verdict
from chatops.demo.doors import Api, DoorShut, Slack, wait_for_door, wait_until
from chatops.demo.evidence import sealed_of
from chatops.demo.main_job import browsers
from chatops.demo.response import RESPONSE, Hands, respond
from chatops.slack.workspace.identities import link_identity
from chatops.slack.workspace.lifecycle import link_workspace
from conductor.embedded.progress import Progress
from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.ledger.keys.keyring import KeyPeriod, Keyring
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.clock import now as clock_now
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import ApiToken, Tenant
from controls.lifecycle import bind_defaults
from evidence.models import EvidenceBundle
from evidence.tasks import sweep_incidents
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from tests.evidence.packing import LOG, NOTARY, SEAL, local_token, make_pack, repacked, unpacked

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STANDS_FOR = {"jonas": "ben", "amara": "cora"}
"""The test world's people in the place of the seed's."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(committed: None) -> Iterator[str]:
    """The product behind a real socket on the loopback; its address."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def worker(committed: None, tenant: Tenant) -> Iterator[None]:
    """Something that advances the tenant's runs, logs receipts and collects evidence until the test is over."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            with tenant_scope(tenant.id):
                due = list(Run.objects.exclude(status__in=Run.OVER).values_list("id", flat=True))
            for run_id in due:
                advance(tenant_id=tenant.id, run_id=run_id, worker="test", now=clock_now())
                sequence(tenant_id=tenant.id, now=clock_now())
            sweep_incidents()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def bound(committed: None, tenant: Tenant, now: datetime) -> None:
    """The workflow that collects an incident's evidence is bound to its controls, as the seed binds it."""
    with tenant_scope(tenant.id):
        bind_defaults(tenant_id=tenant.id, actor=Actor.system(), now=now)


@pytest.fixture
def people(committed: None, tenant: Tenant, now: datetime) -> None:
    """The test world's Ben, Cora and Ana under the seed's Slack ids."""
    who = Actor.system(channel="cli")
    with tenant_scope(tenant.id):
        link_workspace(tenant_id=tenant.id, team_id="T0NORTHWIND", team_name="Northwind", actor=who, now=now)
        for slack_id, username in (("U0JONAS", "ben"), ("U0AMARA", "cora"), ("U0PRIYA", "ana")):
            user = User.objects.get(username=username)
            link_identity(
                tenant_id=tenant.id, team_id="T0NORTHWIND", slack_user_id=slack_id, user=user, actor=who, now=now
            )


@pytest.mark.fault("console-F11")
def test_the_first_half_runs_through_the_real_doors_to_evidence_without_exceptions(
    web: str,
    worker: None,
    people: None,
    bound: None,
    tenant: Tenant,
    tmp_path: Path,
    settings: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.CONDUCTOR_DEMO = True
    slack = Slack(web, "T0NORTHWIND", "/incident", SECRET)
    with main_job.api_token() as token:
        api = Api(web, "northwind", token)
        hands = Hands(api, slack, lambda username: browsers(web)(STANDS_FOR[username]))
        done = respond(hands=hands, out=tmp_path, progress=Progress(total=4), seconds=300)
        good = sealed_of(api, done.slack_incident, seconds=300, conclusion="NO_EXCEPTIONS")

    with tenant_scope(tenant.id):
        by_code = {incident.code: incident for incident in Incident.objects.all()}
        assert by_code[done.alert_incident].origin == "alert"
        assert by_code[done.slack_incident].origin == "slack"
        assert by_code[done.slack_incident].status == "RESOLVED"
        assert RoleAssignment.objects.get(incident=by_code[done.slack_incident]).user.username == "cora"
        alert = by_code[done.alert_incident]
        assert alert.declared_by_name == "Alertmanager"
        assert alert.detected_at is not None
        assert timedelta(0) < alert.declared_at - alert.detected_at < timedelta(minutes=10)
        bundle = EvidenceBundle.objects.get(number=int(good.code.removeprefix("EVB-")))
        assert bundle.supersedes is not None
        assert bundle.supersedes.code == done.unapproved.code
        results = {finding["check"]: finding["result"] for finding in bundle.findings}
        # Nobody was notified here, and that is not called a pass; everything else was looked at and held.
        assert results == dict.fromkeys(results, "pass") | {"I16": "not_checked"}
        assert done.unapproved.exceptions == ["Postmortem reviewed", "Cause found", "Lessons written"]
        assert done.unapproved.sentence.startswith(f"{done.unapproved.code}: ")
        assert Receipt.objects.filter(subject=by_code[done.slack_incident].ref).count() >= len(RESPONSE)
        assert ApiToken.objects.get().revoked_at is not None
    assert done.postmortem_pdf.read_bytes().startswith(b"%PDF-")
    assert "[4/4] postmortem" in capsys.readouterr().out


def test_a_refusal_in_slack_stops_the_main_job(web: str, people: None) -> None:
    slack = Slack(web, "T0NORTHWIND", "/incident", SECRET)
    slack.say(user="U0JONAS", text="declare sev1 x")

    with pytest.raises(DoorShut, match="not mitigated yet"):
        slack.say(user="U0JONAS", text="resolved")


def test_a_wrong_secret_stops_the_main_job(web: str, people: None) -> None:
    with pytest.raises(DoorShut, match="answered 401"):
        Slack(web, "T0NORTHWIND", "/incident", "another").say(user="U0JONAS", text="help")


def test_the_api_says_what_it_was_refused(web: str) -> None:
    with pytest.raises(DoorShut, match=r"GET /incidents/1 answered 401"):
        Api(web, "northwind", "mct_nonsense").get("/incidents/1")


def test_nobody_at_the_door_is_told_with_the_address() -> None:
    with pytest.raises(DoorShut, match=r"no answer from http://127\.0\.0\.1:9"):
        Api("http://127.0.0.1:9", "northwind", "t").get("/incidents")
    with pytest.raises(DoorShut, match="the web server did not come within 0 s"):
        wait_for_door("http://127.0.0.1:9", seconds=0)


def test_waiting_returns_the_first_answer_and_has_an_end() -> None:
    answers = iter([None, None, "there"])

    assert wait_until("it", lambda: next(answers), seconds=5, every=0) == "there"
    began = time.monotonic()
    with pytest.raises(DoorShut, match="it did not come"):
        wait_until("it", lambda: None, seconds=0.05, every=0.01)
    assert time.monotonic() - began < 2


# The second half, against answers as the API gives them ------------------------------------------
class Answers(Api):
    """An API that answers from a table, for what a healthy system never says."""

    def __init__(self, **changes: Any) -> None:
        super().__init__("http://none.test", "northwind", "t")
        run = {
            "code": "R-5",
            "status": "SUCCEEDED",
            "error": None,
            "steps": [
                step(1, "evidence.open_restore_bundle", {"bundle": "EVB-0001", "bundle_id": "b"}),
                step(2, "evidence.compare_restore", {"tables": 30, "rows": 4000, "differences": 0}),
                step(3, "evidence.request_pack", {"pack_id": "p", "run": "R-6"}),
            ],
        }
        bundle = {
            "bundle": {"status": "SEALED", "conclusion": "NO_EXCEPTIONS"},
            "controls": [{"alias": "SOC2_A1.2"}],
            "findings": [{"title": "Rows", "detail": "one missing", "result": "exception"}],
            "artifacts": [{}, {}],
        }
        table = {
            "/controls/SOC2_A1.2": {"bindings": [{"workflow": proof.WORKFLOW, "valid_to": None}]},
            "/controls/restore-verifications": {"number": 5},
            "/runs/5": run,
            "/bundles/EVB-0001": bundle,
            "/bundles/EVB-0001/verification": {"verdict": "Verified", "is_verified": True, "links": []},
            "/packs/p": {"id": "p", "number": 1, "status": "READY", "verified": True, "error": ""},
        }
        object.__setattr__(self, "table", {**table, **changes})

    def get(self, path: str) -> Any:
        return self.table[path]  # type: ignore[attr-defined]

    def post(self, path: str, body: Any, *, key: str = "") -> Any:
        assert body == {"environment": "production"}
        return self.get(path)

    def download(self, path: str, target: Path) -> Path:
        target.write_bytes(path.encode())
        return target


def step(seq: int, name: str, output: Any) -> dict[str, Any]:
    return {"seq": seq, "name": name, "status": "SUCCEEDED" if output else "FAILED", "output": output}


def test_the_second_half_tells_steps_and_leaves_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = proof.prove(api=Answers(), number=5, out=tmp_path, progress=Progress(total=3), seconds=1)

    said = capsys.readouterr().out
    assert (done.bundle, done.pack_pdf.name, done.pack_zip.name) == (
        "EVB-0001",
        "EVB-0001-pack-1.pdf",
        "EVB-0001-pack-1.zip",
    )
    assert "succeeded  evidence.compare_restore" in said
    assert "30 tables, 4000 rows, 0 differences" in said


SEALED = {"alias": "SOC2_A1.2"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"/controls/SOC2_A1.2": {"bindings": []}}, "is not bound"),
        (
            {"/runs/5": {"code": "R-5", "status": "FAILED", "error": {"message": "no pg_dump"}, "steps": []}},
            "R-5 is FAILED.*no pg_dump",
        ),
        ({"/runs/5": {"status": "RUNNING", "steps": []}}, "the end of R-5 did not come"),
        (
            {"/bundles/EVB-0001": {"bundle": {"status": "ABANDONED"}, "controls": [SEALED]}},
            "EVB-0001 is ABANDONED",
        ),
        (
            {"/bundles/EVB-0001": {"bundle": {"status": "SEALED"}, "controls": [{"alias": "SOC2_CC1.1"}]}},
            "covers .'SOC2_CC1.1'",
        ),
        (
            {
                "/bundles/EVB-0001": {
                    "bundle": {"status": "SEALED", "conclusion": "EXCEPTIONS"},
                    "controls": [SEALED],
                    "findings": [{"title": "Rows", "detail": "one missing", "result": "exception"}],
                }
            },
            "EXCEPTIONS: Rows: one missing",
        ),
        (
            {
                "/bundles/EVB-0001/verification": {
                    "verdict": "Not verified",
                    "is_verified": False,
                    "links": [{"state": "bad"}],
                }
            },
            "EVB-0001 is Not verified",
        ),
        (
            {"/packs/p": {"id": "p", "number": 1, "status": "FAILED", "verified": None, "error": "disk full"}},
            "the pack is FAILED.*disk full",
        ),
        (
            {"/packs/p": {"id": "p", "number": 1, "status": "READY", "verified": False, "error": ""}},
            "verified: False",
        ),
        ({"/packs/p": {"id": "p", "status": "RENDERING"}}, "the pack did not come"),
    ],
)
def test_whatever_is_not_as_it_must_be_is_told(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(DoorShut, match=told):
        api = Answers(**changes)
        proof.prove(api=api, number=proof.start(api), out=tmp_path, progress=Progress(total=3, quiet=True), seconds=0)


# The verdict -------------------------------------------------------------------------------------
def _keyring(seal: Any, log: Any) -> Keyring:
    """The keys that the test's packs are signed with, or others."""
    return Keyring([KeyPeriod("SEAL", 1, seal.public, None, None), KeyPeriod("LOG", 1, log.public, None, None)])


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(verdict, "keyring", lambda: _keyring(SEAL, LOG))
    path = tmp_path / "EVB-0017-pack-1.zip"
    path.write_bytes(make_pack().data)
    return path


def test_a_good_pack_is_verified_by_what_it_brings_with_our_keys(pack: Path) -> None:
    said = verdict.verify_alone(pack)

    assert said.word == "VERIFIED"
    assert said.failed == 0
    assert not {"seal key", "log key"} & set(said.not_checked)
    assert f"sha256:{SEAL.public.fingerprint}" in said.command
    assert pack.with_name("verify.py").read_bytes() == unpacked(pack.read_bytes())["verify.py"]


def test_our_own_key_is_a_self_witness_and_leaves_the_notary_unchecked(pack: Path) -> None:
    made = make_pack()
    token = local_token(made.contents.manifest)
    pack.write_bytes(make_pack(notary_tokens=[token], notary_key=NOTARY.public).data)

    alone = verdict.verify_alone(pack)
    with_key = verdict.verify_alone(pack, notary_keys=[f"sha256:{NOTARY.public.fingerprint}"])

    assert alone.not_checked == ["notary", "self-witness"]
    assert with_key.word == "VERIFIED"
    assert with_key.not_checked == ["notary"]
    assert with_key.sentence.endswith("Nobody outside this installation has vouched for this")


def test_a_changed_byte_is_not_verified(pack: Path) -> None:
    files = unpacked(pack.read_bytes())
    files["data/restore/log.txt"] += b"!"
    pack.write_bytes(repacked(files))

    said = verdict.verify_alone(pack)

    assert said.word == "NOT VERIFIED"
    assert said.sentence.startswith("NOT VERIFIED")


def test_a_pack_of_other_keys_is_not_verified(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "keyring", lambda: _keyring(LOG, SEAL))

    assert verdict.verify_alone(pack).word == "NOT VERIFIED"


def test_a_pack_without_a_verifier_has_no_verdict(pack: Path) -> None:
    files = unpacked(pack.read_bytes())
    del files["verify.py"]
    pack.write_bytes(repacked(files))

    with pytest.raises(DoorShut, match="brings 0 verifiers"):
        verdict.verify_alone(pack)


# The summary and the command ---------------------------------------------------------------------
GOOD = summary.Summary(
    finished_at="2026-11-20T11:00:00Z",
    seconds=20.5,
    incidents=["INC-1", "INC-2"],
    postmortem_pdf="/x/INC-2-postmortem.pdf",
    bundle="EVB-0001",
    pack_pdf="/x/EVB-0001-pack-1.pdf",
    pack_zip="/x/EVB-0001-pack-1.zip",
    verdict="VERIFIED: 9 passed, 0 failed, 1 not checked (notary)",
    verify_command="python3 -I verify.py EVB-0001-pack-1.zip",
)


@pytest.fixture
def demo(settings: Any, tmp_path: Path) -> Any:
    settings.CONDUCTOR_DEMO = True
    settings.CONDUCTOR_HOME = tmp_path
    return settings


@pytest.fixture
def seeded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed's people, of whom the links are made."""
    for person in (*summary.NORTHWIND, *summary.GLOBEX):
        User.objects.create_user(person.username, first_name=person.first_name, last_name=person.last_name)


def test_a_summary_is_kept_and_read_again(demo: Any) -> None:
    assert summary.load() is None
    summary.save(GOOD)

    assert summary.load() == GOOD
    summary.summary_path().write_text("{broken")
    assert summary.load() is None


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [({}, True), ({"error": "x"}, False), ({"verdict": ""}, False), ({"verdict": "NOT VERIFIED: 1"}, False)],
)
def test_a_summary_is_good_only_with_a_verdict_and_without_an_error(changes: dict[str, Any], is_good: bool) -> None:
    assert summary.Summary(**{**vars(GOOD), **changes}).is_good is is_good


def test_the_summary_shows_a_way_in_for_each_role_and_every_document(demo: Any, seeded: None) -> None:
    summary.save(GOOD)
    first, second = StringIO(), StringIO()

    call_command("main_job", "--summary", stdout=first)
    call_command("main_job", "--summary", stdout=second)

    said = first.getvalue()
    for label in ("Responder", "Commander", "Auditor", "Admin", "Another tenant"):
        assert label in said
    assert said.count("/signin/link/") == 5
    assert GOOD.postmortem_pdf in said
    assert GOOD.pack_pdf in said
    assert GOOD.verdict in said
    links = {line.split()[-1] for line in said.splitlines() if "/signin/link/" in line}
    assert not any(link in second.getvalue() for link in links)


def test_a_failed_main_job_is_shown_and_exits_with_an_error(demo: Any, seeded: None) -> None:
    summary.save(summary.Summary(finished_at="2026-11-20T11:00:00Z", seconds=1, error="the pack did not come"))
    out = StringIO()

    with pytest.raises(CommandError, match="failed"):
        call_command("main_job", "--summary", stdout=out)

    assert "the pack did not come" in out.getvalue()


def test_a_main_job_with_nobody_at_the_door_fails_and_says_so(
    demo: Any, seeded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.CONDUCTOR_BASE_URL = "http://127.0.0.1:9"
    out = StringIO()

    with pytest.raises(CommandError, match="failed"):
        call_command("main_job", "--seconds", "0", stdout=out)

    kept = summary.load()
    assert kept is not None
    assert "the web server did not come" in kept.error
    assert "did not run" in out.getvalue()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [("CONDUCTOR_DEMO", False, "CONDUCTOR_DEMO=1"), ("SLACK_SIGNING_SECRET", "", "CONDUCTOR_SLACK_SIGNING_SECRET")],
)
def test_the_command_says_which_setting_is_missing(demo: Any, setting: str, value: Any, told: str) -> None:
    setattr(demo, setting, value)

    with pytest.raises(CommandError, match=told):
        call_command("main_job")


def test_without_a_run_there_is_no_summary(demo: Any) -> None:
    with pytest.raises(CommandError, match="has not run"):
        call_command("main_job", "--summary")
