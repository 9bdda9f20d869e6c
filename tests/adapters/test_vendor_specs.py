"""What is sent to GitHub and Jira, judged by their own OpenAPI descriptions, which Prism serves.

Needs Prism (`npm install -g @stoplight/prism-cli`) on the PATH and, in CONDUCTOR_VENDOR_SPECS, a folder with
github-issues.openapi.json, jira-cloud-issues.openapi.json and jira-cloud-search.openapi.json, which are too large to
keep here. The last one is cut from Atlassian's newer description: the older ones do not know /search/jql.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft4Validator

from adapters.ports.protocols import AdapterError
from adapters.ports.ticketing import NewTicket, TicketState
from tests.adapters import github_double, jira_double
from tests.adapters.receiver import Asked, Handler, receiving

pytestmark = pytest.mark.full

NEW = NewTicket(key="conductor-0193", title="Cap the pool", text="It overflowed.\n\nTwice.", url="https://c.test/A-1")
SINCE = datetime(2026, 11, 20, tzinfo=UTC)


class Judged:
    """Passes each call on to Prism and keeps what that says against it; answers itself what the description lacks."""

    def __init__(self, prism: str, *, searches: bool = False) -> None:
        self.prism, self.searches = prism, searches
        self.passed: list[str] = []
        self.complaints: list[str] = []

    def answer(self, handler: Handler, asked: Asked) -> None:
        path = asked.path.removeprefix("/hook")
        if path.endswith("/search/jql") and not self.searches:
            handler.answer(200, b'{"issues": []}')
            return
        headers = {name: value for name, value in asked.headers.items() if name not in {"host", "content-length"}}
        request = urllib.request.Request(self.prism + path, asked.body or None, headers, method=asked.method)
        try:
            with urllib.request.urlopen(request, timeout=30) as said:
                status, body = said.status, said.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
            self.complaints.append(f"{asked.method} {path}: {status} {body[:300].decode(errors='replace')}")
        self.passed.append(f"{asked.method} {path.partition('?')[0]}")
        handler.answer(status, _unwrapped(body))


def _unwrapped(body: bytes) -> bytes:
    """Return the example itself: Atlassian's are texts that hold JSON, some of GitHub's stand beside their notes."""
    document = json.loads(body) if body.strip() else None
    if isinstance(document, str):
        return document.encode()
    if isinstance(document, dict) and isinstance(document.get("value"), dict):
        return json.dumps(document["value"]).encode()
    return body


def description(name: str) -> Path:
    """Return the vendor's description; skip the test where it is not at hand."""
    given = Path(os.environ.get("CONDUCTOR_VENDOR_SPECS", "/nowhere")) / f"{name}.openapi.json"
    if not given.exists():
        pytest.skip(f"needs {given.name} in CONDUCTOR_VENDOR_SPECS")
    return given


