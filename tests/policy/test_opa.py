"""The port's contract, kept by regorus in process and by an OPA over HTTP; and what an OPA alone can do wrong.

The every-push suite asks a double of ours that speaks OPA's Data API. `full` asks OPA itself, through its Go library.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.policy.backends import IN_PROCESS, UnknownEngine, active_engine
from conductor.policy.bundle import bundle_of, policy_bundle, read_folder
from conductor.policy.engine import EngineFailure, PolicyEngine, Verdict, path_of
from conductor.policy.models import PolicyDecision
from conductor.policy.opa import OpaEngine, write_bundle
from tests.policy.asking import Asked
from tests.policy.documents import ACTIONS, CASES, replaced, sound, without

SERVER = Path(__file__).with_name("opa_server.py")
PACKAGE = "opa-golib-python-bindings==0.4.4"


@contextmanager
def served(folder: Path, kind: str = "double", python: str = sys.executable, **files: str) -> Iterator[OpaEngine]:
    """Serve the built-in rules, or `files` in their place, as OPA would; yield an engine that asks there."""
    bundle = folder / "bundle.tar.gz"
    bundle.write_bytes(write_bundle(bundle_of({**policy_bundle().files, **files})))
    command = [python, str(SERVER), str(bundle), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        engine = OpaEngine(url=f"http://127.0.0.1:{int(process.stdout.readline())}", seconds=20)
        try:
            yield engine
        finally:
            engine.close()
            process.kill()


@pytest.fixture(scope="module")
def opa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpaEngine]:
    with served(tmp_path_factory.mktemp("opa")) as engine:
        yield engine


@pytest.fixture(params=["regorus", "opa"])
def engine(request: pytest.FixtureRequest) -> PolicyEngine:
    return IN_PROCESS if request.param == "regorus" else request.getfixturevalue("opa")  # type: ignore[no-any-return]


def judged(engine: PolicyEngine, action: str, document: Any) -> Verdict:
    body = json.dumps(document).encode()
    return engine.evaluate(bundle=policy_bundle(), path=path_of(action), document=body)


# The contract of the port ------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_a_sound_request_is_allowed_and_an_empty_one_denied_with_reasons(engine: PolicyEngine, action: str) -> None:
    assert judged(engine, action, sound(action)) == Verdict(allow=True, reasons=())
    denied = judged(engine, action, {})
    assert not denied.allow
    assert denied.reasons == tuple(sorted(denied.reasons))


def test_an_action_without_rules_is_a_failure(engine: PolicyEngine) -> None:
    with pytest.raises(EngineFailure, match="neither yes nor no"):
        judged(engine, "incidents.delete", sound("incidents.declare"))


def test_a_document_that_is_no_json_is_a_failure(engine: PolicyEngine) -> None:
    for document in (b"{", b"", b'{}, "x": 1'):
        with pytest.raises(EngineFailure):
            engine.evaluate(bundle=policy_bundle(), path=path_of("incidents.declare"), document=document)


def test_an_engine_says_its_name_and_version(engine: PolicyEngine) -> None:
    judged(engine, "incidents.declare", {})
    assert engine.name in {"regorus", "opa"}
    assert engine.version not in {"", "unknown"}


# What an OPA can do wrong ------------------------------------------------------------------------


def test_rules_of_another_revision_are_a_failure(tmp_path: Path) -> None:
    text = policy_bundle().files["declare.rego"] + "\n# changed\n"
    with served(tmp_path, **{"declare.rego": text}) as other, pytest.raises(EngineFailure, match="evaluates revision"):
        judged(other, "incidents.declare", sound("incidents.declare"))


def test_an_opa_that_is_away_is_a_failure() -> None:
    with pytest.raises(EngineFailure, match="did not answer: ConnectError"):
        judged(OpaEngine(url="http://127.0.0.1:9"), "incidents.declare", {})


def test_an_error_of_opa_is_a_failure_in_its_words(tmp_path: Path) -> None:
    broken = "package conductor.incidents.declare\n\nallow := 1 / 0\n\ndeny := set()"
    with served(tmp_path, **{"declare.rego": broken}) as engine, pytest.raises(EngineFailure, match=r"500.*divide"):
        judged(engine, "incidents.declare", {})


def test_decisions_are_taken_by_the_engine_of_the_setting(scope: None, ask: Asked, opa: OpaEngine) -> None:
    with override_settings(CONDUCTOR_POLICY_ENGINE="opa", CONDUCTOR_OPA_URL=opa._url):
        assert ask().allow
    with override_settings(CONDUCTOR_POLICY_ENGINE="opa", CONDUCTOR_OPA_URL="http://127.0.0.1:9"):
        assert ask().codes == ["policy_engine_error"]

    rows = PolicyDecision.objects.order_by("id").values_list("engine", "engine_version", "allow")
    assert list(rows) == [("opa", "double-1", True), ("opa", "unknown", False)]


@pytest.mark.parametrize(("name", "url"), [("opa", ""), ("cedar", "http://127.0.0.1:9"), ("", "")])
def test_a_setting_that_names_no_engine_is_refused(name: str, url: str) -> None:
    with override_settings(CONDUCTOR_POLICY_ENGINE=name, CONDUCTOR_OPA_URL=url), pytest.raises(UnknownEngine):
        active_engine()


def test_the_bundle_is_the_same_bytes_for_the_same_rules(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.tar.gz"):
        call_command("policy_bundle", out=tmp_path / name, verbosity=0, stdout=sys.stderr)

    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


# OPA itself --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has OPA's Go library, which this project never depends on."""
    folder = tmp_path_factory.mktemp("real-opa")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "--ignore-requires-python", PACKAGE]
    done = subprocess.run(install, capture_output=True, text=True, timeout=300)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"{PACKAGE} cannot be installed here")
    return python


TESTS = """
import json, sys
from opa_bindings import OpaEngine
files, rules = json.load(sys.stdin)
engine = OpaEngine()
for name, text in files.items():
    engine.add_policy(name, text)
print(json.dumps([rule for rule in rules if engine.eval_query("x = " + rule) != [{"x": True}]]))
"""


@pytest.mark.full
def test_opa_itself_passes_the_same_test_files(real_python: str) -> None:
    from tests.policy.test_rules import REPORT

    rules = [test.name for test in REPORT.tests]
    given = json.dumps([read_folder(), rules])
    done = subprocess.run([real_python, "-c", TESTS], input=given, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert len(rules) > 80
    assert json.loads(done.stdout) == []


@pytest.mark.full
def test_opa_itself_keeps_the_contract_and_agrees_on_random_inputs(real_python: str, tmp_path: Path) -> None:
    values = st.sampled_from([None, "", "x", 0, 1, True, False, [], {}, ["respond"], "SEV1", "production"])

    with served(tmp_path, "real", real_python) as real:
        for action in ACTIONS:
            assert judged(real, action, sound(action)).allow

        @settings(max_examples=1500, deadline=None)
        @given(case=st.sampled_from(CASES), other=st.sampled_from(CASES), value=values, drop=st.booleans())
        def agree(case: Any, other: Any, value: Any, drop: bool) -> None:
            action, path = case
            document = replaced(sound(action), path, value)
            if drop and other[0] == action and other[1][: len(path)] != path and path[: len(other[1])] != other[1]:
                document = without(document, other[1])
            assert judged(real, action, document) == judged(IN_PROCESS, action, document)

        agree()