@contextmanager
def prism(name: str, folder: Path) -> Iterator[str]:
    """Yield the address of a server made of the vendor's description."""
    program, given = shutil.which("prism"), description(name)
    if program is None:
        pytest.skip("needs prism on the PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "prism.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [program, "mock", "-h", "127.0.0.1", "-p", str(port), str(given)], stdout=said, stderr=said
        )
    try:
        deadline = time.monotonic() + 60
        while "Prism is listening" not in log.read_text(errors="replace"):
            assert time.monotonic() < deadline, f"Prism did not get ready: {log.read_text(errors='replace')[-400:]}"
            assert server.poll() is None, log.read_text(errors="replace")[-400:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_github_takes_what_is_sent(tmp_path: Path) -> None:
    with prism("github-issues", tmp_path) as url:
        judged = Judged(url)
        with receiving(judged.answer) as receiver:
            told = github_double.adapter(receiver.url, labels=["incident"], timeout_seconds=30)
            assert told.describe()
            made = told.create(ticket=NEW, since=SINCE)
            assert (made.url[:8], bool(made.title)) == ("https://", True)
            for state in (TicketState.DROPPED, TicketState.DONE, TicketState.OPEN):
                # Prism forgets: where its example stands so already, nothing is sent.
                told.move(external_id=made.external_id, state=state)
            told.comment(external_id=made.external_id, text="Closed.", key="c1")
            told.changed(external_ids=[made.external_id], since=SINCE)

    assert judged.complaints == []
    asked = {each.partition(" ")[0] for each in judged.passed}
    assert asked == {"GET", "POST", "PATCH"}
    assert any(each.endswith("/comments") and each.startswith("POST") for each in judged.passed)


def test_jira_takes_what_is_sent(tmp_path: Path) -> None:
    with prism("jira-cloud-issues", tmp_path) as url:
        judged = Judged(url)
        with receiving(judged.answer) as receiver:
            told = jira_double.adapter(receiver.url, timeout_seconds=30)
            assert told.describe()
            told._rest.ask("POST", "/issue", {"fields": {"summary": "x", "project": {"key": "OPS"}}})
            _attempt(lambda: told.create(ticket=NEW, since=SINCE))
            told._rest.get("/issue/OPS-1/transitions")
            told._rest.ask("POST", "/issue/OPS-1/transitions", {"transition": {"id": "31"}})
            told.comment(external_id="OPS-1", text="Closed.", key="c1")

    assert judged.complaints == []
    assert judged.passed.count("POST /rest/api/3/issue") == 2
    assert "POST /rest/api/3/issue/OPS-1/comment" in judged.passed


def test_jira_takes_what_is_searched_page_after_page(tmp_path: Path) -> None:
    with prism("jira-cloud-search", tmp_path) as url:
        judged = Judged(url, searches=True)
        with receiving(judged.answer) as receiver:
            told = jira_double.adapter(receiver.url, timeout_seconds=30)
            _attempt(lambda: told.find(key=NEW.key, since=SINCE))
            told.changed(external_ids=["OPS-1"], since=SINCE)
            told._rest.ask("POST", "/search/jql", {"jql": "project = OPS", "nextPageToken": "2"})
            assert judged.complaints == []
            with pytest.raises(AdapterError):
                told._rest.ask("POST", "/search/jql", {"jql": "project = OPS", "startAt": 2})

    assert len(judged.complaints) == 1
    assert judged.passed == ["POST /rest/api/3/search/jql"] * 4


def test_jiras_double_answers_as_described() -> None:
    """What the other tests take for Jira is held against the description, answer by answer."""
    known = [json.loads(description(f"jira-cloud-{part}").read_text()) for part in ("issues", "search")]
    with jira_double.jira() as (project, url):
        told = jira_double.adapter(url)
        told.describe()
        made = [told.create(ticket=replace(NEW, key=f"conductor-{n}"), since=SINCE) for n in range(3)]
        told.comment(external_id=made[0].external_id, text="Closed.", key="c1")
        told.comment(external_id=made[0].external_id, text="Closed.", key="c1")
        told.move(external_id=made[0].external_id, state=TicketState.DONE)
        project.page = 2
        told.changed(external_ids=[each.external_id for each in made], since=SINCE)
        with pytest.raises(AdapterError):
            told.read(external_id="OPS-4711")

    faults = {
        f"{asked.method} {asked.path}: {status} {fault}"
        for asked, status, said in project.answered
        for fault in _faults(known, asked, status, said)
    }
    assert faults == set()
    assert {status for _asked, status, _said in project.answered} == {200, 201, 204, 404}


def _faults(known: list[Any], asked: Asked, status: int, said: Any) -> Iterator[str]:
    """Yield what the description says against an answer. It describes the body of few refusals."""
    path = urlsplit(asked.path).path.removeprefix("/hook")
    for document in known:
        for template, verbs in document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", template), path) and asked.method.lower() in verbs:
                answer = verbs[asked.method.lower()]["responses"].get(str(status))
                if answer is None:
                    yield "is not described"
                    return
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                judge = Draft4Validator({**schema, "components": document["components"]})
                if said is not None:
                    yield from (each.message for each in judge.iter_errors(said))
                return
    yield "no such path is described"


def _attempt(act: object) -> None:
    """Do it, although Prism's example of an issue lacks what every real one has."""
    assert callable(act)
    try:
        act()
    except AdapterError as error:
        assert error.code == "unreadable"


def test_the_judge_judges(tmp_path: Path) -> None:
    """A body that the description does not allow is complained about: the tests above can fail."""
    with prism("github-issues", tmp_path) as url:
        judged = Judged(url)
        with receiving(judged.answer) as receiver:
            told = github_double.adapter(receiver.url, timeout_seconds=30)
            with pytest.raises(AdapterError):
                told._rest.ask("POST", "/repos/acme/shop/issues", {"titel": "misspelt"})
    assert json.dumps(judged.complaints).count("422") == 1
